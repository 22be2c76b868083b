/* SPDX-License-Identifier: MIT */
/*
 * A socket for clients that is there when we start: the service manager listens with it, or
 * the daemon before this one did and left it in the manager's store.
 */
#ifndef HWBROKERD_SERVER_PASSED_H
#define HWBROKERD_SERVER_PASSED_H

#include "util/fault.h"

#include <stdbool.h>

/* The bytes of a socket's path, with its end. */
enum { PASSED_PATH = 108 };

/* Takes it, and says in `path`, where ours is to be, where it is instead ("@" for the zero of an
 * abstract address). `managed`: it is the manager's own, under whatever name. One that the daemon
 * before has left is passed over if it is of another path, or is not there any more. -1: there
 * is none; or it is of no use, if `managed`, and then `fault` says why. */
int passed_take(char path[PASSED_PATH], bool *managed, struct fault *fault);

/* Leaves `fd` to the daemon after this one; takes it back. */
bool passed_keep(int fd);
void passed_forget(void);

#endif
