/* SPDX-License-Identifier: MIT */
/* The parent: passes signals on, and sees to it that the ports end with their session. */
#ifndef HWBROKER_PORTS_WATCH_H
#define HWBROKER_PORTS_WATCH_H

#include "grant.h"

#include <sys/types.h>

/* Children that this process had before: who called exec(3) had started them. They have no ports,
 * and are none of its concern. */
struct others {
	pid_t *pids;
	size_t count;
};

/* Before the program is started. False: no memory. */
bool watch_note_others(struct others *others);

/* Until the program, and all that it has started, has ended. All signals are blocked.
 * Returns what to exit with: the program's status, or 128 and the signal that ended it. */
int watch(struct grant *grant, pid_t program, struct others *others);

#endif
