/* SPDX-License-Identifier: MIT */
/* That the log waits for nobody, says what it lost, and has limits. */
#define _XOPEN_SOURCE 700 /* posix_openpt */
#include "util/log.h"

#include "suite.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static int reader; /* what was written to stderr */

static void read_from(int read_end, int write_end)
{
	ck_assert_int_eq(dup2(write_end, STDERR_FILENO), STDERR_FILENO);
	close(write_end);
	reader = read_end;
	ck_assert_int_eq(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
}

static void use_pipe(void)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	read_from(ends[0], ends[1]);
}

/* As the journal's. */
static void use_socket(void)
{
	int ends[2], size = 4096;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	read_from(ends[0], ends[1]);
}

/* All that is there; returns how many lines. */
static unsigned drain(char *text, size_t size)
{
	size_t used = 0;
	unsigned lines = 0;
	ssize_t got;

	while ((got = read(reader, text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	for (const char *c = text; *c != '\0'; c++)
		lines += *c == '\n';
	return lines;
}

/* ---- lines ---- */

START_TEST(one_line)
{
	char text[4096];

	use_socket();
	log_warning("client `%s' did %d things", "a\n<0>b\x7f", 3);
	log_debug("not asked for");
	ck_assert_uint_eq(drain(text, sizeof(text)), 1);
	ck_assert_str_eq(text, "<4>client `a?<0>b?' did 3 things\n");
}
END_TEST

START_TEST(long_line)
{
	static char long_name[5000];
	char text[8192];

	memset(long_name, 'x', sizeof(long_name) - 1);
	use_socket();
	log_notice("%s", long_name);
	log_notice("next");
	ck_assert_uint_eq(drain(text, sizeof(text)), 2);
	ck_assert_uint_lt(strlen(text), 1100);
	ck_assert_ptr_nonnull(strstr(text, "x\n<5>next\n"));
}
END_TEST

START_TEST(into_a_file)
{
	char text[256];
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
	log_notice("one");
	log_notice("two");
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	ck_assert_str_eq(text, "<5>one\n<5>two\n");
	fclose(file);
}
END_TEST

/* ---- a reader that is stuck, or gone ---- */

static void (*const channels[])(void) = { use_pipe, use_socket };

/* A line that waits would run into the test's time-out. */
START_TEST(stuck_reader)
{
	enum { LINES = 20000 };
	static char text[1 << 20];
	char lost[64];

	channels[_i]();
	for (unsigned i = 0; i < LINES; i++)
		log_notice("line %u", i);
	unsigned got = drain(text, sizeof(text));
	ck_assert_uint_gt(got, 0);
	ck_assert_uint_lt(got, LINES);
	log_notice("after");
	log_notice("and on");
	ck_assert_uint_eq(drain(text, sizeof(text)), 3);
	snprintf(lost, sizeof(lost), "<4>%u lines were lost here", LINES - got);
	ck_assert_msg(strncmp(text, lost, strlen(lost)) == 0, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "\n<5>after\n<5>and on\n"));
}
END_TEST

/* Stopped, as by Ctrl-S. */
START_TEST(stuck_terminal)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char text[256];

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	read_from(master, open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC));
	log_notice("seen");
	ck_assert_uint_eq(drain(text, sizeof(text)), 1);
	ck_assert_str_eq(text, "hwbrokerd: info: seen\r\n");
	ck_assert_int_eq(tcflow(STDERR_FILENO, TCOOFF), 0);
	for (unsigned i = 0; i < 1000; i++)
		log_notice("not seen");
	ck_assert_int_eq(tcflow(STDERR_FILENO, TCOON), 0);
	log_notice("after");
	ck_assert_uint_eq(drain(text, sizeof(text)), 2);
	ck_assert_ptr_nonnull(strstr(text, "warning: 1000 lines were lost here"));
}
END_TEST

START_TEST(no_reader)
{
	channels[_i]();
	close(reader);
	log_notice("to nobody");
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(dup2(full, STDERR_FILENO), STDERR_FILENO);
	close(full);
	log_notice("to a full disk");
	use_pipe();
	log_notice("somebody");
	char text[256];
	ck_assert_uint_eq(drain(text, sizeof(text)), 2);
	ck_assert_ptr_nonnull(strstr(text, "2 lines were lost"));
}
END_TEST

static void *writes(void *nothing)
{
	for (unsigned i = 0; i < 2000; i++)
		log_notice("a line of a thread");
	return nothing;
}

/* Each sees room for the other's line. */
START_TEST(threads_and_a_stuck_reader)
{
	pthread_t threads[4];

	channels[_i]();
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, writes, NULL), 0);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

/* ---- limits ---- */

static unsigned pass(struct log_limit *limit, unsigned tries, int64_t now)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < tries; i++)
		passed += log_limit_pass(limit, now);
	return passed;
}

START_TEST(limit_in_time)
{
	struct log_limit limit = { 0 };
	int64_t now = 1000000;

	ck_assert_uint_eq(pass(&limit, 100, now), LOG_LIMIT_BURST);
	ck_assert_uint_eq(limit.left_out, 100 - LOG_LIMIT_BURST);
	ck_assert_uint_eq(pass(&limit, 100, now + LOG_LIMIT_MS - 1), 0);
	ck_assert_uint_eq(pass(&limit, 100, now + LOG_LIMIT_MS), 1);
	ck_assert_uint_eq(pass(&limit, 100, now + 4 * LOG_LIMIT_MS), 3);
	/* Who was quiet for long has no more than the burst. */
	now += 1000000 * (int64_t)LOG_LIMIT_MS;
	ck_assert_uint_eq(pass(&limit, 100, now), LOG_LIMIT_BURST);
}
END_TEST

/* The clock starts with the machine. */
START_TEST(limit_at_boot)
{
	struct log_limit limit = { 0 };

	ck_assert_uint_eq(pass(&limit, 100, 0), LOG_LIMIT_BURST);
}
END_TEST

START_TEST(limited_lines)
{
	struct log_limit limit = { 0 }, other = { 0 };
	char text[4096];

	use_pipe();
	for (unsigned i = 0; i < 100; i++)
		log_limited(&limit, LOG_LEVEL_NOTICE, "uid %d", 1000);
	ck_assert_uint_eq(drain(text, sizeof(text)), LOG_LIMIT_BURST);
	ck_assert_ptr_null(strstr(text, "left out"));
	log_limited(&other, LOG_LEVEL_NOTICE, "uid %d", 1001);
	ck_assert_uint_eq(drain(text, sizeof(text)), 1);
	ck_assert_str_eq(text, "<5>uid 1001\n");
	limit.paid_until = 0;
	log_limited(&limit, LOG_LEVEL_NOTICE, "uid %d", 1000);
	log_limited(&limit, LOG_LEVEL_NOTICE, "uid %d", 1000);
	ck_assert_uint_eq(drain(text, sizeof(text)), 2);
	ck_assert_str_eq(text, "<5>uid 1000 (90 such lines before were left out)\n<5>uid 1000\n");
}
END_TEST

START_TEST(lines_that_come_often)
{
	struct log_limit limit = { .rate = LOG_RATE_USE };
	unsigned passed = 0;

	for (unsigned i = 0; i < 1000; i++)
		passed += log_limit_pass(&limit, 1000000);
	ck_assert_uint_eq(passed, LOG_USE_BURST);
	ck_assert_uint_eq(limit.left_out, 1000 - LOG_USE_BURST);
	for (unsigned i = 0; i < 1000; i++)
		passed += log_limit_pass(&limit, 1000000 + 10 * LOG_USE_MS);
	ck_assert_uint_eq(passed, LOG_USE_BURST + 10);
}
END_TEST

START_TEST(no_limit)
{
	char text[4096];

	use_pipe();
	for (unsigned i = 0; i < 2 * LOG_LIMIT_BURST; i++)
		log_limited(NULL, LOG_LEVEL_NOTICE, "uid %d", 1000);
	ck_assert_uint_eq(drain(text, sizeof(text)), 2 * LOG_LIMIT_BURST);
}
END_TEST

/* What is not logged at all uses up nothing. */
START_TEST(limit_below_the_level)
{
	struct log_limit limit = { 0 };

	for (unsigned i = 0; i < 100; i++)
		log_limited(&limit, LOG_LEVEL_DEBUG, "a step");
	ck_assert_int_eq(limit.paid_until, 0);
	ck_assert_uint_eq(limit.left_out, 0);
}
END_TEST

int main(void)
{
	enum { CHANNELS = sizeof(channels) / sizeof(channels[0]) };
	Suite *suite = suite_create("log");

	TCase *tests = tcase_create("lines");
	tcase_add_test(tests, one_line);
	tcase_add_test(tests, long_line);
	tcase_add_test(tests, into_a_file);
	suite_add_tcase(suite, tests);

	tests = tcase_create("reader");
	tcase_set_timeout(tests, 20);
	tcase_add_loop_test(tests, stuck_reader, 0, CHANNELS);
	tcase_add_test(tests, stuck_terminal);
	tcase_add_loop_test(tests, no_reader, 0, CHANNELS);
	tcase_add_loop_test(tests, threads_and_a_stuck_reader, 0, CHANNELS);
	suite_add_tcase(suite, tests);

	tests = tcase_create("limits");
	tcase_add_test(tests, limit_in_time);
	tcase_add_test(tests, limit_at_boot);
	tcase_add_test(tests, limited_lines);
	tcase_add_test(tests, lines_that_come_often);
	tcase_add_test(tests, no_limit);
	tcase_add_test(tests, limit_below_the_level);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
