/* SPDX-License-Identifier: MIT */
/*
 * Which unit a process that has connected is in, so that another one that has its number by now
 * cannot be taken for it.
 *
 * Linux 6.5 and later keep the process with the connection (SO_PEERPIDFD); as long as it lives,
 * its number is no one else's. Before that there is only the number. Then a process must have
 * started before a moment at which no connection was waiting: if it has the number now, it had
 * it when the connection came. So one that connects as soon as it has started is in no unit as
 * far as we know.
 *
 * The kernel takes the lock of all control groups to tell of one (proc_cgroup_show), which a
 * user who moves his own processes about can make one wait for: so that is a worker's. As all
 * wait for the same lock, one worker does for all.
 */
#ifndef HWBROKERD_SERVER_WHENCE_H
#define HWBROKERD_SERVER_WHENCE_H

#include "policy/unit.h"

#include <sys/types.h>

struct whence {
	int process; /* pidfd; -1: it has ended */
	pid_t pid;
	bool kept;    /* the pidfd is that of who connected; else of who has the number */
	double quiet; /* a time at which no connection waited; 0: never */
};

/* Asks at once, as the connection comes. Does not block. */
void whence_begin(struct whence *whence, int socket, pid_t pid, double quiet);
/* Finds the place, and closes what is open. Blocks. NULL; or why it is not known. */
const char *whence_end(struct whence *whence, struct unit_place *place);

/* The same, and waits for `*seconds` at most, of which it takes what it has waited. */
const char *whence_end_within(struct whence *whence, struct unit_place *place, double *seconds);

/* Whether the kernel keeps processes with their connections; `listener` is a listening socket. */
bool whence_keeps(int listener);
/* Seconds of the clock that processes' starts are told by. */
double whence_now(void);

/* Pure: when the process started, from /proc/PID/stat, in ticks; -1: that makes no sense. */
long long whence_start(const char *stat);

#endif
