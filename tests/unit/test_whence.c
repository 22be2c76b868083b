/* SPDX-License-Identifier: MIT */
/* Whose unit is found, and whose is not. */
#include "server/whence.h"

#include "suite.h"
#include "util/cleanup.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(starts)
{
	ck_assert_int_eq(
	        whence_start("1 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20"), 4711);
	/* Whatever it calls itself. */
	ck_assert_int_eq(
	        whence_start(
	                "1 (a) S 1 (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20"),
	        4711);
	ck_assert_int_eq(whence_start(""), -1);
	ck_assert_int_eq(whence_start("1 x S 1 2 3"), -1);
	ck_assert_int_eq(whence_start("1 (x) S 1 2 3"), -1);
	ck_assert_int_eq(whence_start("1 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -1 20"),
	                 -1);
	ck_assert_int_eq(whence_start("1 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 47"),
	                 -1);
}
END_TEST

static int listener = -1;
static struct sockaddr_un address;

static void setup(void)
{
	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "whence-%d", (int)getpid());
	listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
}

static void teardown(void)
{
	close(listener);
}

/* Of a process that connects, and then waits to be killed. */
static int connection(pid_t *child)
{
	*child = fork();
	if (*child == 0) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		connect(fd, (const struct sockaddr *)&address, sizeof(address));
		for (;;)
			pause();
	}
	int fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

/* What is said of it depends on where the test runs, but not that it has ended. */
START_TEST(a_process_that_lives)
{
	struct whence whence;
	struct unit_place place;
	pid_t child;
	_cleanup_fd_ int fd = connection(&child);

	whence_begin(&whence, fd, child, whence_now() + 1);
	ck_assert_int_ge(whence.process, 0);
	ck_assert(whence.kept == whence_keeps(listener));
	const char *why = whence_end(&whence, &place);
	ck_assert_msg(why == NULL || strstr(why, "no unit or slice") != NULL, "%s", why);
	ck_assert_int_eq(whence.process, -1);
	end(child);
}
END_TEST

START_TEST(one_that_has_ended_before)
{
	struct whence whence;
	struct unit_place place;
	pid_t child;
	_cleanup_fd_ int fd = connection(&child);

	end(child);
	whence_begin(&whence, fd, child, whence_now() + 1);
	ck_assert_str_eq(whence_end(&whence, &place), "the process that connected has ended");
}
END_TEST

START_TEST(one_that_ends_meanwhile)
{
	struct whence whence;
	struct unit_place place;
	pid_t child;
	_cleanup_fd_ int fd = connection(&child);

	whence_begin(&whence, fd, child, whence_now() + 1);
	end(child);
	whence.kept = true;
	ck_assert_str_eq(whence_end(&whence, &place), "the process that connected has ended");
}
END_TEST

/* Where there is only the number, its owner must have had it before the connection came. */
START_TEST(one_that_may_have_the_number_of_another)
{
	struct whence whence;
	struct unit_place place;
	pid_t child;
	double before = whence_now() - 1;
	_cleanup_fd_ int fd = connection(&child);

	whence_begin(&whence, fd, child, before);
	whence.kept = false;
	ck_assert_ptr_nonnull(strstr(whence_end(&whence, &place), "connect again"));
	whence_begin(&whence, fd, child, 0);
	whence.kept = false;
	ck_assert_ptr_nonnull(strstr(whence_end(&whence, &place), "connect again"));
	whence_begin(&whence, fd, child, whence_now() + 1);
	whence.kept = false;
	const char *why = whence_end(&whence, &place);
	ck_assert_msg(why == NULL || strstr(why, "no unit or slice") != NULL, "%s", why);
	end(child);
}
END_TEST

START_TEST(not_for_ever)
{
	struct whence whence;
	struct unit_place place;
	double seconds = 20;
	pid_t child;
	_cleanup_fd_ int fd = connection(&child);

	whence_begin(&whence, fd, child, whence_now() + 1);
	const char *why = whence_end_within(&whence, &place, &seconds);
	ck_assert_msg(why == NULL || strstr(why, "no unit or slice") != NULL, "%s", why);
	ck_assert_int_eq(whence.process, -1);
	ck_assert(seconds > 0 && seconds < 20);
	/* Nothing is left of it. */
	seconds = 0;
	whence_begin(&whence, fd, child, whence_now() + 1);
	ck_assert_ptr_nonnull(strstr(whence_end_within(&whence, &place, &seconds), "in time"));
	ck_assert_int_eq(whence.process, -1);
	end(child);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("whence");
	TCase *tests = tcase_create("whence");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, starts);
	tcase_add_test(tests, a_process_that_lives);
	tcase_add_test(tests, one_that_has_ended_before);
	tcase_add_test(tests, one_that_ends_meanwhile);
	tcase_add_test(tests, one_that_may_have_the_number_of_another);
	tcase_add_test(tests, not_for_ever);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
