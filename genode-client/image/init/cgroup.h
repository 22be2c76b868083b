/* SPDX-License-Identifier: MIT */
/*
 * A control group (version 2) for each session, so that a session can be ended whole:
 * what it started outlives it otherwise. Where the kernel has none, init does without.
 */
#ifndef HWB_INIT_CGROUP_H
#define HWB_INIT_CGROUP_H

#include <stdbool.h>

/* `name` is the session's. 0, or a positive errno. The group may be there already. */
int cgroup_make(const char *name);

/* Puts the calling process into it. 0, or a positive errno. */
int cgroup_enter(const char *name);

/* SIGKILL to all that are in it. */
void cgroup_kill(const char *name);

/* Whether a process is in it that still runs. */
bool cgroup_populated(const char *name);

#endif
