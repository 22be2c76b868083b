/* SPDX-License-Identifier: MIT */
/* The process at the other end of a socket, as a pidfd: a number that is used again cannot
 * be taken for it. */
#ifndef HWBROKERD_SERVER_PROCESS_H
#define HWBROKERD_SERVER_PROCESS_H

#include <sys/types.h>

/*
 * The process that connected, or -1: it has ended. Linux 6.5 has kept it (SO_PEERPIDFD).
 * Before that whoever has its number now is taken for it, if it is of the same user: who
 * could see to that could as well do to that process what we may do.
 */
int process_of(int socket, pid_t pid, uid_t uid);

/* Ends it, by SIGKILL. 0 or -1 with errno; ESRCH: it has ended by itself. */
int process_end(int process);

#endif
