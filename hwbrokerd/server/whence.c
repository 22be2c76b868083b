/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pidfd_open */
#include "server/whence.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* asm-generic/socket.h, Linux 6.5 */
#endif

/* A path for each of the old hierarchies, of which there are some ten. More is nobody's. */
enum { CGROUPS_MAX = 64 * 1024 };

static const char ended[] = "the process that connected has ended";

double whence_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The process at the other end, or -1; of a listening socket our own. */
static int peer_of(int socket)
{
	int process = -1;
	socklen_t size = sizeof(process);

	return getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &process, &size) == 0 ? process : -1;
}

bool whence_keeps(int listener)
{
	_cleanup_fd_ int process = peer_of(listener);

	return process >= 0;
}

void whence_begin(struct whence *whence, int socket, pid_t pid, double quiet)
{
	*whence = (struct whence){ .process = peer_of(socket), .pid = pid, .quiet = quiet };
	/* If the kernel keeps it but says no more who it is, it has ended. */
	whence->kept = whence->process >= 0 || errno != ENOPROTOOPT;
	if (!whence->kept && pid > 0)
		whence->process = pidfd_open(pid, 0);
}

long long whence_start(const char *stat)
{
	/* The 22nd word; the second is the name, in parentheses and with whatever in it. */
	const char *at = strrchr(stat, ')');
	char *end;

	for (int word = 2; at != NULL && word < 22; word++) {
		at = strchr(at, ' ');
		at = at != NULL ? at + 1 : NULL;
	}
	if (at == NULL || *at < '0' || *at > '9')
		return -1;
	long long start = strtoll(at, &end, 10);
	return *end == ' ' ? start : -1;
}

static bool is_older(const struct whence *whence)
{
	char path[40], stat[1024];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)whence->pid);
	if (sysfs_read(path, stat, sizeof(stat)) <= 0)
		return false;
	long long start = whence_start(stat);
	/* The start is rounded down to a tick. */
	return start >= 0 && (double)(start + 1) / (double)sysconf(_SC_CLK_TCK) <= whence->quiet;
}

static const char *find(const struct whence *whence, struct unit_place *place)
{
	struct pollfd end = { .fd = whence->process, .events = POLLIN };
	_cleanup_free_ char *text = malloc(CGROUPS_MAX);
	char path[40];

	if (whence->process < 0)
		return ended;
	if (text == NULL)
		return "the broker had no memory to look";
	if (!whence->kept && !is_older(whence))
		return "connect again, as it had not run for a second, and Linux before 6.5 does "
		       "not keep the process with its connection";
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)whence->pid);
	int length = sysfs_read(path, text, CGROUPS_MAX);
	/* The number was its own while we looked, if it lives now. */
	if (poll(&end, 1, 0) != 0)
		return ended;
	if (length < 0 || length >= CGROUPS_MAX - 1)
		return "its control groups cannot be read";
	return unit_of_cgroups(text, place) ? NULL : "it is in no unit or slice of systemd";
}

const char *whence_end(struct whence *whence, struct unit_place *place)
{
	const char *why = find(whence, place);

	whence->process = close_fd(whence->process);
	return why;
}
