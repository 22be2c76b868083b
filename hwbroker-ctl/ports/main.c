/* SPDX-License-Identifier: MIT */
/*
 * hwbroker-ports CLIENT COMMAND [ARGUMENT...]: starts a program with the legacy ports that
 * the policy gives its user, in the processor's I/O bitmap; what `hwbroker-ctl run' executes.
 *
 * This file and the few beside it are all that runs with the capability of its file,
 * CAP_SYS_RAWIO, which is in effect for ioperm() alone. Who decides is the broker. Nothing
 * that the caller controls says where it is, and nothing but two words is read from him.
 */
#define _GNU_SOURCE /* close_range */
#include "child.h"
#include "grant.h"
#include "privilege.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* 0, 1 and 2 are open, and nothing else is: the connection must not become stderr. */
static bool clean_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	return close_range(STDERR_FILENO + 1, ~0u, 0) == 0;
}

/* Whatever comes, comes to watch(); and the kernel is not to reap for us. */
static void hold_signals(struct signals *signals)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &signals->mask);
	sigaction(SIGCHLD, &usual, &signals->child);
}

int main(int argc, char **argv)
{
	struct signals signals;
	struct others others;
	struct grant grant;

	if (!clean_descriptors())
		return CANNOT_START;
	if (argc < 3) {
		fputs("hwbroker-ports: is what `hwbroker-ctl run' executes\n", stderr);
		return CANNOT_START;
	}
	if (!grant_open(&grant, argv[1]) || !privilege_is_there())
		return CANNOT_START;
	if (!watch_note_others(&others)) {
		fputs("hwbroker-ctl: run: no memory\n", stderr);
		return CANNOT_START;
	}
	/* Not before: a broker that does not answer is to be left by ^C as by any signal. */
	hold_signals(&signals);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t parent = getpid(), program = fork();
	if (program == 0)
		child_become(&grant, &signals, parent, argv + 2);
	if (program < 0 || !privilege_drop()) {
		fprintf(stderr, "hwbroker-ctl: run: cannot start a process: %s\n", strerror(errno));
		return CANNOT_START;
	}
	return watch(&grant, program, &others);
}
