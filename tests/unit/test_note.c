/* SPDX-License-Identifier: MIT */
/* What one daemon notes the next one reads, and it takes nothing that is not whole. */
#define _GNU_SOURCE /* memfd_create */
#include "resume/note.h"

#include "suite.h"
#include "util/cleanup.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* As in note.c. */
enum { RECORD = 168, VERSION_AT = 16, LIVE_AT = 32, BODY_AT = 40, RECORDS = 1 << 16 };

struct seen {
	uint32_t count;
	uint64_t ids[16];
	uint32_t bodies[16];
	uint32_t numbers[16];
};

static void see(const struct note *note, void *context)
{
	struct seen *seen = context;

	seen->ids[seen->count] = note->id;
	seen->numbers[seen->count] = note->index;
	memcpy(&seen->bodies[seen->count++], note->body, sizeof(uint32_t));
}

static int begin(void)
{
	int fd = note_begin();

	ck_assert_int_ge(fd, 0);
	ck_assert(note_works());
	return fd;
}

static uint32_t put(uint32_t old, enum note_kind kind, uint64_t id, uint32_t body)
{
	return note_put(old, kind, id, &body, sizeof(body));
}

static void refused(int fd, const char *why)
{
	struct fault fault;

	ck_assert_int_eq(note_resume(fd, &fault), -1);
	ck_assert_msg(strstr(fault.reason, why) != NULL, "%s", fault.reason);
	ck_assert(!note_works());
}

START_TEST(without_a_table_nothing_is_noted)
{
	ck_assert(!note_works());
	ck_assert_uint_eq(put(0, NOTE_PEER, 1, 1), 0);
	note_drop(0);
	note_set_live(0, 1);
	ck_assert_uint_eq(note_live(0), 0);
	uint32_t id = note_new_id();
	ck_assert_uint_ne(id, 0);
	ck_assert_uint_ne(note_new_id(), id);
}
END_TEST

START_TEST(given_up_it_is_no_more)
{
	_cleanup_fd_ int fd = begin();

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_ne(put(0, NOTE_PEER, 1, 1), 0);
	note_end();
	ck_assert(!note_works());
	ck_assert_uint_eq(put(0, NOTE_PEER, 2, 1), 0);
	note_end();
}
END_TEST

START_TEST(the_next_one_reads_it)
{
	_cleanup_fd_ int fd = begin();
	struct seen seen = { 0 };
	struct fault fault;

	uint32_t irq = put(0, NOTE_IRQ, 7, 70);
	uint32_t peer = put(0, NOTE_PEER, 2, 20);
	put(0, NOTE_PEER, 1, 10);
	note_drop(put(0, NOTE_DOMAIN, 3, 30));
	irq = put(irq, NOTE_IRQ, 7, 71);
	note_set_live(peer, 5);
	uint32_t id = note_new_id();

	ck_assert_int_eq(note_resume(fd, &fault), 0);
	ck_assert_int_eq(note_each(see, &seen), 0);
	ck_assert_uint_eq(seen.count, 3);
	ck_assert_uint_eq(seen.ids[0], 1);
	ck_assert_uint_eq(seen.bodies[1], 20);
	ck_assert_uint_eq(seen.bodies[2], 71);
	ck_assert_uint_eq(note_live(seen.numbers[1]), 5);
	ck_assert_uint_eq(note_live(seen.numbers[0]), 0);
	ck_assert_uint_gt(note_new_id(), id);
	/* And goes on in it, in places that are free. */
	uint32_t more = put(0, NOTE_PEER, 3, 30);
	ck_assert_uint_ne(more, irq);
	ck_assert_uint_ne(more, peer);
}
END_TEST

/* As when the process ended between writing a record and dropping the one before. */
/* A whole table has eleven megabytes. */
START_TEST(what_was_never_written_takes_no_memory)
{
	_cleanup_fd_ int fd = begin();
	struct seen seen = { 0 };
	struct fault fault;
	struct stat status;

	for (uint32_t i = 0; i < 3; i++)
		put(0, NOTE_PEER, 1 + i, i);
	note_end();
	ck_assert_int_eq(note_resume(fd, &fault), 0);
	ck_assert_int_eq(note_each(see, &seen), 0);
	ck_assert_uint_eq(seen.count, 3);
	ck_assert_int_eq(fstat(fd, &status), 0);
	/* Of 512 bytes; some hosts give it by huge pages. */
	ck_assert_int_le(status.st_blocks, (2 << 20) / 512);
}
END_TEST

START_TEST(of_two_the_later_one_counts)
{
	_cleanup_fd_ int fd = begin();
	struct seen seen = { 0 };
	struct fault fault;

	put(0, NOTE_DEVICE, 4, 1);
	put(0, NOTE_DEVICE, 4, 2);
	put(0, NOTE_DEVICE, 5, 3);
	ck_assert_int_eq(note_resume(fd, &fault), 0);
	ck_assert_int_eq(note_each(see, &seen), 0);
	ck_assert_uint_eq(seen.count, 2);
	ck_assert_uint_eq(seen.bodies[0], 2);
	ck_assert_uint_eq(seen.bodies[1], 3);
}
END_TEST

/* Whatever byte of it is another one. What is written beside a record is nobody's promise. */
START_TEST(a_record_that_is_not_whole)
{
	_cleanup_fd_ int fd = begin();
	struct fault fault;

	put(0, NOTE_DEVICE, 4, 1);
	put(0, NOTE_DEVICE, 5, 2);
	for (off_t at = 2 * RECORD; at < 3 * RECORD; at++) {
		unsigned char byte;
		if (at >= 2 * RECORD + LIVE_AT && at < 2 * RECORD + BODY_AT)
			continue;
		ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
		refused(fd, "corrupt");
		byte ^= 0x10;
		ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
		if (at % 2 == 1) {
			ck_assert_int_eq(note_resume(fd, &fault), 0);
			note_resumed();
		}
	}
}
END_TEST

START_TEST(another_version_or_none)
{
	_cleanup_fd_ int fd = begin();
	const uint32_t version = 77;

	ck_assert_int_eq(pwrite(fd, &version, sizeof(version), VERSION_AT), sizeof(version));
	refused(fd, "version 77");
	ck_assert_int_eq(pwrite(fd, "X", 1, 0), 1);
	refused(fd, "foreign");
}
END_TEST

START_TEST(something_else_than_a_table)
{
	_cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_fd_ int open_one = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	refused(null, "foreign");
	ck_assert_int_eq(ftruncate(open_one, (off_t)RECORD * RECORDS), 0);
	refused(open_one, "foreign");
	/* Sealed, it is still empty. */
	fcntl(open_one, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	refused(open_one, "foreign");
}
END_TEST

/* It cannot be cut under the one that reads it. */
START_TEST(the_table_is_sealed)
{
	_cleanup_fd_ int fd = begin();

	ck_assert_int_ne(ftruncate(fd, 0), 0);
	ck_assert_int_ne(ftruncate(fd, (off_t)RECORD * RECORDS * 2), 0);
}
END_TEST

START_TEST(after_three_attempts_it_is_left)
{
	_cleanup_fd_ int fd = begin();
	struct fault fault;

	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(note_resume(fd, &fault), 0);
	refused(fd, "come to grief");
}
END_TEST

START_TEST(a_full_table)
{
	_cleanup_fd_ int fd = begin();
	uint32_t last = 0;

	for (uint32_t i = 1; i < RECORDS; i++) {
		last = put(0, NOTE_MAPPING, i, i);
		ck_assert_uint_ne(last, 0);
	}
	ck_assert_uint_eq(put(0, NOTE_MAPPING, RECORDS, 0), 0);
	note_drop(last);
	ck_assert_uint_eq(put(0, NOTE_MAPPING, RECORDS, 0), last);
	(void)fd;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("note");
	TCase *tests = tcase_create("all");

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, without_a_table_nothing_is_noted);
	tcase_add_test(tests, given_up_it_is_no_more);
	tcase_add_test(tests, the_next_one_reads_it);
	tcase_add_test(tests, what_was_never_written_takes_no_memory);
	tcase_add_test(tests, of_two_the_later_one_counts);
	tcase_add_test(tests, a_record_that_is_not_whole);
	tcase_add_test(tests, another_version_or_none);
	tcase_add_test(tests, something_else_than_a_table);
	tcase_add_test(tests, the_table_is_sealed);
	tcase_add_test(tests, after_three_attempts_it_is_left);
	tcase_add_test(tests, a_full_table);
	return suite_run(suite);
}
