/* SPDX-License-Identifier: MIT */
/*
 * Giving a device back: brought to rest on a worker, then free, or with its host
 * driver, or quarantined; whoever waits for it is woken.
 */
#ifndef HWBROKERD_SESSION_RELEASE_H
#define HWBROKERD_SESSION_RELEASE_H

#include "session/session.h"

/* Somebody who waits until a device is at rest. Called once, on the loop. */
struct waiter {
	struct waiter *next;
	void (*wake)(struct waiter *waiter);
};

void release_wait(struct device *device, struct waiter *waiter);
/* Wakes all who wait for the device; the first takes it. */
void release_wake(struct device *device);

/* The device has no owner any more. */
void release_disown(struct device *device);

/* The device has left the bus, and nothing is being done with it. */
void release_gone(struct device *device);

/* For nobody from now on, since it did not come to rest; `fault` says why. */
void release_quarantine(struct device *device, const struct fault *fault);

/* Moves a granted device towards rest and frees the session, which is in no table
 * any more. What was open of it is withdrawn already. */
void release_start(struct device_session *session);

#endif
