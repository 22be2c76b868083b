/* SPDX-License-Identifier: MIT */
/* What a client of a test is told of devices, kept in order. */
#ifndef HWBROKER_TESTS_EVENTS_H
#define HWBROKER_TESTS_EVENTS_H

#include "guest.h"

enum { EVENTS_MAX = 32 };

struct event {
	uint32_t change;
	uint32_t handle;
	uint32_t grace_ms;
	struct hwb_pci_address address;
};

extern struct event heard[EVENTS_MAX];
extern uint32_t heard_count; /* set to 0 for a new connection */

/* For hwb_posix_open(). */
void events_note(void *context, const struct hwb_header *header, const void *body);

/* Number of the event about the device, from `from` on; waits for it. */
uint32_t events_hear(struct hwb_posix *posix, const char *address, uint32_t change, uint32_t from,
                     int patience_ms);

#endif
