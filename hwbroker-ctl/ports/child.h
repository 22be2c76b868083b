/* SPDX-License-Identifier: MIT */
/* The program that gets the ports. */
#ifndef HWBROKER_PORTS_CHILD_H
#define HWBROKER_PORTS_CHILD_H

#include "grant.h"

#include <signal.h>
#include <sys/types.h>

/* As env(1) ends. */
enum { CANNOT_START = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

/* What the caller had, and the program is to have: we wait for signals in another way. */
struct signals {
	sigset_t mask;
	struct sigaction child;
};

/* In the forked process: takes the ports, gives up all else, and becomes the program. Does
 * not return. `parent` is the process that watches it. */
void child_become(const struct grant *grant, const struct signals *signals, pid_t parent,
                  char **words) __attribute__((noreturn));

#endif
