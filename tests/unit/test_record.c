/* SPDX-License-Identifier: MIT */
/* What a daemon writes down for the one after it. */
#include "device/record.h"
#include "suite.h"
#include "util/pci_key.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The step that fails, once. */
enum { NONE, FDOPEN, FERROR, CALLOC, PWRITE, CUT, RENAME, STEPS };
static int failing;
static size_t written; /* bytes */

static bool fails(int step)
{
	if (failing != step)
		return false;
	failing = NONE;
	errno = EIO;
	return true;
}

FILE *__real_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode)
{
	return fails(FDOPEN) ? NULL : __real_fdopen(fd, mode);
}

int __real_ferror(FILE *file);
int __wrap_ferror(FILE *file);
int __wrap_ferror(FILE *file)
{
	return fails(FERROR) ? 1 : __real_ferror(file);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return fails(CALLOC) ? NULL : __real_calloc(count, size);
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t place);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t place);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t place)
{
	written += size;
	if (fails(PWRITE))
		return -1;
	return fails(CUT) ? 0 : __real_pwrite(fd, bytes, size, place);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
	return fails(RENAME) ? -1 : __real_rename(from, to);
}

static char folder[] = "/tmp/test_record-XXXXXX";
static char path[64];

static const struct record disk = {
	.address = { 0, 0, 6, 0, 0 },
	.instance = 12345678901,
	.origin = { .driver = "nvme" },
	.restore = true,
	.client = "genode",
	.uid = 1000,
	.placed = true,
	.memory = { { 0xfe400000, 0xfe403fff }, { 0x3800000000, 0x38ffffffff } },
};
static const struct record card = {
	.address = { 0xffff, 0xff, 31, 7, 0 },
	.instance = UINT64_MAX,
	.origin = { .driver = "a driver of blanks", .override = "another one", .reset = "pm bus" },
};

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/devices", folder);
	failing = NONE;
	record_open(path);
}

static void tear_down(void)
{
	char name[sizeof(path) + 8];

	record_close();
	unlink(path);
	snprintf(name, sizeof(name), "%s.lock", path);
	unlink(name);
	rmdir(folder);
	strcpy(folder, "/tmp/test_record-XXXXXX");
}

static uint32_t count(void)
{
	struct record record;
	uint32_t n = 0;

	for (uint64_t key = 0; record_from(key, &record); key = pci_key(&record.address) + 1)
		n++;
	return n;
}

static void must_have(const struct record *wanted)
{
	struct record record;

	ck_assert(record_from(pci_key(&wanted->address), &record));
	ck_assert_mem_eq(&record.address, &wanted->address, sizeof(record.address));
	ck_assert_uint_eq(record.instance, wanted->instance);
	ck_assert_str_eq(record.origin.driver, wanted->origin.driver);
	ck_assert_str_eq(record.origin.override, wanted->origin.override);
	ck_assert_str_eq(record.origin.reset, wanted->origin.reset);
	ck_assert_str_eq(record.client, wanted->client);
	ck_assert_uint_eq(record.uid, wanted->uid);
	ck_assert_int_eq(record.restore, wanted->restore);
	ck_assert_int_eq(record.placed, wanted->placed);
	ck_assert_mem_eq(record.memory, wanted->memory, sizeof(record.memory));
}

/* As by a daemon that was killed. */
static void start_again(void)
{
	record_close();
	record_open(path);
}

static void put(const struct record *record)
{
	struct fault fault;

	ck_assert_int_eq(record_put(record, &fault), 0);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	start_again();
}

START_TEST(is_there_after_a_start)
{
	struct stat status;

	put(&disk);
	put(&card);
	start_again();
	ck_assert_uint_eq(count(), 2);
	must_have(&disk);
	must_have(&card);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
}
END_TEST

START_TEST(is_replaced)
{
	struct record other = disk;

	put(&disk);
	strcpy(other.client, "linux");
	put(&other);
	start_again();
	ck_assert_uint_eq(count(), 1);
	must_have(&other);
}
END_TEST

START_TEST(is_dropped)
{
	put(&disk);
	put(&card);
	record_drop(&disk.address);
	record_drop(&disk.address);
	start_again();
	ck_assert_uint_eq(count(), 1);
	must_have(&card);
}
END_TEST

static off_t file_size(void)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	return status.st_size;
}

/* The lines of those that go are those of who comes. */
START_TEST(many)
{
	struct record record = disk;
	off_t size = 0;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 200; i++) {
			record.address.bus = (uint8_t)i;
			record.uid = round;
			put(&record);
		}
		for (unsigned i = 0; i < 100; i++) {
			record.address.bus = (uint8_t)(i * 2);
			record_drop(&record.address);
		}
		ck_assert(round == 0 || file_size() == size);
		size = file_size();
		if (round == 1)
			ck_assert_uint_eq(count(), 100);
	}
	start_again();
	ck_assert_uint_eq(count(), 100);
	for (unsigned i = 0; i < 100; i++) {
		record.address.bus = (uint8_t)(i * 2 + 1);
		must_have(&record);
	}
	/* And then without their lines. */
	ck_assert_int_lt(file_size(), size);
}
END_TEST

/* However many there are, one that comes costs a line. */
START_TEST(writes_one_line)
{
	struct record record = disk;
	struct stat before, after;

	for (unsigned i = 0; i < 200; i++) {
		record.address.bus = (uint8_t)i;
		put(&record);
	}
	ck_assert_int_eq(stat(path, &before), 0);
	written = 0;
	put(&card);
	record_nobody(&disk.address);
	record_drop(&card.address);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_uint_eq(written, 3 * 512);
}
END_TEST

/* By somebody who thought that nobody needs it, or who wrote to it. */
START_TEST(is_made_anew)
{
	put(&disk);
	if (_i == 0)
		ck_assert_int_eq(unlink(path), 0);
	else
		ck_assert_int_eq(truncate(path, 77), 0);
	put(&card);
	start_again();
	ck_assert_uint_eq(count(), 2);
	must_have(&disk);
	must_have(&card);
	if (_i == 0)
		ck_assert_int_eq(unlink(path), 0);
	else
		ck_assert_int_eq(truncate(path, 77), 0);
	record_drop(&disk.address);
	start_again();
	ck_assert_uint_eq(count(), 1);
	must_have(&card);
}
END_TEST

/* What cannot be written is not taken. */
START_TEST(cannot_be_written)
{
	struct fault fault;

	put(&disk);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_int_ne(record_put(&card, &fault), 0);
	ck_assert_ptr_nonnull(strstr(fault.reason, path));
	struct record changed = disk;
	changed.restore = false;
	ck_assert_int_ne(record_put(&changed, &fault), 0);
	ck_assert_uint_eq(count(), 1);
	must_have(&disk);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
}
END_TEST

static int lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* Whichever step of it fails. */
START_TEST(cannot_be_replaced)
{
	int before = lowest_free();
	struct fault fault;

	put(&disk);
	ck_assert_int_eq(unlink(path), 0);
	failing = _i;
	ck_assert_int_ne(record_put(&card, &fault), 0);
	ck_assert_int_eq(failing, NONE);
	ck_assert_int_ne(fault.host_errno, 0);
	ck_assert_ptr_nonnull(strstr(fault.reason, path));
	ck_assert_int_eq(lowest_free(), before);
	ck_assert_uint_eq(count(), 1);
	must_have(&disk);
	/* And can be later. */
	put(&card);
	start_again();
	ck_assert_uint_eq(count(), 2);
}
END_TEST

/* The line alone, whatever of it fails. */
START_TEST(cannot_be_added)
{
	struct record changed = disk;
	struct fault fault;

	put(&disk);
	failing = _i;
	ck_assert_int_ne(record_put(&card, &fault), 0);
	ck_assert_int_eq(failing, NONE);
	strcpy(changed.client, "linux");
	failing = _i;
	ck_assert_int_ne(record_put(&changed, &fault), 0);
	ck_assert_int_eq(failing, NONE);
	must_have(&disk);
	failing = _i;
	record_nobody(&disk.address);
	must_have(&disk);
	start_again();
	ck_assert_uint_eq(count(), 1);
	must_have(&disk);
}
END_TEST

/* The line is there, once more, for the next daemon; not for this one. */
START_TEST(cannot_be_made_blank)
{
	put(&disk);
	failing = PWRITE;
	record_drop(&disk.address);
	ck_assert_uint_eq(count(), 0);
	put(&card);
	start_again();
	ck_assert_uint_eq(count(), 2);
	must_have(&disk);
	must_have(&card);
}
END_TEST

START_TEST(cannot_be_read)
{
	put(&disk);
	record_close();
	int before = lowest_free();
	failing = _i == 0 ? FDOPEN : FERROR;
	record_open(path);
	ck_assert_int_eq(failing, NONE);
	ck_assert_int_eq(lowest_free(), before);
	ck_assert_uint_eq(count(), 0);
	ck_assert(record_estate_anywhere());
}
END_TEST

#define HEAD "hwbrokerd devices 2\n"
#define NOW "hwbrokerd devices 3\n"
#define GOOD "0000:00:06.0 77 nvme - flr/bus genode 1000 restore\n"

static const char *const nonsense[] = {
	"",
	"hwbrokerd devices 1\n" GOOD,
	GOOD,
	HEAD "0000:00:06.0 77 nvme - flr/bus genode 1000 restore",
	HEAD GOOD GOOD,
	HEAD "0000:00:06.0 77 nvme - flr/bus genode 1000 sometimes\n",
	HEAD "0000:00:06.0 77 nvme - flr/bus genode restore\n",
	HEAD "0000:00:06.8 77 nvme - flr/bus genode 1000 keep\n",
	HEAD "0000:00:20.0 77 nvme - flr/bus genode 1000 keep\n",
	HEAD "0000:100:06.0 77 nvme - flr/bus genode 1000 keep\n",
	HEAD "0000:00:06.0 77 a-name-that-is-longer-than-a-name-is - - genode 1000 keep\n",
	HEAD "0000:00:06.0 77 nvme - flr/bus genode 1000 keep and more\n",
	HEAD "0000:00:06.0 77 nvme - flr/bus genode 1000 keep 0x20-0x10\n",
	HEAD "0000:00:06.0 77 nvme - flr/bus genode 1000 keep 0x10-0x20 none\n",
	HEAD "0000:00:06.0 77 nvme - flr/bus genode 1000 keep none 0x10-0x20\n",
	HEAD "0000:00:06.0 77 nvme - flr/bus genode 1000 keep 0x1-0x2 0x1-0x2 0x1-0x2 "
	     "0x1-0x2 0x1-0x2 0x1-0x2 0x1-0x2\n",
	HEAD "estates\n",
	HEAD "estate 0x10-0x20",
	HEAD "estate 0x20-0x10\n",
	HEAD "estate 0x10-0x20 0x30-0x40\n",
	HEAD "\n" GOOD,
	HEAD "0000:00:06.0 77 nvme - flr/bus genode 1000 restore   ",
	"hwbrokerd devices 3",
	"hwbrokerd devices 33\n" GOOD,
	NOW GOOD "   ",
	HEAD "virtual 0000:00:06.0 77 probe\n",
	HEAD "virtual 0000:00:06.0 77 probe restore",
	HEAD "virtual 0000:00:06.0 77 maybe restore\n",
	HEAD "virtual 0000:00:06.0 77 probe sometimes\n",
	HEAD "virtual 0000:00:06.8 77 probe keep\n",
	HEAD "virtual 0000:00:06.0 77 quiet keep\nvirtual 0000:00:06.0 77 quiet keep\n",
};

START_TEST(makes_no_sense)
{
	write_file(nonsense[_i]);
	ck_assert_uint_eq(count(), 0);
	ck_assert(record_estate_anywhere());
	/* And is a good file from then on. */
	put(&disk);
	start_again();
	ck_assert_uint_eq(count(), 1);
}
END_TEST

/* The layout before, and this one: with blanks at the end of each line, and lines of blanks. */
static const char *const sense[] = {
	HEAD GOOD,
	NOW GOOD,
	"hwbrokerd devices 3    \n    \n\n0000:00:06.0 77 nvme - flr/bus genode 1000 restore  \n  \n",
};

START_TEST(makes_sense)
{
	write_file(sense[_i]);
	ck_assert_uint_eq(count(), 1);
	put(&card);
	start_again();
	ck_assert_uint_eq(count(), 2);
	ck_assert_int_eq(file_size() % 512, 0);
}
END_TEST

START_TEST(nobody_has_it)
{
	struct record record = disk;

	put(&disk);
	put(&card);
	record_nobody(&disk.address);
	record.client[0] = '\0';
	record.uid = 0;
	start_again();
	ck_assert_uint_eq(count(), 2);
	must_have(&record);
	must_have(&card);
}
END_TEST

START_TEST(an_estate)
{
	const struct record_range ranges[] = { { 0xfe400000, 0xfe403fff }, { 1, UINT64_MAX } };
	struct record_range range;

	ck_assert(!record_estate_anywhere());
	record_set_estates(ranges, 2, false);
	put(&disk);
	start_again();
	ck_assert(!record_estate_anywhere());
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert(record_get_estate(i, &range));
		ck_assert(memcmp(&range, &ranges[i], sizeof(range)) == 0);
	}
	ck_assert(!record_get_estate(2, &range));
	ck_assert_uint_eq(count(), 1);
	must_have(&disk);
	record_set_estates(ranges + 1, 1, true);
	start_again();
	ck_assert(record_estate_anywhere());
	ck_assert(record_get_estate(0, &range));
	ck_assert_uint_eq(range.last, UINT64_MAX);
	ck_assert(!record_get_estate(1, &range));
	record_set_estates(NULL, 0, false);
	start_again();
	ck_assert(!record_estate_anywhere());
	ck_assert(!record_get_estate(0, &range));
	ck_assert_uint_eq(count(), 1);
}
END_TEST

static const struct record_functions functions = {
	.address = { .device = 6 }, .instance = 77, .probes = true, .restore = true
};

START_TEST(functions_that_were_made)
{
	struct record_functions other = { .address = { .bus = 0xaf, .function = 7 },
		                          .instance = UINT64_MAX },
	                        got;

	ck_assert_int_eq(record_put_functions(&functions, NULL), 0);
	ck_assert_int_eq(record_put_functions(&other, NULL), 0);
	put(&disk);
	start_again();
	ck_assert_uint_eq(count(), 1);
	must_have(&disk);
	ck_assert(record_find_functions(&functions.address, 77, &got));
	ck_assert(got.probes && got.restore && got.instance == 77);
	ck_assert(!record_find_functions(&functions.address, 78, &got));
	ck_assert(record_find_functions(&other.address, UINT64_MAX, &got));
	ck_assert(!got.probes && !got.restore);
	other.restore = true;
	ck_assert_int_eq(record_put_functions(&other, NULL), 0);
	record_drop_functions(&functions.address);
	start_again();
	ck_assert(!record_find_functions(&functions.address, 77, &got));
	ck_assert(record_find_functions(&other.address, UINT64_MAX, &got));
	ck_assert(got.restore);
}
END_TEST

START_TEST(functions_that_cannot_be_written)
{
	struct record_functions changed = functions, got;
	struct fault fault;

	failing = PWRITE;
	ck_assert_int_ne(record_put_functions(&functions, &fault), 0);
	ck_assert(!record_find_functions(&functions.address, 77, &got));
	ck_assert_int_eq(record_put_functions(&functions, NULL), 0);
	changed.restore = false;
	failing = PWRITE;
	ck_assert_int_ne(record_put_functions(&changed, &fault), 0);
	ck_assert(record_find_functions(&functions.address, 77, &got));
	ck_assert(got.restore);
}
END_TEST

START_TEST(of_somebody_else)
{
	put(&disk);
	ck_assert_int_eq(chmod(path, 0620), 0);
	start_again();
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(a_link)
{
	char target[80];

	snprintf(target, sizeof(target), "%s.target", path);
	put(&disk);
	ck_assert_int_eq(rename(path, target), 0);
	ck_assert_int_eq(symlink(target, path), 0);
	start_again();
	ck_assert_uint_eq(count(), 0);
	ck_assert(record_estate_anywhere());
	unlink(target);
}
END_TEST

START_TEST(at_a_long_path)
{
	char far[512], *end = far + sprintf(far, "%s/", folder);

	memset(end, 'f', 240);
	strcpy(end + 240, "/devices");
	end[240] = '\0';
	ck_assert_int_eq(mkdir(far, 0700), 0);
	end[240] = '/';
	record_close();
	record_open(far);
	put(&disk);
	record_close();
	record_open(far);
	ck_assert_uint_eq(count(), 1);
	ck_assert_int_eq(unlink(far), 0);
	end[240] = '\0';
	ck_assert_int_eq(rmdir(far), 0);
}
END_TEST

/* As by another daemon: of another open file. */
START_TEST(one_daemon_a_file)
{
	char name[sizeof(path) + 8];
	struct fault fault = { 0 };

	snprintf(name, sizeof(name), "%s.lock", path);
	ck_assert_int_eq(record_lock(path, &fault), 0);
	int other = open(name, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(other, 0);
	ck_assert_int_ne(flock(other, LOCK_EX | LOCK_NB), 0);
	record_close();
	ck_assert_int_eq(flock(other, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_ne(record_lock(path, &fault), 0);
	ck_assert_uint_eq(fault.status, HWB_BUSY);
	ck_assert_ptr_nonnull(strstr(fault.reason, path));
	close(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tests = tcase_create("record");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, is_there_after_a_start);
	tcase_add_test(tests, at_a_long_path);
	tcase_add_loop_test(tests, cannot_be_replaced, CALLOC, STEPS);
	tcase_add_loop_test(tests, cannot_be_added, PWRITE, CUT + 1);
	tcase_add_test(tests, cannot_be_made_blank);
	tcase_add_test(tests, writes_one_line);
	tcase_add_loop_test(tests, is_made_anew, 0, 2);
	tcase_add_loop_test(tests, cannot_be_read, 0, 2);
	tcase_add_test(tests, is_replaced);
	tcase_add_test(tests, is_dropped);
	tcase_add_test(tests, many);
	tcase_add_test(tests, cannot_be_written);
	tcase_add_loop_test(tests, makes_no_sense, 0, sizeof(nonsense) / sizeof(nonsense[0]));
	tcase_add_loop_test(tests, makes_sense, 0, sizeof(sense) / sizeof(sense[0]));
	tcase_add_test(tests, nobody_has_it);
	tcase_add_test(tests, an_estate);
	tcase_add_test(tests, functions_that_were_made);
	tcase_add_test(tests, functions_that_cannot_be_written);
	tcase_add_test(tests, of_somebody_else);
	tcase_add_test(tests, a_link);
	tcase_add_test(tests, one_daemon_a_file);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
