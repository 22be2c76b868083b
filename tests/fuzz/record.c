/* SPDX-License-Identifier: MIT */
/*
 * The file of what is taken. Input: how many things are done with it (one byte), those
 * things, and the file as a daemon before has left it. What was read is fit for use, and
 * whatever is done, a daemon that starts then finds the same.
 */
#include "fds.h"
#include "input.h"

#include "device/record.h"
#include "util/log.h"
#include "util/pci_key.h"

#include <fcntl.h>
#include <unistd.h>

/* Bytes that an act takes. */
enum { RECORDS = 512, ACTS = 16, ACT = 160 };

static char folder[] = "/dev/shm/hwbroker-fuzz.XXXXXX";
static char path[sizeof(folder) + 16];

struct list {
	struct record records[RECORDS];
	uint32_t count;
	bool anywhere;
	struct record_range estates[RECORDS];
	uint32_t estate_count;
};

static void remove_files(void)
{
	unlink(path);
	rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	must(mkdtemp(folder) != NULL, "there is a place for the file");
	snprintf(path, sizeof(path), "%s/devices", folder);
	atexit(remove_files);
	log_set_level(getenv("FUZZ_LOG") != NULL ? LOG_LEVEL_DEBUG : (enum log_level)0);
	return 0;
}

/* ---- what must hold ---- */

static void check_name(const char *name, size_t size)
{
	must(strnlen(name, size) < size, "a name ends");
	for (; *name != '\0'; name++)
		must(*name != '\n' && *name != '/', "a name is one of something");
}

static void list_all(struct list *list)
{
	list->anywhere = record_estate_anywhere();
	for (list->estate_count = 0;
	     record_get_estate(list->estate_count, &list->estates[list->estate_count]);
	     list->estate_count++)
		must(list->estate_count + 1 < RECORDS &&
		             list->estates[list->estate_count].first <=
		                     list->estates[list->estate_count].last,
		     "a range is one");
	const struct record *record = list->records;
	list->count = 0;
	for (uint64_t key = 0; record_from(key, &list->records[list->count]);
	     key = pci_key(&record->address) + 1, list->count++) {
		record = &list->records[list->count];
		must(record->address.device < 32 && record->address.function < 8 &&
		             record->address.reserved == 0,
		     "an address is one");
		check_name(record->origin.driver, sizeof(record->origin.driver));
		check_name(record->origin.override, sizeof(record->origin.override));
		check_name(record->origin.reset, sizeof(record->origin.reset));
		check_name(record->client, sizeof(record->client));
		must(pci_key(&record->address) >= key, "a device is there once");
		must(list->count + 1 < RECORDS, "the input is not that long");
	}
}

static bool same(const struct record *a, const struct record *b)
{
	return memcmp(&a->address, &b->address, sizeof(a->address)) == 0 &&
	       a->instance == b->instance && a->restore == b->restore && a->uid == b->uid &&
	       strcmp(a->client, b->client) == 0 &&
	       strcmp(a->origin.driver, b->origin.driver) == 0 &&
	       strcmp(a->origin.override, b->origin.override) == 0 &&
	       strcmp(a->origin.reset, b->origin.reset) == 0 && a->placed == b->placed &&
	       memcmp(a->memory, b->memory, sizeof(a->memory)) == 0;
}

static void check_same_after_start(void)
{
	static struct list before, after;

	list_all(&before);
	record_close();
	record_open(path);
	list_all(&after);
	must(before.count == after.count && before.anywhere == after.anywhere &&
	             before.estate_count == after.estate_count,
	     "the next daemon finds as many");
	must(memcmp(before.estates, after.estates,
	            before.estate_count * sizeof(before.estates[0])) == 0,
	     "what devices have left is where it was");
	for (uint32_t i = 0; i < before.count; i++)
		must(same(&before.records[i], &after.records[i]), "and the same");
}

/* ---- what is done ---- */

static void take_name(struct input *input, char *name, size_t size)
{
	static const char letters[] = "ab -_.xyz0123456789ABCDEFGHIJKL";
	uint8_t length = take8(input) % size;

	for (uint8_t i = 0; i < length; i++)
		name[i] = letters[take8(input) % (sizeof(letters) - 1)];
	name[length] = '\0';
	if (strcmp(name, "-") == 0)
		name[0] = 'a'; /* nothing is called that */
}

static struct hwb_pci_address take_address(struct input *input)
{
	uint8_t which = take8(input);

	return (struct hwb_pci_address){
		.domain = (which & 0x80) != 0 ? UINT32_MAX : 0,
		.device = which >> 3 & 15,
		.function = which & 7,
	};
}

static struct record_range take_range(struct input *input)
{
	uint64_t first = take32(input);

	return (struct record_range){ first, first + take32(input) + 1 };
}

static void put(struct input *input)
{
	struct fault fault;
	struct record record = {
		.address = take_address(input),
		.instance = take32(input),
		.uid = take32(input),
		.restore = (take8(input) & 1) != 0,
	};

	uint8_t bars = take8(input);
	record.placed = (bars & 1) != 0;
	/* One behind the other, as they are read. */
	for (unsigned i = 0; record.placed && i < (unsigned)(bars >> 1) % (HWB_BARS + 1); i++)
		record.memory[i] = take_range(input);
	take_name(input, record.origin.driver, sizeof(record.origin.driver));
	take_name(input, record.origin.override, sizeof(record.origin.override));
	take_name(input, record.origin.reset, sizeof(record.origin.reset));
	take_name(input, record.client, sizeof(record.client));
	must(record_put(&record, &fault) == 0, "it can be written");
}

static void note_estates(struct input *input)
{
	struct record_range ranges[4];
	uint8_t how = take8(input);

	for (unsigned i = 0; i < 4; i++)
		ranges[i] = take_range(input);
	record_set_estates(ranges, how & 3, (how & 4) != 0);
}

static void act(struct input *input)
{
	struct hwb_pci_address address;

	switch (take8(input) % 5) {
	case 0:
		address = take_address(input);
		record_drop(&address);
		break;
	case 1:
		address = take_address(input);
		record_nobody(&address);
		break;
	case 2:
		note_estates(input);
		break;
	default:
		put(input);
		break;
	}
}

static void write_file(const struct input *input)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, input->at, input->left) == (ssize_t)input->left,
	     "there is a file");
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct fault fault;
	unsigned fds_before = count_fds();
	uint8_t acts = take8(&input) % ACTS;
	uint8_t taken[ACTS * ACT];

	/* The file is what is behind. */
	take_bytes(&input, taken, (size_t)acts * ACT);
	write_file(&input);
	record_open(path);
	/* Whatever it was it is a good one once something is written. */
	const struct record first = { .origin.driver = "first" };
	must(record_put(&first, &fault) == 0, "it can be written");
	check_same_after_start();
	input = (struct input){ taken, (size_t)acts * ACT };
	while (acts-- != 0)
		act(&input);
	check_same_after_start();
	record_close();
	must(count_fds() == fds_before, "no descriptor is left");
	return 0;
}
