/* SPDX-License-Identifier: MIT */
/*
 * Giving a device back: brought to rest on a worker, then free, or with its host
 * driver, or quarantined; whoever waits for it is woken.
 */
#ifndef HWBROKERD_SESSION_RELEASE_H
#define HWBROKERD_SESSION_RELEASE_H

#include "session/session.h"

enum { GROUP_MAX = 64 };

/* Somebody who waits until a device is at rest. Called once, on the loop. */
struct waiter {
	struct waiter *next;
	void (*wake)(struct waiter *waiter);
};

void release_wait(struct device *device, struct waiter *waiter);
/* Wakes all who wait for the device; some will find it taken, and wait again. */
void release_wake(struct device *device);

/* Whether another device of the group is in the hands of somebody other than
 * `by_other_than`. */
bool release_group_in_use(const struct broker *broker, const struct device *device,
                          const void *by_other_than);

/* Moves a granted device towards rest. What was open of it is withdrawn already.
 * `domain`: that it leaves, or NULL. `handle`: for the event that tells `peer`. */
void release_start(struct broker *broker, struct peer *peer, struct device *device,
                   struct domain *domain, uint32_t handle);

#endif
