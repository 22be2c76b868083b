/* SPDX-License-Identifier: MIT */
/*
 * What devices leave behind that went off the bus while somebody had their registers
 * mapped: such a mapping lives on, and shows whatever comes to the same addresses next.
 * So the registers of that one are taken once before it has an owner (operate.h).
 */
#ifndef HWBROKERD_DEVICE_ESTATE_H
#define HWBROKERD_DEVICE_ESTATE_H

#include "device/device.h"

#include <ev.h>

struct estate;

/* Zeroed: there are none. Loop-owned. */
struct estates {
	struct estate *first;
	bool unknown;  /* what one left: nobody watched it, or memory was missing */
	ev_timer look; /* runs while there are some: each ends with the last mapping */
};

/* Of a device that has left and that nothing is being done with. */
void estates_add(struct estates *estates, struct ev_loop *loop, struct device *device);

/* Whether a mapping of old may show registers of this device. */
bool estates_touch(struct estates *estates, const struct device *device);

void estates_free(struct estates *estates, struct ev_loop *loop);

#endif
