/* SPDX-License-Identifier: MIT */
/*
 * What a request costs the broker, counted and not timed, so that it is the same on any machine:
 *
 *     bench-counts PID FEW MANY COMMAND... % ...
 *
 * runs COMMAND twice, with FEW and with MANY in place of the argument `%', and prints how often
 * process PID made each system call for each one more; and `allocation', if it was started with
 * allocations.so (there). To be run by root, or by whoever may trace it.
 */
#define _GNU_SOURCE /* strsignal, PTRACE_* */
#include "allocations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 512, THREADS = 64 };

static const struct {
	long number;
	const char *name;
} names[] = {
	{ SYS_epoll_pwait, "epoll_wait" },
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, "epoll_wait" },
#endif
	{ SYS_recvmsg, "recvmsg" },
	{ SYS_sendmsg, "sendmsg" },
	{ SYS_sendto, "send" },
	{ SYS_recvfrom, "recvfrom" },
	{ SYS_futex, "futex" },
	{ SYS_read, "read" },
	{ SYS_write, "write" },
	{ SYS_openat, "openat" },
	{ SYS_close, "close" },
	{ SYS_ioctl, "ioctl" },
	{ SYS_mmap, "mmap" },
	{ SYS_munmap, "munmap" },
	{ SYS_memfd_create, "memfd_create" },
	{ SYS_ftruncate, "ftruncate" },
	{ SYS_fallocate, "fallocate" },
	{ SYS_fcntl, "fcntl" },
	{ SYS_sysinfo, "sysinfo" },
	{ SYS_eventfd2, "eventfd" },
	{ SYS_epoll_ctl, "epoll_ctl" },
	{ SYS_pread64, "pread" },
	{ SYS_pwrite64, "pwrite" },
	{ SYS_readlinkat, "readlink" },
#ifdef SYS_readlink
	{ SYS_readlink, "readlink" },
#endif
	{ SYS_newfstatat, "stat" },
};

static uint64_t made[CALLS];

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static uint64_t allocations(void)
{
	static const volatile struct allocations *shared;
	const char *path = getenv(ALLOCATIONS_FILE);

	if (shared == NULL && path != NULL) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		void *mapped = fd < 0 ? MAP_FAILED
		                      : mmap(NULL, sizeof(*shared), PROT_READ, MAP_SHARED, fd, 0);
		if (mapped == MAP_FAILED)
			fail(path);
		shared = mapped;
		close(fd);
	}
	return shared != NULL ? shared->count : 0;
}

/* ---- tracing ---- */

static pid_t threads[THREADS];
static unsigned thread_count;

static void seize_all(pid_t pid)
{
	char path[64];
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *directory = opendir(path);
	if (directory == NULL)
		fail(path);
	thread_count = 0;
	while ((entry = readdir(directory)) != NULL && thread_count < THREADS) {
		pid_t thread = (pid_t)atoi(entry->d_name);
		if (thread == 0)
			continue;
		if (ptrace(PTRACE_SEIZE, thread, NULL,
		           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE) != 0 ||
		    ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0)
			fail("ptrace");
		threads[thread_count++] = thread;
	}
	closedir(directory);
}

static void count_entry(pid_t thread)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr < CALLS)
		made[info.entry.nr]++;
}

/* Until the command has ended; its status. */
static int follow(pid_t command)
{
	int status;

	for (;;) {
		pid_t who = waitpid(-1, &status, __WALL);
		if (who < 0)
			fail("waitpid");
		if (who == command)
			return status;
		if (!WIFSTOPPED(status))
			continue;
		int stop = WSTOPSIG(status), event = status >> 16;
		if (stop == (SIGTRAP | 0x80)) {
			count_entry(who);
			stop = 0;
		} else if (event != 0) {
			stop = 0; /* a new thread, or the stop that we have asked for */
		}
		ptrace(PTRACE_SYSCALL, who, NULL, stop);
	}
}

/* A thread is let go of while it is stopped, in whatever way: the stop at the end of a system
 * call that was interrupted for it takes the one that we have asked for away (ptrace_stop() of the
 * kernel), so that waiting for that very one would last for ever. */
static void let_go(pid_t pid)
{
	char path[64];
	const struct dirent *entry;
	int status;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *directory = opendir(path);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		pid_t thread = (pid_t)atoi(entry->d_name);
		if (thread == 0 || ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0)
			continue;
		if (waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status))
			continue;
		/* A signal that was on its way arrives. */
		bool signal = status >> 16 == 0 && WSTOPSIG(status) != (SIGTRAP | 0x80);
		ptrace(PTRACE_DETACH, thread, NULL, signal ? WSTOPSIG(status) : 0);
	}
	if (directory != NULL)
		closedir(directory);
}

/* `calls` gets what the process did meanwhile; returns its allocations. */
static uint64_t run(pid_t pid, char **command, char *number, uint64_t calls[CALLS])
{
	for (char **word = command; *word != NULL; word++)
		if (strcmp(*word, "%") == 0)
			*word = number;
	memset(made, 0, sizeof(made));
	seize_all(pid);
	uint64_t before = allocations();
	pid_t child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, STDOUT_FILENO);
		execvp(command[0], command);
		_exit(127);
	}
	int status = follow(child);
	uint64_t after = allocations();
	let_go(pid);
	for (char **word = command; *word != NULL; word++)
		if (*word == number)
			*word = "%";
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "%s failed\n", command[0]);
		exit(EXIT_FAILURE);
	}
	memcpy(calls, made, sizeof(made));
	return after - before;
}

static const char *name_of(unsigned number)
{
	static char other[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == (long)number)
			return names[i].name;
	snprintf(other, sizeof(other), "call-%u", number);
	return other;
}

int main(int argc, char **argv)
{
	static uint64_t few[CALLS], many[CALLS];

	if (argc < 6 || atoi(argv[3]) <= atoi(argv[2])) {
		fputs("Usage: bench-counts PID FEW MANY COMMAND... % ...\n", stderr);
		return EXIT_FAILURE;
	}
	signal(SIGCHLD, SIG_DFL); /* ignored, an end would not be told of */
	pid_t pid = (pid_t)atoi(argv[1]);
	double more = atoi(argv[3]) - atoi(argv[2]);
	uint64_t first = run(pid, argv + 4, argv[2], few);
	uint64_t second = run(pid, argv + 4, argv[3], many);
	double all = 0;

	for (unsigned i = 0; i < CALLS; i++) {
		double each = ((double)many[i] - (double)few[i]) / more;
		all += each;
		/* What a timer did once is not the request's. */
		if (each >= 0.05)
			printf("%s %.2f\n", name_of(i), each);
	}
	printf("calls %.2f\n", all);
	if (getenv(ALLOCATIONS_FILE) != NULL)
		printf("allocation %.2f\n", ((double)second - (double)first) / more);
	return EXIT_SUCCESS;
}
