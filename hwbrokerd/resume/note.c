/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create, SEEK_DATA */
#include "resume/note.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The head takes the first place. */
enum { NOTE_VERSION = 3, NOTES = 1 << 16, NUMBERED = 1 };

/* After so many daemons that began with the table and did not come to an end, it is not
 * tried again: what is in it may be what ends them. */
enum { ATTEMPTS_MAX = 3 };

static const char magic[16] = "hwbrokerd notes";

struct record {
	_Atomic uint32_t counts; /* 1: yes. Last to be written */
	uint32_t kind;
	uint64_t id;
	uint64_t revision;
	uint64_t check;
	_Atomic uint32_t live; /* outside of the checksum */
	uint32_t padding;
	_Alignas(8) unsigned char body[NOTE_BODY];
};

struct head {
	char magic[sizeof(magic)];
	uint32_t version;
	uint32_t record_size;
	uint32_t records;
	_Atomic uint32_t attempts;
	_Atomic uint32_t next_id;
	uint32_t padding;
};

/* The first record's place is the head's. */
_Static_assert(sizeof(struct record) == 168, "a version of its own");
_Static_assert(sizeof(struct head) <= sizeof(struct record), "the head is one record");

static struct record *table;
static atomic_uint spare_id; /* without a table */
static uint64_t revision;
static uint32_t used = 1; /* from here on nothing was ever written */
static uint32_t *freed;   /* below that: numbers to be used again */
static uint32_t freed_count, freed_capacity;

static struct head *head(void)
{
	return (struct head *)table;
}

bool note_works(void)
{
	return table != NULL;
}

static uint64_t mix(uint64_t sum, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
	return sum;
}

/* FNV-1a, of what the record says. */
static uint64_t checksum(const struct record *record)
{
	uint64_t sum = 0xcbf29ce484222325u;

	sum = mix(sum, &record->kind, sizeof(record->kind));
	sum = mix(sum, &record->id, sizeof(record->id));
	sum = mix(sum, &record->revision, sizeof(record->revision));
	return mix(sum, record->body, sizeof(record->body));
}

static int map(int fd)
{
	void *memory = mmap(NULL, NOTES * sizeof(struct record), PROT_READ | PROT_WRITE, MAP_SHARED,
	                    fd, 0);

	if (memory == MAP_FAILED)
		return -1;
	table = memory;
	return 0;
}

static void unmap(void)
{
	munmap(table, NOTES * sizeof(struct record));
	table = NULL;
}

void note_end(void)
{
	if (table != NULL)
		unmap();
}

static void start_over(void)
{
	revision = 0;
	used = NUMBERED;
	freed_count = 0;
}

int note_begin(void)
{
	_cleanup_fd_ int fd = memfd_create("hwbrokerd-notes", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	start_over();
	if (fd < 0 || ftruncate(fd, (off_t)(NOTES * sizeof(struct record))) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0 || map(fd) != 0)
		return -1;
	memcpy(head()->magic, magic, sizeof(magic));
	head()->version = NOTE_VERSION;
	head()->record_size = sizeof(struct record);
	head()->records = NOTES;
	return steal_fd(&fd);
}

/* ---- what another one has written ---- */

static int refuse(struct fault *fault, const char *why)
{
	return fault_set(fault, HWB_HOST_ERROR, "%s", why);
}

static int check_head(struct fault *fault)
{
	if (memcmp(head()->magic, magic, sizeof(magic)) != 0)
		return refuse(fault, "it is foreign");
	if (head()->version != NOTE_VERSION)
		return fault_set(fault, HWB_HOST_ERROR, "it is of version %u, and this is %u",
		                 head()->version, NOTE_VERSION);
	if (head()->record_size != sizeof(struct record) || head()->records != NOTES)
		return refuse(fault, "it is corrupt");
	if (atomic_fetch_add(&head()->attempts, 1) >= ATTEMPTS_MAX)
		return fault_set(fault, HWB_HOST_ERROR, "%u daemons have come to grief over it",
		                 ATTEMPTS_MAX);
	return 0;
}

static bool forget(uint32_t number)
{
	if (freed_count == freed_capacity) {
		uint32_t capacity = freed_capacity == 0 ? 64 : freed_capacity * 2;
		uint32_t *more = realloc(freed, capacity * sizeof(*freed));
		if (more == NULL)
			return false; /* its place is lost, and no more */
		freed = more;
		freed_capacity = capacity;
	}
	freed[freed_count++] = number;
	return true;
}

/* Behind the last record that was ever written: the rest has no memory, and is to get none. */
static uint32_t end_of_records(int fd)
{
	off_t end = 0, data;

	while ((data = lseek(fd, end, SEEK_DATA)) >= 0 && (data = lseek(fd, data, SEEK_HOLE)) >= 0)
		end = data;
	if (errno != ENXIO) /* it cannot be told */
		return NOTES;
	uint64_t records = ((uint64_t)end + sizeof(struct record) - 1) / sizeof(struct record);
	return records < NOTES ? (uint32_t)records : NOTES;
}

static int check_records(uint32_t end, struct fault *fault)
{
	for (uint32_t i = NUMBERED; i < end; i++) {
		const struct record *record = &table[i];
		uint32_t counts = atomic_load(&record->counts);
		if (counts == 0)
			continue;
		if (counts != 1 || record->kind == 0 || record->kind >= NOTE_KINDS ||
		    record->check != checksum(record))
			return refuse(fault, "it is corrupt");
		if (record->revision > revision)
			revision = record->revision;
		used = i + 1;
	}
	for (uint32_t i = used; i-- > NUMBERED;)
		if (atomic_load(&table[i].counts) == 0)
			forget(i);
	return 0;
}

int note_resume(int fd, struct fault *fault)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct stat status;

	if (fcntl(fd, F_GET_SEALS) != seals || fstat(fd, &status) != 0 ||
	    status.st_uid != geteuid() || status.st_size != (off_t)(NOTES * sizeof(struct record)))
		return refuse(fault, "it is foreign");
	start_over();
	if (map(fd) != 0)
		return fault_errno(fault, errno, "it cannot be mapped");
	if (check_head(fault) == 0 && check_records(end_of_records(fd), fault) == 0)
		return 0;
	unmap();
	return -1;
}

void note_resumed(void)
{
	if (table != NULL)
		atomic_store(&head()->attempts, 0);
}

static int compare(const void *a, const void *b)
{
	const struct record *left = &table[*(const uint32_t *)a];
	const struct record *right = &table[*(const uint32_t *)b];

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left->revision > right->revision ? -1 : left->revision < right->revision;
}

int note_each(void (*each)(const struct note *note, void *context), void *context)
{
	_cleanup_free_ uint32_t *numbers = calloc(used, sizeof(*numbers));
	uint32_t count = 0;

	if (numbers == NULL || table == NULL)
		return -1;
	for (uint32_t i = NUMBERED; i < used; i++)
		if (atomic_load(&table[i].counts) != 0)
			numbers[count++] = i;
	qsort(numbers, count, sizeof(*numbers), compare);
	uint32_t kind = 0;
	uint64_t id = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct record *record = &table[numbers[i]];
		/* One that was about to be replaced. */
		if (record->kind == kind && record->id == id) {
			note_drop(numbers[i]);
			continue;
		}
		kind = record->kind;
		id = record->id;
		const struct note note = { numbers[i], record->kind, record->id, record->body };
		each(&note, context);
	}
	return 0;
}

/* ---- writing ---- */

uint32_t note_put(uint32_t old, enum note_kind kind, uint64_t id, const void *body, size_t size)
{
	if (table == NULL)
		return 0;
	if (freed_count == 0 && used == NOTES) {
		note_drop(old);
		return 0;
	}
	uint32_t number = freed_count != 0 ? freed[--freed_count] : used++;
	struct record *record = &table[number];
	record->kind = kind;
	record->id = id;
	record->revision = ++revision;
	memset(record->body, 0, NOTE_BODY);
	memcpy(record->body, body, size);
	record->check = checksum(record);
	atomic_store(&record->live, old != 0 ? atomic_load(&table[old].live) : 0);
	atomic_store(&record->counts, 1);
	note_drop(old);
	return number;
}

void note_drop(uint32_t number)
{
	if (number == 0 || table == NULL)
		return;
	atomic_store(&table[number].counts, 0);
	forget(number);
}

void note_set_live(uint32_t number, uint32_t live)
{
	if (number != 0)
		atomic_store_explicit(&table[number].live, live, memory_order_release);
}

uint32_t note_live(uint32_t number)
{
	return number != 0 ? atomic_load(&table[number].live) : 0;
}

uint32_t note_new_id(void)
{
	return 1 + (table != NULL ? atomic_fetch_add(&head()->next_id, 1)
	                          : atomic_fetch_add(&spare_id, 1));
}
