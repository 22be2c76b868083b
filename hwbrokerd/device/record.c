/* SPDX-License-Identifier: MIT */
#include "device/record.h"

#include "device/record_line.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* How lines begin that are about memory that devices have left, and virtual functions. */
static const char estate_word[] = "estate";
static const char functions_word[] = "virtual ";

/* The first line; another number is another layout. */
static const char head[] = "hwbrokerd devices 2";

enum { LINE = 512 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *file_path; /* NULL: nothing is kept */
/* Entries of one kind, each of which begins with its address. */
struct table {
	const size_t size; /* of an entry */
	char *entries;
	uint32_t count, capacity;
};

static struct table taken = { .size = sizeof(struct record) };
static struct table made = { .size = sizeof(struct record_functions) };
_Static_assert(offsetof(struct record, address) == 0, "an entry begins with its address");
_Static_assert(offsetof(struct record_functions, address) == 0, "and so does one of this kind");

static bool estate;                  /* it may be anywhere */
static struct record_range *estates; /* else there */
static uint32_t estate_count;
static int lock_fd = -1;

/* ---- the tables ---- */

static void *entry(const struct table *table, uint32_t index)
{
	return table->entries + index * table->size;
}

static void *find(const struct table *table, const struct hwb_pci_address *address)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (memcmp(entry(table, i), address, sizeof(*address)) == 0)
			return entry(table, i);
	return NULL;
}

static int add(struct table *table, const void *new)
{
	if (table->count == table->capacity) {
		uint32_t more = table->capacity == 0 ? 16 : table->capacity * 2;
		char *larger = realloc(table->entries, more * table->size);
		if (larger == NULL)
			return -1;
		table->entries = larger;
		table->capacity = more;
	}
	memcpy(entry(table, table->count++), new, table->size);
	return 0;
}

static void clear(struct table *table)
{
	free(table->entries);
	table->entries = NULL;
	table->count = table->capacity = 0;
}

static void clear_estates(void)
{
	free(estates);
	estates = NULL;
	estate_count = 0;
	estate = false;
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

/* ---- the file ---- */

static int save(void)
{
	char temporary[PATH_MAX];

	if (file_path == NULL)
		return 0;
	snprintf(temporary, sizeof(temporary), "%s.new", file_path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file == NULL) {
		int error = errno;
		close_fd(fd);
		return error;
	}
	/* So that it need not ask the kernel how large a buffer is to be. */
	char buffer[BUFSIZ];
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	fprintf(file, "%s\n", head);
	if (estate)
		fprintf(file, "%s\n", estate_word);
	for (uint32_t i = 0; i < estate_count; i++) {
		fputs(estate_word, file);
		record_line_write_range(file, &estates[i]);
	}
	for (uint32_t i = 0; i < taken.count; i++)
		record_line_write(file, entry(&taken, i));
	for (uint32_t i = 0; i < made.count; i++) {
		fputs(functions_word, file);
		record_line_write_functions(file, entry(&made, i));
	}
	bool complete = fflush(file) == 0 && ferror(file) == 0;
	int error = complete ? 0 : errno != 0 ? errno : EIO;
	fclose(file);
	if (complete && rename(temporary, file_path) != 0)
		error = errno;
	if (error != 0)
		unlink(temporary);
	return error;
}

static bool is_ours(FILE *file)
{
	struct stat status;

	return fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool load_functions(const char *line)
{
	struct record_functions functions;

	return record_line_read_functions(line, &functions) &&
	       find(&made, &functions.address) == NULL && add(&made, &functions) == 0;
}

static bool load_device(const char *line)
{
	struct record record;

	return record_line_read(line, &record) && find(&taken, &record.address) == NULL &&
	       add(&taken, &record) == 0;
}

/* With the lock held, or before there are threads. */
static bool add_estate(const struct record_range *range)
{
	struct record_range *more = realloc(estates, (estate_count + 1) * sizeof(*more));

	if (more == NULL)
		return false;
	estates = more;
	estates[estate_count++] = *range;
	return true;
}

static bool load_estate(const char *line)
{
	struct record_range range;
	bool anywhere = strcmp(line, "\n") == 0;

	if (!anywhere && !record_line_read_range(line, &range))
		return false;
	/* Or without memory to know where. */
	if (anywhere || !add_estate(&range))
		estate = true;
	return true;
}

static bool load_line(const char *line)
{
	const size_t about_estates = sizeof(estate_word) - 1;
	const size_t about_functions = sizeof(functions_word) - 1;

	if (strncmp(line, estate_word, about_estates) == 0)
		return load_estate(line + about_estates);
	if (strncmp(line, functions_word, about_functions) == 0)
		return load_functions(line + about_functions);
	return load_device(line);
}

static bool load(FILE *file)
{
	char line[LINE];

	if (!is_ours(file) || fgets(line, sizeof(line), file) == NULL ||
	    strncmp(line, head, sizeof(head) - 1) != 0 || line[sizeof(head) - 1] != '\n')
		return false;
	while (fgets(line, sizeof(line), file) != NULL)
		if (!load_line(line))
			return false;
	return ferror(file) == 0;
}

/* Only a file that is not there is one of nothing. */
static bool read_file(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT;
	_cleanup_file_ FILE *file = fdopen(fd, "r");
	if (file == NULL)
		return false;
	steal_fd(&fd);
	return load(file);
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
	file_path = path;
	if (!read_file(path)) {
		log_error(
		        "%s cannot be read or makes no sense, and counts as empty: devices that "
		        "an earlier hwbrokerd has taken stay with vfio-pci (to give one back: `echo > "
		        "/sys/bus/pci/devices/ADDRESS/driver_override', unbind, "
		        "`drivers_probe')",
		        path);
		clear(&taken);
		clear(&made);
		clear_estates();
		estate = true;
	}
	pthread_mutex_unlock(&lock);
}

/* Calls with the lock held. */
static int write_down(struct table *table, const void *new, void *known)
{
	char before[sizeof(struct record)];

	if (known != NULL) {
		memcpy(before, known, table->size);
		memcpy(known, new, table->size);
	} else if (add(table, new) != 0) {
		return ENOMEM;
	}
	int error = save();
	if (error != 0 && known != NULL)
		memcpy(known, before, table->size);
	else if (error != 0)
		table->count--;
	return error;
}

static int not_written(int error, struct fault *fault)
{
	return error == 0 ? 0
	                  : fault_errno(fault, error,
	                                "cannot write down in %s what is taken from the host",
	                                file_path);
}

int record_put(const struct record *record, struct fault *fault)
{
	pthread_mutex_lock(&lock);
	struct record *known = find(&taken, &record->address);
	int error = known != NULL && same(known, record) ? 0 : write_down(&taken, record, known);
	pthread_mutex_unlock(&lock);
	return not_written(error, fault);
}

int record_put_functions(const struct record_functions *functions, struct fault *fault)
{
	pthread_mutex_lock(&lock);
	int error = write_down(&made, functions, find(&made, &functions->address));
	pthread_mutex_unlock(&lock);
	return not_written(error, fault);
}

void record_nobody(const struct hwb_pci_address *address)
{
	pthread_mutex_lock(&lock);
	struct record *known = find(&taken, address);
	if (known != NULL && known->client[0] != '\0') {
		memset(known->client, 0, sizeof(known->client));
		known->uid = 0;
		/* If it stays there the device is brought to rest once more. */
		save();
	}
	pthread_mutex_unlock(&lock);
}

static void drop(struct table *table, const struct hwb_pci_address *address)
{
	pthread_mutex_lock(&lock);
	void *known = find(table, address);
	if (known != NULL) {
		table->count--;
		memmove(known, entry(table, table->count), table->size);
		/* A line too many does no harm: such a device is looked at, and is the host's. */
		save();
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
	const struct record *known = find(&taken, address);
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
	const struct record_functions *known = find(&made, address);
	bool found = known != NULL && known->instance == instance;
	if (found)
		*functions = *known;
	pthread_mutex_unlock(&lock);
	return found;
}

bool record_get(uint32_t index, struct record *record)
{
	pthread_mutex_lock(&lock);
	bool found = index < taken.count;
	if (found)
		*record = *(const struct record *)entry(&taken, index);
	pthread_mutex_unlock(&lock);
	return found;
}

void record_set_estates(const struct record_range *ranges, uint32_t count, bool anywhere)
{
	pthread_mutex_lock(&lock);
	clear_estates();
	estate = anywhere;
	for (uint32_t i = 0; i < count; i++)
		estate = !add_estate(&ranges[i]) || estate;
	/* What cannot be written is there more than it says: nobody gets too much by that. */
	save();
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
	clear(&taken);
	clear(&made);
	clear_estates();
	file_path = NULL;
	lock_fd = close_fd(lock_fd);
}
