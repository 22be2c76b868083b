/* SPDX-License-Identifier: MIT */
/*
 * What is being closed (closer.h) of what one client sent, or all operators who are none, and of
 * connections that hung up; those of all strangers together. Who sends what takes long to close,
 * or for ever, could have all our descriptors so; hence nothing more is read from who has that
 * many on the way. What it sends then waits in its socket, where the kernel
 * counts it as its own.
 * Connections wait for none of that: with what was never received no program is asked whether it
 * may be closed, so that each has its end, and who hangs up again and again has no more of them
 * here than it can make in that time.
 */
#ifndef HWBROKERD_SERVER_CLOSINGS_H
#define HWBROKERD_SERVER_CLOSINGS_H

#include "work/strand.h"

/* Descriptors. A packet brings 253 at most. */
enum { CLOSINGS_MAX = 512 };

struct closings {
	struct lane lane;     /* of what was received */
	struct lane hang_ups; /* of connections */
	uint32_t waiting;     /* descriptors that were received */
};

static inline bool closings_are_many(const struct closings *closings)
{
	return closings->waiting >= CLOSINGS_MAX;
}

#endif
