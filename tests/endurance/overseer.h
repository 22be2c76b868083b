/* SPDX-License-Identifier: MIT */
/* The daemon as root sees it: over a connection, and in /proc. */
#ifndef HWBROKER_ENDURANCE_OVERSEER_H
#define HWBROKER_ENDURANCE_OVERSEER_H

#include <hwbroker/posix.h>
#include <stdbool.h>
#include <sys/types.h>

struct overseer {
	struct hwb_posix posix;
	pid_t daemon; /* that serves it */
};

/* Of the daemon's, beside this connection itself. */
struct overseer_view {
	uint32_t connections;
	uint32_t sessions;
	uint32_t granted; /* devices */
	uint64_t dma_bytes;
	uint32_t mappings;              /* of the client that has most */
	uint32_t revoking, quarantined; /* devices */
	int fds;
	long threads;
	long resident_kib;
};

/* Waits for a daemon other than `before` (0: for any). False: none came in time. */
bool overseer_connect(struct overseer *overseer, pid_t before);
void overseer_disconnect(struct overseer *overseer);

/* False: the daemon does not answer. */
bool overseer_look(struct overseer *overseer, struct overseer_view *view);

#endif
