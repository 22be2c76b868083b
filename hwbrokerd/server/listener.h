/* SPDX-License-Identifier: MIT */
/*
 * The socket that clients connect to. Errors of accept never end it and never
 * make it spin: when descriptors run out it pauses for a moment.
 */
#ifndef HWBROKERD_SERVER_LISTENER_H
#define HWBROKERD_SERVER_LISTENER_H

#include "server/broker.h"
#include "server/passed.h"

struct listener {
	struct broker *broker;
	ev_io watcher;
	ev_timer pause;
	ev_timer vigil; /* looks whether a connection waits: whence.h */
	int fd;
	bool passed;            /* the service manager's: it stays when we stop */
	char path[PASSED_PATH]; /* where it is, be it where we were told or not */
};

/* Listens where the service manager does for us, if it has passed that socket, or one that
 * the daemon before this one had; else binds `path`, which may exist if nobody answers
 * there. */
int listener_start(struct listener *listener, struct broker *broker, const char *path,
                   struct fault *fault);
/* Accepts nobody any more; who connects waits. */
void listener_pause(struct listener *listener);
/* Stops, and removes the socket. */
void listener_stop(struct listener *listener);

#endif
