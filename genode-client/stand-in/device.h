/* SPDX-License-Identifier: MIT */
/*
 * The devices that the policy gives to core.
 *
 * Acquiring and closing may take as long as a reset, so core's entrypoints only ask;
 * whoever receives the answer notes it, and who wants the device waits for that.
 */
#ifndef STAND_IN_DEVICE_H
#define STAND_IN_DEVICE_H

#include <hwbroker/client.h>
#include <stdbool.h>

enum device_state { DEVICE_CLOSED, DEVICE_ACQUIRING, DEVICE_OPEN, DEVICE_CLOSING, DEVICE_LOST };

struct device {
	struct hwb_device facts;
	uint32_t state;  /* enum device_state, a futex */
	uint32_t handle; /* while it is open */
	int result;      /* of the last acquisition or close */
	struct hwb_call call;
	struct hwb_error error;
	struct hwb_acquire_reply reply;
};

/* Asks the broker for the list; false: it refuses. */
bool devices_list(void);

/* As the broker lists them. */
extern struct hwb_device devices_listed[];
uint32_t devices_count(void);

/* The one with this place among those of a kind; NULL: there are fewer. */
struct device *device_find(uint32_t vendor, uint32_t id, uint32_t place);

/* Without a wait. `domain`: a handle, or 0. */
void device_acquire(struct device *device, uint32_t domain);
void device_close(struct device *device);

enum device_state device_state(const struct device *device);

/* Waits for the answer: whether it is open, or closed and reset. Not for entrypoints. */
bool device_wait_open(const struct device *device);
bool device_wait_closed(const struct device *device);

/* Of the broker's, in the middle of receiving. */
void device_event(const struct hwb_device_event *event);

#endif
