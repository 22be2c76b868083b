/* SPDX-License-Identifier: MIT */
/* What the service manager is told to keep, and what it passes on. */
#define _GNU_SOURCE /* dup2 */
#include "resume/store.h"

#include "suite.h"
#include "test_service_manager.h"
#include "util/cleanup.h"

#include <check.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* The descriptor that came along, or -1. */
static int hears(int manager, const char *text)
{
	char got[128];
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { .iov_base = got, .iov_len = sizeof(got) - 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	int fd = -1;
	ssize_t length = recvmsg(manager, &message, MSG_CMSG_CLOEXEC);

	ck_assert_int_gt(length, 0);
	got[length] = '\0';
	ck_assert_str_eq(got, text);
	if (CMSG_FIRSTHDR(&message) != NULL)
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void passes(const char *names, unsigned count)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%u", count);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

START_TEST(without_a_manager)
{
	char name[STORE_NAME];
	uint32_t at = 0;

	unsetenv("NOTIFY_SOCKET");
	store_open();
	ck_assert(!store_works());
	ck_assert(!store_put("x", STDIN_FILENO, true));
	store_drop("x", true);
	store_settle();
	ck_assert(store_flush());
	ck_assert(!store_find("", &at, name));
	ck_assert_int_eq(store_take("x"), -1);
}
END_TEST

START_TEST(tells)
{
	_cleanup_fd_ int fd = service_manager();
	struct stat sent, kept;

	store_open();
	ck_assert(store_works());
	ck_assert(store_put("d0000-00-03.0", fd, true));
	store_drop("d0000-00-03.0", false);
	_cleanup_fd_ int got = hears(fd, "FDSTORE=1\nFDPOLL=0\nFDNAME=d0000-00-03.0");
	ck_assert_int_ge(got, 0);
	fstat(fd, &sent);
	fstat(got, &kept);
	ck_assert_uint_eq(sent.st_ino, kept.st_ino);
	ck_assert_int_eq(hears(fd, "FDSTOREREMOVE=1\nFDNAME=d0000-00-03.0"), -1);
}
END_TEST

/* What is to be dropped is not forgotten while the manager does not read. */
START_TEST(manager_that_does_not_read)
{
	_cleanup_fd_ int fd = service_manager();
	unsigned put = 0, dropped = 0;
	char got[128];

	store_open();
	while (store_put("a", fd, false))
		put++;
	ck_assert_uint_gt(put, 0);
	for (unsigned i = 0; i < put; i++)
		store_drop("a", false);
	ck_assert(!store_flush());
	for (;;) {
		ssize_t length = recv(fd, got, sizeof(got), 0);
		bool flushed = store_flush();
		if (length < 0 && flushed)
			break;
		dropped += length > 14 && strncmp(got, "FDSTOREREMOVE=1", 15) == 0;
	}
	ck_assert_uint_eq(dropped, put);
}
END_TEST

START_TEST(so_many_and_no_more)
{
	_cleanup_fd_ int fd = service_manager();
	unsigned put = 0;
	char got[128];

	store_open();
	while (put < 10000 && store_put("a", fd, false)) {
		put++;
		ck_assert_int_gt(recv(fd, got, sizeof(got), 0), 0);
	}
	ck_assert_uint_eq(put, 4000);
	store_drop("a", false);
	ck_assert(store_put("a", fd, false));
}
END_TEST

/* Four clients that want all do not keep others' devices from being kept. */
START_TEST(a_client_has_a_share)
{
	_cleanup_fd_ int fd = service_manager();
	struct store_share shares[5] = { 0 };
	unsigned put[5] = { 0 };
	char got[128];

	store_open();
	for (unsigned i = 0; i < 5; i++)
		while (put[i] < 10000 && store_put_of(&shares[i], "a", fd, false)) {
			put[i]++;
			ck_assert_int_gt(recv(fd, got, sizeof(got), 0), 0);
		}
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(put[i], 1000);
	ck_assert_uint_eq(put[3] + put[4], 0);
	ck_assert(!store_has_room(&shares[0], 1));
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(store_put("b", fd, false));
		ck_assert_int_gt(recv(fd, got, sizeof(got), 0), 0);
	}
	store_drop_of(&shares[0], "a", false);
	ck_assert(store_has_room(&shares[0], 1));
	ck_assert(!store_has_room(&shares[0], 2));
	ck_assert(store_has_room(&shares[4], 1));
	ck_assert_int_eq(store_take_of(&shares[0], "a"), -1);
	ck_assert(store_has_room(&shares[0], 1));
}
END_TEST

START_TEST(what_is_passed)
{
	_cleanup_fd_ int manages = service_manager();
	char name[STORE_NAME];
	uint32_t at = 0;

	for (int fd = 3; fd < 6; fd++)
		if (fd != manages)
			dup2(STDIN_FILENO, fd);
	passes("c1:d0000-00-03.0:c2", 3);
	store_open();
	ck_assert_ptr_null(getenv("LISTEN_FDS"));
	ck_assert_int_ne(fcntl(3, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(store_take("d0000-00-03.0"), 4);
	ck_assert_int_eq(store_take("d0000-00-03.0"), -1);
	ck_assert(store_find("c", &at, name));
	ck_assert_str_eq(name, "c1");
	ck_assert(store_find("c", &at, name));
	ck_assert_str_eq(name, "c2");
	ck_assert(!store_find("c", &at, name));
	at = 0;
	ck_assert(!store_find("d", &at, name));
	at = 0;
	ck_assert(store_find_any("d", &at, name));
}
END_TEST

START_TEST(what_is_for_another_process)
{
	char name[STORE_NAME];
	uint32_t at = 0;

	passes("c1", 1);
	setenv("LISTEN_PID", "1", 1);
	store_open();
	ck_assert(!store_find("", &at, name));
	passes("c1", 1);
	setenv("LISTEN_FDS", "1x", 1);
	store_open();
	ck_assert(!store_find("", &at, name));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tests = tcase_create("all");

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, without_a_manager);
	tcase_add_test(tests, tells);
	tcase_add_test(tests, manager_that_does_not_read);
	tcase_add_test(tests, so_many_and_no_more);
	tcase_add_test(tests, a_client_has_a_share);
	tcase_add_test(tests, what_is_passed);
	tcase_add_test(tests, what_is_for_another_process);
	return suite_run(suite);
}
