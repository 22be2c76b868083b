/* SPDX-License-Identifier: MIT */
/* Entries as the journal gets them. */
#include "util/journal.h"

#include "suite.h"
#include "util/cleanup.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static struct journal_entry entry;

/* A journal at a path of its own, which stderr is said to be connected to. */
static int new_journal(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;
	char stream[64];

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/hwbroker-journal-%d",
	         (int)getpid());
	unlink(address.sun_path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
	         (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	entry.used = 0;
	return fd;
}

static void end_journal(void)
{
	journal_close();
	unlink(address.sun_path);
}

static void gets(int fd, const char *bytes, size_t size)
{
	char text[JOURNAL_ENTRY_SIZE];

	ck_assert_int_eq(recv(fd, text, sizeof(text), 0), (ssize_t)size);
	ck_assert_mem_eq(text, bytes, size);
}

START_TEST(fields_are_lines)
{
	static const char wanted[] = "MESSAGE=a b = c\nPRIORITY=6\n";
	_cleanup_fd_ int fd = new_journal();

	ck_assert(journal_open(address.sun_path));
	journal_field(&entry, "MESSAGE", "a b = c");
	journal_field(&entry, "HWBROKER_RULE", "");
	journal_number(&entry, "PRIORITY", 6);
	ck_assert(journal_send(&entry));
	gets(fd, wanted, sizeof(wanted) - 1);
	end_journal();
}
END_TEST

/* Or one could forge the fields that follow. */
START_TEST(a_line_break_does_not_end_a_field)
{
	static const char wanted[] = "MESSAGE\n\x0e\0\0\0\0\0\0\0"
	                             "x\nPRIORITY=0\ny\nHWBROKER_UID=7\n";
	_cleanup_fd_ int fd = new_journal();

	ck_assert(journal_open(address.sun_path));
	journal_field(&entry, "MESSAGE", "x\nPRIORITY=0\ny");
	journal_number(&entry, "HWBROKER_UID", 7);
	ck_assert(journal_send(&entry));
	gets(fd, wanted, sizeof(wanted) - 1);
	end_journal();
}
END_TEST

START_TEST(a_field_too_many_is_left_out)
{
	_cleanup_fd_ int fd = new_journal();
	char value[JOURNAL_ENTRY_SIZE];
	char got[JOURNAL_ENTRY_SIZE];

	ck_assert(journal_open(address.sun_path));
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	journal_field(&entry, "A", value);
	value[sizeof(value) / 2] = '\0';
	journal_field(&entry, "B", value);
	journal_field(&entry, "C", value);
	journal_field(&entry, "D", "last");
	ck_assert(journal_send(&entry));
	ssize_t length = recv(fd, got, sizeof(got), 0);
	ck_assert_int_eq(length, 2 + JOURNAL_ENTRY_SIZE / 2 + 1 + 7);
	ck_assert_int_eq(got[0], 'B');
	ck_assert_mem_eq(got + length - 7, "D=last\n", 7);
	end_journal();
}
END_TEST

START_TEST(without_a_journal_it_says_so)
{
	_cleanup_fd_ int fd = new_journal();

	ck_assert_int_ge(fd, 0);
	ck_assert(!journal_send(&entry));
	setenv("JOURNAL_STREAM", "1:1", 1);
	ck_assert(!journal_open(address.sun_path));
	unsetenv("JOURNAL_STREAM");
	ck_assert(!journal_open(address.sun_path));
	ck_assert(!journal_send(&entry));
	end_journal();
}
END_TEST

/* One that does not read, and one that is gone for a moment. */
START_TEST(it_is_not_waited_for)
{
	_cleanup_fd_ int fd = new_journal();
	unsigned taken = 0;

	ck_assert(journal_open(address.sun_path));
	journal_field(&entry, "MESSAGE", "x");
	while (taken < 100000 && journal_send(&entry))
		taken++;
	ck_assert_uint_gt(taken, 0);
	ck_assert_uint_lt(taken, 100000);
	gets(fd, "MESSAGE=x\n", 10);
	ck_assert(journal_send(&entry));
	unlink(address.sun_path);
	ck_assert(!journal_send(&entry));
	_cleanup_fd_ int other = new_journal();
	journal_field(&entry, "MESSAGE", "y");
	ck_assert(journal_send(&entry));
	gets(other, "MESSAGE=y\n", 10);
	end_journal();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("journal");
	TCase *tests = tcase_create("all");

	tcase_add_test(tests, fields_are_lines);
	tcase_add_test(tests, a_line_break_does_not_end_a_field);
	tcase_add_test(tests, a_field_too_many_is_left_out);
	tcase_add_test(tests, without_a_journal_it_says_so);
	tcase_add_test(tests, it_is_not_waited_for);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
