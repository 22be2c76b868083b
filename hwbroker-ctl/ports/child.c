/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* close_range */
#include "child.h"

#include "privilege.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <sys/io.h>
#else
static int ioperm(unsigned long from, unsigned long count, int on)
{
	(void)from, (void)count, (void)on;
	errno = ENOSYS;
	return -1;
}
#endif

/* Past the clean-up of the parent's: stdio of ours holds nothing. */
static __attribute__((noreturn)) void die(int status, const char *what)
{
	fprintf(stderr, "hwbroker-ctl: run: %s: %s\n", what, strerror(errno));
	_exit(status);
}

static void take(const struct grant *grant)
{
	for (size_t i = 0; i < grant->count; i++) {
		const struct hwb_port_range *range = &grant->ranges[i];
		if (ioperm(range->base, range->count, 1) == 0)
			continue;
		die(CANNOT_START, errno == EPERM
		                          ? "the kernel gives no ports: it is locked down (Secure "
		                            "Boot), or this is a container"
		                          : "cannot take the ports");
	}
}

void child_become(const struct grant *grant, const struct signals *signals, pid_t parent,
                  char **words)
{
	if (!privilege_raise())
		die(CANNOT_START, "cannot use CAP_SYS_RAWIO");
	take(grant);
	if (!privilege_drop())
		die(CANNOT_START, "cannot give up capabilities");
	/* After the change of capabilities, which would forget it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		die(CANNOT_START, "cannot be bound to its parent");
	if (getppid() != parent)
		_exit(CANNOT_START);
	if (setenv("HWB_NATIVE_PORTS", grant->listed, 1) != 0)
		die(CANNOT_START, "cannot set HWB_NATIVE_PORTS");
	if (close_range(STDERR_FILENO + 1, ~0u, 0) != 0)
		die(CANNOT_START, "cannot close descriptors");
	sigaction(SIGCHLD, &signals->child, NULL);
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);
	execvp(words[0], words);
	die(errno == ENOENT ? NOT_FOUND : CANNOT_EXECUTE, words[0]);
}
