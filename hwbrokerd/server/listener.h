/* SPDX-License-Identifier: MIT */
/*
 * The socket that clients connect to. Errors of accept never end it and never
 * make it spin: when descriptors run out it pauses for a moment.
 */
#ifndef HWBROKERD_SERVER_LISTENER_H
#define HWBROKERD_SERVER_LISTENER_H

#include "server/broker.h"

struct listener {
	struct broker *broker;
	ev_io watcher;
	ev_timer pause;
	int fd;
	int reserve; /* given up to turn a caller away when no descriptor is left */
	char path[108];
};

/* Binds `path`, which may exist if nobody answers there. */
int listener_start(struct listener *listener, struct broker *broker, const char *path,
                   struct fault *fault);
/* Stops, and removes the socket. */
void listener_stop(struct listener *listener);

#endif
