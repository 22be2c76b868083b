/* SPDX-License-Identifier: MIT */
/*
 * What devices leave behind that went off the bus while somebody had their registers
 * mapped: such a mapping lives on, and shows whatever comes to the same addresses next.
 * So the registers of that one are taken once before it has an owner (operate.h).
 */
#ifndef HWBROKERD_DEVICE_ESTATE_H
#define HWBROKERD_DEVICE_ESTATE_H

#include "device/device.h"
#include "device/record.h"

#include <ev.h>

struct estate;

/* Zeroed: there are none. Loop-owned. */
struct estates {
	struct estate *first;
	bool unknown;  /* where one was */
	ev_timer look; /* runs while some are watched: each ends with the last mapping */
};

/* What is written down for this daemon by those before it: of these nobody can tell any more
 * whether they are mapped, so that they stay until the host is started again. */
void estates_start(struct estates *estates);

/* One more of those: the device has left unseen. */
void estates_add_unseen(struct estates *estates, const struct record *record);

/* Of a device that has left and that nothing is being done with. */
void estates_add(struct estates *estates, struct ev_loop *loop, struct device *device);

/* Where the registers of a device are, of those in memory, and nothing behind them. */
void estates_memory(const struct device *device, struct record_range memory[HWB_BARS]);

/* Whether a mapping of old may show registers of this device. */
bool estates_touch(struct estates *estates, const struct device *device);

/* What has ended is not left to the daemon after this one, to which it would be for ever. */
void estates_settle(struct estates *estates);

void estates_free(struct estates *estates, struct ev_loop *loop);

#endif
