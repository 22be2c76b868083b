/* SPDX-License-Identifier: MIT */
/* What the daemon gives up once it has started, looked at from within: each test is a
 * process of its own, which cannot have it back. */
#define _GNU_SOURCE
#include "kernel/privilege.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A line of /proc/self/status, as a number to the base 16. */
static unsigned long long status_of(const char *name)
{
	char line[256];
	unsigned long long value = ~0ull;
	FILE *file = fopen("/proc/self/status", "re");

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			value = strtoull(line + strlen(name) + 1, NULL, 16);
	fclose(file);
	return value;
}

static void drop_but_pins(void)
{
	struct fault fault = { .status = HWB_OK };

	ck_assert_msg(privilege_drop(true, true, &fault) == 0, "%s", fault.reason);
}

static void drop(bool ports)
{
	struct fault fault = { .status = HWB_OK };

	ck_assert_msg(privilege_drop(ports, false, &fault) == 0, "%s", fault.reason);
}

enum { ADMIN = 1 << 21, RAWIO = 1 << 17, MODULE = 1 << 16, IPC_LOCK = 1 << 14 };
static const unsigned long long kept = ADMIN | IPC_LOCK | 1 << 1 /* DAC_OVERRIDE */ |
                                       1 << 24 /* SYS_RESOURCE */ | 1 << 5 /* KILL */;

START_TEST(capabilities_are_those_that_serving_needs)
{
	unsigned long long before = status_of("CapPrm");

	drop(true);
	ck_assert_uint_eq(status_of("CapPrm"), before & (kept | RAWIO));
	ck_assert_uint_eq(status_of("CapEff"), before & (kept | RAWIO));
	ck_assert_uint_eq(status_of("CapInh"), 0);
	ck_assert_uint_eq(status_of("CapAmb"), 0);
	ck_assert_uint_eq(status_of("NoNewPrivs"), 1);
	ck_assert_uint_eq(status_of("Seccomp"), 2);
	/* With CAP_SETPCAP, which is not asked for. */
	if ((before >> 8 & 1) != 0)
		ck_assert_uint_eq(status_of("CapBnd") & ~(kept | RAWIO), 0);
}
END_TEST

START_TEST(without_ports_there_is_no_right_to_them)
{
	unsigned long long before = status_of("CapPrm");

	drop(false);
	ck_assert_uint_eq(status_of("CapEff"), before & kept);
}
END_TEST

static void *nothing(void *argument)
{
	return argument;
}

START_TEST(threads_can_be_made_and_processes_not)
{
	pthread_t thread;
	char *const arguments[] = { "true", NULL };

	drop(true);
	ck_assert_int_eq(pthread_create(&thread, NULL, nothing, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	errno = 0;
	ck_assert_int_eq(execve("/bin/true", arguments, NULL), -1);
	ck_assert_int_eq(errno, EPERM);
#ifndef __SANITIZE_ADDRESS__
	ck_assert_int_eq(fork(), -1);
	ck_assert_int_eq(errno, EPERM);
#endif
}
END_TEST

static void refuses(long number)
{
	errno = 0;
	ck_assert_int_eq(syscall(number, -1L, -1L, -1L, -1L, -1L, -1L), -1);
	ck_assert_msg(errno == EPERM, "call %ld: %s", number, strerror(errno));
}

/* Without an IOMMU. */
START_TEST(memory_can_be_pinned_where_it_must_be)
{
	drop_but_pins();
	/* No parameters: it is made, and fails by itself. */
	ck_assert_int_eq((int)syscall(SYS_io_uring_setup, 1, NULL), -1);
	ck_assert_int_eq(errno, EFAULT);
	refuses(SYS_bpf);
	refuses(SYS_personality);
}
END_TEST

START_TEST(calls_that_it_never_needs_are_not_made)
{
	drop(true);
	refuses(SYS_mount);
	refuses(SYS_fsopen);
	refuses(SYS_setns);
	refuses(SYS_init_module);
	refuses(SYS_finit_module);
	refuses(SYS_kexec_load);
	refuses(SYS_bpf);
	refuses(SYS_perf_event_open);
	refuses(SYS_keyctl);
	refuses(SYS_process_vm_writev);
	refuses(SYS_pidfd_getfd);
	refuses(SYS_io_uring_setup);
	refuses(SYS_userfaultfd);
	refuses(SYS_setuid);
	/* The last of the list. */
	refuses(SYS_personality);
#ifdef __x86_64__
	/* x32's number of the same call. */
	refuses(0x40000000 | SYS_getpid);
#endif
}
END_TEST

START_TEST(what_it_serves_with_works)
{
	int ends[2];

	drop(true);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	ck_assert_int_eq(write(ends[0], "x", 1), 1);
	ck_assert_int_ge(open("/proc/self/status", O_RDONLY | O_CLOEXEC), 0);
	ck_assert_int_ge(memfd_create("x", MFD_CLOEXEC), 0);
	ck_assert_int_eq(prctl(PR_SET_NAME, "x", 0, 0, 0), 0);
	/* Once more does no harm. */
	drop(true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("privilege");
	TCase *tests = tcase_create("all");

	/* Check runs each in a process of its own, if it is not told otherwise. */
	setenv("CK_FORK", "yes", 1);
	tcase_add_test(tests, capabilities_are_those_that_serving_needs);
	tcase_add_test(tests, without_ports_there_is_no_right_to_them);
	tcase_add_test(tests, threads_can_be_made_and_processes_not);
	tcase_add_test(tests, calls_that_it_never_needs_are_not_made);
	tcase_add_test(tests, memory_can_be_pinned_where_it_must_be);
	tcase_add_test(tests, what_it_serves_with_works);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
