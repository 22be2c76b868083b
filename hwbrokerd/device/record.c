/* SPDX-License-Identifier: MIT */
#include "device/record.h"

#include "device/record_file.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/pci_key.h"
#include "util/sorted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record_file file = { .fd = -1 };
static int lock_fd = -1;

/* How each thing in the tables begins: by its address, and where it is in the file. */
struct entry {
	uint64_t key; /* pci_key() */
	uint32_t line;
};

struct taken_entry {
	struct entry entry;
	struct record record;
};

struct made_entry {
	struct entry entry;
	struct record_functions functions;
};

static struct sorted taken = { .size = sizeof(struct taken_entry) };
static struct sorted made = { .size = sizeof(struct made_entry) };

static bool estate;                  /* it may be anywhere */
static struct record_range *estates; /* else there */
static uint32_t estate_count;

static void clear_estates(void)
{
	free(estates);
	estates = NULL;
	estate_count = 0;
	estate = false;
}

static void clear(void)
{
	sorted_free(&taken);
	sorted_free(&made);
	clear_estates();
}

static struct record *find_taken(const struct hwb_pci_address *address)
{
	struct taken_entry *known = sorted_find(&taken, pci_key(address));

	return known != NULL ? &known->record : NULL;
}

static struct record_functions *find_made(const struct hwb_pci_address *address)
{
	struct made_entry *known = sorted_find(&made, pci_key(address));

	return known != NULL ? &known->functions : NULL;
}

/* Of the same address. */
static bool same(const struct record *a, const struct record *b)
{
	return a->instance == b->instance && a->restore == b->restore && a->uid == b->uid &&
	       strcmp(a->client, b->client) == 0 &&
	       strcmp(a->origin.driver, b->origin.driver) == 0 &&
	       strcmp(a->origin.override, b->origin.override) == 0 &&
	       strcmp(a->origin.reset, b->origin.reset) == 0 && a->placed == b->placed &&
	       memcmp(a->memory, b->memory, sizeof(a->memory)) == 0;
}

/* ---- the whole file ---- */

static uint32_t write_all(char *text)
{
	struct sorted_place at = { 0 };
	const struct taken_entry *device;
	const struct made_entry *functions;
	char *line = text;

	record_file_head(line);
	if (estate)
		record_line_write_estate(line += RECORD_LINE, NULL);
	for (uint32_t i = 0; i < estate_count; i++)
		record_line_write_estate(line += RECORD_LINE, &estates[i]);
	for (; (device = sorted_at(&taken, at)) != NULL; at = sorted_next(&taken, at))
		record_line_write(line += RECORD_LINE, &device->record);
	at = (struct sorted_place){ 0 };
	for (; (functions = sorted_at(&made, at)) != NULL; at = sorted_next(&made, at))
		record_line_write_functions(line += RECORD_LINE, &functions->functions);
	return (uint32_t)((line - text) / RECORD_LINE) + 1;
}

static uint32_t number_lines(const struct sorted *table, uint32_t first)
{
	struct sorted_place at = { 0 };
	struct entry *entry;

	for (; (entry = sorted_at(table, at)) != NULL; at = sorted_next(table, at))
		entry->line = first++;
	return first;
}

/* 0 or an errno. */
static int make_anew(void)
{
	uint32_t most = 2 + estate_count + taken.count + made.count;

	if (file.path == NULL)
		return 0;
	_cleanup_free_ char *text = calloc(most, RECORD_LINE);
	if (text == NULL)
		return ENOMEM;
	int error = record_file_replace(&file, text, write_all(text));
	if (error == 0)
		number_lines(&made, number_lines(&taken, 1 + estate_count + estate));
	return error;
}

/* ---- as the daemon before has left it ---- */

static bool load_functions(const char *line)
{
	struct record_functions functions;

	if (!record_line_read_functions(line, &functions) || find_made(&functions.address) != NULL)
		return false;
	struct made_entry *new = sorted_add(&made, pci_key(&functions.address));
	if (new != NULL)
		new->functions = functions;
	return new != NULL;
}

static bool load_device(const char *line)
{
	struct record record;

	if (!record_line_read(line, &record) || find_taken(&record.address) != NULL)
		return false;
	struct taken_entry *new = sorted_add(&taken, pci_key(&record.address));
	if (new != NULL)
		new->record = record;
	return new != NULL;
}

/* With the lock held, or before there are threads. */
static bool add_estate(const struct record_range *range)
{
	struct record_range *more = reallocarray(estates, estate_count + 1, sizeof(*more));

	if (more == NULL)
		return false;
	estates = more;
	estates[estate_count++] = *range;
	return true;
}

static bool load_estate(const char *line)
{
	struct record_range range;

	if (!record_line_read_estate(line, &range))
		return false;
	/* Or without memory to know where. */
	if (!add_estate(&range))
		estate = true;
	return true;
}

static bool load_line(const char *line)
{
	switch (record_line_kind(line)) {
	case RECORD_LINE_ESTATE_ANYWHERE:
		estate = true;
		return true;
	case RECORD_LINE_ESTATE:
		return load_estate(line);
	case RECORD_LINE_FUNCTIONS:
		return load_functions(line);
	default:
		return load_device(line);
	}
}

int record_lock(const char *path, struct fault *fault)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s.lock", path);
	/* Where it cannot be made, nothing can be written down, and nothing is taken. */
	lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock_fd < 0)
		log_warning(
		        "cannot write %s: %s: no device is taken from the host, as nobody would "
		        "know where it came from",
		        name, strerror(errno));
	if (lock_fd < 0 || flock(lock_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	return fault_set(fault, HWB_BUSY,
	                 "another hwbrokerd has devices and keeps %s: stop it, or choose another "
	                 "file with --state",
	                 path);
}

void record_open(const char *path)
{
	pthread_mutex_lock(&lock);
	file.path = path;
	if (record_file_read(path, load_line)) {
		/* For what comes. If it cannot be, that is told when something is to be taken. */
		make_anew();
	} else {
		log_error(
		        "%s cannot be read or makes no sense, and counts as empty: devices that "
		        "an earlier hwbrokerd has taken stay with vfio-pci (to give one back: `echo > "
		        "/sys/bus/pci/devices/ADDRESS/driver_override', unbind, "
		        "`drivers_probe')",
		        path);
		clear();
		estate = true;
	}
	pthread_mutex_unlock(&lock);
}

/* ---- a line of it ---- */

static int not_written(int error, struct fault *fault)
{
	return error == 0 ? 0
	                  : fault_errno(fault, error,
	                                "cannot write down in %s what is taken from the host",
	                                file.path);
}

/* With the lock held: first the line, then what is known, in the table's entry, which is what
 * this returns. NULL: neither has changed. */
static void *write_down(struct sorted *table, const struct hwb_pci_address *address,
                        const char line[RECORD_LINE], int *error)
{
	struct entry *known = sorted_find(table, pci_key(address));
	uint32_t number = 0;

	*error = known == NULL && sorted_reserve(table) != 0 ? ENOMEM : 0;
	if (*error != 0)
		return NULL;
	if (!record_file_is_whole(&file))
		*error = make_anew();
	if (known != NULL)
		number = known->line;
	if (*error == 0 && file.path != NULL)
		*error = record_file_write(&file, &number, line);
	if (*error != 0 && known == NULL)
		sorted_give_up(table);
	if (*error != 0)
		return NULL;
	if (known == NULL)
		known = sorted_add_reserved(table, pci_key(address));
	known->line = number;
	return known;
}

/* With the lock held. */
static int put(const struct record *record)
{
	const struct record *known = find_taken(&record->address);
	char line[RECORD_LINE];
	int error;

	if (known != NULL && same(known, record))
		return 0;
	record_line_write(line, record);
	struct taken_entry *entry = write_down(&taken, &record->address, line, &error);
	if (entry != NULL)
		entry->record = *record;
	return error;
}

int record_put(const struct record *record, struct fault *fault)
{
	pthread_mutex_lock(&lock);
	int error = put(record);
	pthread_mutex_unlock(&lock);
	return not_written(error, fault);
}

int record_put_functions(const struct record_functions *functions, struct fault *fault)
{
	char line[RECORD_LINE];
	int error;

	record_line_write_functions(line, functions);
	pthread_mutex_lock(&lock);
	struct made_entry *entry = write_down(&made, &functions->address, line, &error);
	if (entry != NULL)
		entry->functions = *functions;
	pthread_mutex_unlock(&lock);
	return not_written(error, fault);
}

void record_nobody(const struct hwb_pci_address *address)
{
	pthread_mutex_lock(&lock);
	struct record *known = find_taken(address);
	if (known != NULL) {
		struct record record = *known;
		memset(record.client, 0, sizeof(record.client));
		record.uid = 0;
		/* If the line stays as it is the device is brought to rest once more. */
		put(&record);
	}
	pthread_mutex_unlock(&lock);
}

static void drop(struct sorted *table, const struct hwb_pci_address *address)
{
	pthread_mutex_lock(&lock);
	struct sorted_place place = sorted_from(table, pci_key(address));
	const struct entry *known = sorted_at(table, place);
	if (known != NULL && known->key == pci_key(address)) {
		uint32_t line = known->line;
		sorted_remove(table, place);
		/* A line too many does no harm: such a device is looked at, and is the host's. */
		if (record_file_is_whole(&file))
			record_file_blank(&file, line);
		else
			make_anew();
	}
	pthread_mutex_unlock(&lock);
}

void record_drop(const struct hwb_pci_address *address)
{
	drop(&taken, address);
}

void record_drop_functions(const struct hwb_pci_address *address)
{
	drop(&made, address);
}

bool record_find(const struct hwb_pci_address *address, uint64_t instance, struct record *record)
{
	pthread_mutex_lock(&lock);
	const struct record *known = find_taken(address);
	bool found = known != NULL && known->instance == instance;
	if (found)
		*record = *known;
	pthread_mutex_unlock(&lock);
	return found;
}

bool record_find_functions(const struct hwb_pci_address *address, uint64_t instance,
                           struct record_functions *functions)
{
	pthread_mutex_lock(&lock);
	const struct record_functions *known = find_made(address);
	bool found = known != NULL && known->instance == instance;
	if (found)
		*functions = *known;
	pthread_mutex_unlock(&lock);
	return found;
}

bool record_from(uint64_t key, struct record *record)
{
	pthread_mutex_lock(&lock);
	const struct taken_entry *first = sorted_at(&taken, sorted_from(&taken, key));
	if (first != NULL)
		*record = first->record;
	pthread_mutex_unlock(&lock);
	return first != NULL;
}

/* ---- what devices have left ---- */

void record_set_estates(const struct record_range *ranges, uint32_t count, bool anywhere)
{
	pthread_mutex_lock(&lock);
	clear_estates();
	estate = anywhere;
	for (uint32_t i = 0; i < count; i++)
		estate = !add_estate(&ranges[i]) || estate;
	/* What cannot be written is there more than it says: nobody gets too much by that. */
	make_anew();
	pthread_mutex_unlock(&lock);
}

bool record_get_estate(uint32_t index, struct record_range *range)
{
	pthread_mutex_lock(&lock);
	bool found = index < estate_count;
	if (found)
		*range = estates[index];
	pthread_mutex_unlock(&lock);
	return found;
}

bool record_estate_anywhere(void)
{
	pthread_mutex_lock(&lock);
	bool result = estate;
	pthread_mutex_unlock(&lock);
	return result;
}

void record_close(void)
{
	clear();
	record_file_close(&file);
	lock_fd = close_fd(lock_fd);
}
