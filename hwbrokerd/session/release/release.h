/* SPDX-License-Identifier: MIT */
/*
 * Giving a device back: brought to rest on a worker, then free, or with its host
 * driver, or quarantined; whoever waits for it is woken. In between it may take any
 * time until nobody has registers of it any more: held.h.
 */
#ifndef HWBROKERD_SESSION_RELEASE_H
#define HWBROKERD_SESSION_RELEASE_H

#include "device/record.h"
#include "session/session.h"

/* Somebody who waits until a device is at rest. Called once, on the loop. */
struct waiter {
	struct waiter *next;
	void (*wake)(struct waiter *waiter);
};

void release_wait(struct device *device, struct waiter *waiter);
/* Wakes all who wait for the device; the first takes it. */
void release_wake(struct device *device);

/* Makes what the kernel says by that it wants a device, or that it has failed. */
int release_listen(struct device *device, struct fault *fault);
/* The device has no owner any more. */
void release_disown(struct device *device);

/* The device has left the bus: all who may know are told, once. */
void release_left(struct broker *broker, struct device *device);

/* And nothing is being done with it any more. */
void release_gone(struct broker *broker, struct device *device);

/* What is with us, though its rule says `restore', since its former owner wanted it again and
 * then did not take it, or since a neighbour was in use or quarantined, goes back to its host
 * driver, once nothing is being done with its group; and virtual functions end that were to,
 * when none of theirs is in use. */
void release_left_over(struct broker *broker, const struct group *group);

/* For nobody from now on, since it did not come to rest; `fault` says why. */
void release_quarantine(struct broker *broker, struct device *device, const struct fault *fault);

/* Moves a granted device towards rest and frees the session, which is in no table
 * any more. What was open of it is withdrawn already. */
void release_start(struct device_session *session);

/* For held.h, which waits in between: goes on with the release, lets go of the client's
 * domain, and tells it. */
void release_submit(struct device_session *self);
void release_leave_domain(struct device_session *self);
void release_tell(struct device_session *self);
/* Tells what becomes of it, and whose it was. */
void release_happened(const struct device_session *self, enum happening_kind kind,
                      const char *reason);
/* Of the lines about it, by who had it; NULL: an earlier daemon's client. */
struct log_limit *release_log_limit(const struct device_session *self);

/* Brings a device to rest, in the state `revoking`, that the daemon before this one had
 * taken, and puts it where it belongs. -1: no memory; then it is quarantined by the caller. */
int release_found(struct broker *broker, struct device *device, const struct record *record);

/* Gives a device that is free, and what came along with it, back to its host driver, though
 * its rule does not say `restore'. HWB_WRONG_STATE, HWB_BUSY: that cannot be now. */
int release_to_host(struct broker *broker, struct device *device, struct fault *fault);

/* Brings a device to rest once more that is quarantined. -1: no memory, and it stays so. */
int release_clear(struct broker *broker, struct device *device);

#endif
