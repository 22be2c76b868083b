/* SPDX-License-Identifier: MIT */
/*
 * Devices that come and go while the daemon runs: the kernel says that something
 * happened, a job looks what is there, the list follows, and clients are told.
 */
#ifndef HWBROKERD_SESSION_HOTPLUG_H
#define HWBROKERD_SESSION_HOTPLUG_H

#include "server/broker.h"

struct hotplug {
	struct broker *broker;
	struct inventory_watcher watcher;
	ev_io reader;
	ev_timer look; /* until the bus is looked at */
	struct job job;
	struct strand strand;
	struct scan scan;
	int result; /* of the scan */
	struct fault fault;
	double pause; /* until the next look, if the list is not complete */
	bool looking;
	bool again; /* something happened while looking */
	/* Of messages about drivers: how many there were, and when the look began. */
	uint64_t told, told_before;
	/* How often some were lost: in all, when the look began, and before one that has ended. */
	uint64_t losses, losses_before, losses_made_good;
};

/* Lists what is there, before the loop runs, and listens from then on. Without the
 * kernel's messages it only warns: then devices that are plugged in are not seen. */
int hotplug_start(struct hotplug *self, struct broker *broker, struct fault *fault);
void hotplug_stop(struct hotplug *self);

/* Takes what the kernel has said so far. Whether `driver` of all devices is what it is by that:
 * not if messages were lost, until the bus has been looked at since, nor if there are none. For who
 * wants to know of a thousand; where anything depends on it, ask the kernel (bind_driver()). */
bool hotplug_knows_drivers(struct broker *broker);

/* Looks at the bus soon, though the kernel has not said that anything happened. */
void hotplug_look(struct broker *broker);

#endif
