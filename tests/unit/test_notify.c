/* SPDX-License-Identifier: MIT */
/* The service manager hears what it is told, and one that does not read is
 * not waited for. */
#include "server/notify.h"

#include "test_service_manager.h"
#include "util/cleanup.h"

#include <check.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void hears(int fd, const char *state)
{
	char text[64];
	ssize_t length = recv(fd, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(length, 0);
	text[length] = '\0';
	ck_assert_str_eq(text, state);
}

START_TEST(tells)
{
	_cleanup_fd_ int fd = service_manager();

	notify_manager("READY=1");
	notify_manager("STOPPING=1");
	hears(fd, "READY=1");
	hears(fd, "STOPPING=1");
}
END_TEST

START_TEST(nobody_to_tell)
{
	unsetenv("NOTIFY_SOCKET");
	notify_manager("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_manager("READY=1");
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	notify_manager("READY=1");
}
END_TEST

/* Waiting once would run into the test's time-out. */
START_TEST(manager_that_does_not_read)
{
	_cleanup_fd_ int fd = service_manager();

	for (unsigned i = 0; i < 20000; i++)
		notify_manager("STATUS=x");
	hears(fd, "STATUS=x");
}
END_TEST

/* Reads late, until it has heard that. */
static void *reads_late(void *argument)
{
	const struct timespec pause = { .tv_nsec = 200 * 1000000L };
	const int *fd = argument;
	char text[64] = "";

	while (strncmp(text, "READY=1", 7) != 0) {
		nanosleep(&pause, NULL);
		while (recv(*fd, text, sizeof(text), 0) > 0 && strncmp(text, "READY=1", 7) != 0)
			;
	}
	return NULL;
}

START_TEST(ready_waits)
{
	_cleanup_fd_ int fd = service_manager();
	pthread_t thread;

	for (unsigned i = 0; i < 20000; i++)
		notify_manager("STATUS=x");
	ck_assert_int_eq(pthread_create(&thread, NULL, reads_late, &fd), 0);
	notify_manager("READY=1");
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	SRunner *runner = srunner_create(suite);
	TCase *tests = tcase_create("notify");

	tcase_add_test(tests, tells);
	tcase_add_test(tests, nobody_to_tell);
	tcase_add_test(tests, manager_that_does_not_read);
	tcase_add_test(tests, ready_waits);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
