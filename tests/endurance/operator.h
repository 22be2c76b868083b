/* SPDX-License-Identifier: MIT */
/* The daemon as root sees it: over a connection, and in /proc. */
#ifndef HWBROKER_ENDURANCE_OPERATOR_H
#define HWBROKER_ENDURANCE_OPERATOR_H

#include <hwbroker/posix.h>
#include <stdbool.h>
#include <sys/types.h>

struct operator
{
	struct hwb_posix posix;
	pid_t daemon; /* that serves it */
};

/* Of the daemon's, beside this connection itself. */
struct operator_view {
	uint32_t connections;
	uint32_t sessions;
	uint32_t granted; /* devices */
	uint64_t dma_bytes;
	uint32_t mappings;              /* of the client that has most */
	uint32_t revoking, quarantined; /* devices */
	int fds;
	long resident_kib;
};

/* Waits for a daemon other than `before` (0: for any). False: none came in time. */
bool operator_connect(struct operator* operator, pid_t before);
void operator_disconnect(struct operator* operator);

/* False: the daemon does not answer. */
bool operator_look(struct operator* operator, struct operator_view * view);

#endif
