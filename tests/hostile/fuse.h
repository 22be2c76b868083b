/* SPDX-License-Identifier: MIT */
/*
 * A file whose file system is a program of an ordinary user's, which answers all but FLUSH:
 * whoever closes a descriptor of it waits in the kernel, without heed of signals, until that
 * program ends.
 */
#ifndef HWBROKER_TESTS_HOSTILE_FUSE_H
#define HWBROKER_TESTS_HOSTILE_FUSE_H

#include <sys/types.h>

struct silent {
	int fd;       /* the file */
	pid_t server; /* the program */
};

/* False: the kernel has no FUSE, or does not let users have it. `user`: whose program. */
_Bool silent_start(struct silent *silent, uid_t user);
/* Whoever waits goes on. */
void silent_end(struct silent *silent);

#endif
