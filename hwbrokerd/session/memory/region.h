/* SPDX-License-Identifier: MIT */
/*
 * Granting a BAR's descriptor, in three steps: may it be (loop), open it
 * (job), make it a session (loop). Used by IO_MEM, by I/O BARs, and by
 * DEVICE_ACQUIRE, which does several at once.
 */
#ifndef HWBROKERD_SESSION_REGION_H
#define HWBROKERD_SESSION_REGION_H

#include "session/session.h"

struct region_plan {
	uint32_t bar;
	bool wc; /* asked for; after region_open: granted */
	uint64_t offset;
	uint64_t size;
	enum policy_way way;
	int fd;             /* after region_open; -1 before, and of one that is mediated */
	uint64_t fd_offset; /* of the BAR in it, if the way is WAY_DEVICE */
};

/* Whether the part of BAR `bar` may be granted; fills the plan. `io`: an I/O
 * BAR is wanted, otherwise memory. `size` 0: up to the end. */
int region_check(const struct peer *peer, const struct device *device, uint32_t bar, bool io,
                 uint64_t offset, uint64_t size, bool wc, struct region_plan *plan,
                 struct fault *fault);

/* On the group's strand; the device is open. */
int region_open(const struct kernel_backend *kernel, struct device *device,
                struct region_plan *plan, struct fault *fault);

/* Descriptors that come with it: 0 or 1. */
static inline uint32_t region_fds(const struct region_plan *plan)
{
	return plan->fd >= 0 ? 1 : 0;
}

/* Makes the session; `region` is what the client is told. The descriptor stays
 * in the plan. */
int region_publish(struct peer *peer, struct device *device, const struct region_plan *plan,
                   struct hwb_region *region, struct fault *fault);

#endif
