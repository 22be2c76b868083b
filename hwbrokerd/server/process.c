/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pidfd_open */
#include "server/process.h"

#include "util/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* asm-generic/socket.h, Linux 6.5 */
#endif

static int is_of(pid_t pid, uid_t uid)
{
	char path[32];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &status) == 0 && status.st_uid == uid;
}

int process_of(int socket, pid_t pid, uid_t uid)
{
	int process = -1;
	socklen_t size = sizeof(process);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &process, &size) == 0)
		return process;
	if (errno != ENOPROTOOPT || pid <= 0)
		return -1;
	process = pidfd_open(pid, 0);
	struct pollfd ended = { .fd = process, .events = POLLIN };
	/* The number was its own while we looked, if it lives now. */
	if (process >= 0 && (!is_of(pid, uid) || poll(&ended, 1, 0) != 0))
		process = close_fd(process);
	return process;
}

int process_end(int process)
{
	return pidfd_send_signal(process, SIGKILL, NULL, 0);
}
