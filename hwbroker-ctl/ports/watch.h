/* SPDX-License-Identifier: MIT */
/* The parent: passes signals on, and sees to it that the ports end with their session. */
#ifndef HWBROKER_PORTS_WATCH_H
#define HWBROKER_PORTS_WATCH_H

#include "grant.h"

#include <sys/types.h>

/* Until the program, and all that it has started, has ended. All signals are blocked.
 * Returns what to exit with: the program's status, or 128 and the signal that ended it. */
int watch(struct grant *grant, pid_t program);

#endif
