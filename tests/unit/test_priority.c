/* SPDX-License-Identifier: MIT */
/*
 * Precedence of one thread, and of no other. Who runs this may lack the right to it: then
 * that is said, and nothing changes.
 */
#include "kernel/priority.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The calling thread's, though the argument is called a process. */
static int niceness(void)
{
	errno = 0;
	int value = getpriority(PRIO_PROCESS, 0);
	ck_assert_int_eq(errno, 0);
	return value;
}

static void *look(void *value)
{
	*(int *)value = niceness();
	return NULL;
}

START_TEST(one_thread_and_no_other)
{
	int usual = niceness(), of_thread = -100, status;
	pthread_t thread;

	if (priority_prefer_this_thread() != 0) {
		ck_assert_int_eq(errno, EPERM);
		ck_assert_int_eq(niceness(), usual);
		return;
	}
	ck_assert_int_eq(niceness(), -10);
	ck_assert_int_eq(pthread_create(&thread, NULL, look, &of_thread), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(of_thread, 0);
	pid_t child = fork();
	if (child == 0)
		_exit(niceness() == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(without_the_right_nothing_changes)
{
	const struct rlimit none = { 0, 0 };

	/* Whoever is root already lets go of that. */
	ck_assert_int_eq(setrlimit(RLIMIT_NICE, &none), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(setuid(65534), 0);
	int usual = niceness();
	ck_assert_int_eq(priority_prefer_this_thread(), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(niceness(), usual);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("priority");
	TCase *tests = tcase_create("priority");

	tcase_add_test(tests, one_thread_and_no_other);
	tcase_add_test(tests, without_the_right_nothing_changes);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
