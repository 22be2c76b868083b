/* SPDX-License-Identifier: MIT */
/*
 * Physical memory that is of no BAR, by [memory] sections of the policy. Its session is a region
 * without a device (session.h): so it is closed, told of and kept as regions are. The VGA window
 * has one if the connection has a VGA card (vga.h), and goes with it.
 */
#ifndef HWBROKERD_SESSION_MEMORY_H
#define HWBROKERD_SESSION_MEMORY_H

#include "kernel/physical.h"
#include "session/session.h"

struct memory_session {
	struct region_session region;
	struct memory_session *next; /* all that are open, of all connections */
	struct memory_session **link;
	struct batcher batcher;
	struct physical physical;
	struct mediated_reach reach; /* in place of that, with a device */
	bool kept; /* taken, but for a descriptor: nobody else's until the client hangs up */
};

/* Answers an IO_MEM_OPEN of what is in no BAR of the connection's devices. The range is not
 * empty and does not wrap around. */
void memory_open(struct request *request);

/* The same of the VGA window, through a card that the connection has; `region` is what is to be. */
void memory_open_vga(const struct request *request, const struct device_session *owner,
                     const struct hwb_region *region, const struct policy_verdict *verdict);
/* Through /dev/mem. */
void memory_start(const struct request *request, const struct hwb_region *region,
                  const struct policy_verdict *verdict);

/* Makes it the client's, with its region and device set, in which the handle is filled in; what
 * was so when it asked, as `access` says, may not be any more. */
int memory_publish(struct peer *peer, struct memory_session *session,
                   const struct policy_access *access, struct fault *fault);

/* Whether another connection has some of it. */
int memory_free(const struct broker *broker, const struct peer *peer, uint64_t base, uint64_t size,
                struct fault *fault);

static inline uint64_t memory_last(uint64_t base, uint64_t size)
{
	return base + (size - 1);
}

/* Once its handle and its region are set, and its mapping if it is mediated. */
void memory_begin(struct memory_session *session);
/* One that has not begun. */
void memory_discard(struct memory_session *session);

void memory_tell(enum happening_kind kind, const struct memory_session *session, const char *rule,
                 const char *reason);

/* As the region's: session.h. */
void memory_close(struct memory_session *session);
/* "memory 0xfed00000-0xfed003ff", and how it is given. */
void memory_describe(const struct region_session *session, char *text, size_t size);

/* What the policy of now does not give any more is taken; and what was is forgotten when its
 * peer hangs up. */
void memory_take_back(struct broker *broker);
void memory_forget(const struct peer *peer);

/* The session of a daemon before this one, whose region is this, through `device` or NULL; not in
 * the table of handles yet. Blocks. NULL: it cannot be. */
struct memory_session *memory_resume(struct peer *peer, const struct hwb_region *region,
                                     struct device *device, struct fault *fault);

#endif
