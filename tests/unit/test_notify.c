/* SPDX-License-Identifier: MIT */
/* The service manager hears what it is told, and one that does not read is
 * not waited for: whoever has to be heard says it again (manager.c). */
#include "server/notify.h"

#include "suite.h"
#include "test_service_manager.h"
#include "util/cleanup.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

	ck_assert(notify_try("READY=1"));
	ck_assert(notify_try("STOPPING=1"));
	hears(fd, "READY=1");
	hears(fd, "STOPPING=1");
}
END_TEST

START_TEST(nobody_to_tell)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert(notify_try("READY=1"));
	setenv("NOTIFY_SOCKET", "relative", 1);
	ck_assert(notify_try("READY=1"));
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	ck_assert(!notify_try("READY=1"));
}
END_TEST

/* Waiting once would run into the test's time-out. */
START_TEST(manager_that_does_not_read)
{
	_cleanup_fd_ int fd = service_manager();

	for (unsigned i = 0; i < 20000; i++)
		notify_try("STATUS=x");
	ck_assert(!notify_try("STATUS=x"));
	hears(fd, "STATUS=x");
}
END_TEST

/* Every descriptor may be taken by the time that there is something to say. */
START_TEST(needs_no_descriptor)
{
	_cleanup_fd_ int fd = service_manager();
	struct rlimit limit, none;

	notify_open();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(open("/dev/null", O_RDONLY | O_CLOEXEC), -1);
	ck_assert_int_eq(errno, EMFILE);
	ck_assert(notify_try("READY=1"));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	hears(fd, "READY=1");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tests = tcase_create("notify");

	tcase_add_test(tests, tells);
	tcase_add_test(tests, nobody_to_tell);
	tcase_add_test(tests, manager_that_does_not_read);
	tcase_add_test(tests, needs_no_descriptor);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
