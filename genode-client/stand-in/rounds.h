/* SPDX-License-Identifier: MIT */
/*
 * Requests one after the other, to be measured: the same for every kind of program.
 * Needs no libc.
 */
#ifndef STAND_IN_ROUNDS_H
#define STAND_IN_ROUNDS_H

#include <hwbroker/client.h>

/* What the requests are about: a device that is in the domain, and memory to map. */
struct rounds {
	struct hwb_client *client;
	struct hwb_device facts;
	uint32_t device;
	uint32_t domain;
	uint32_t irq; /* of the device, if one is open */
	int memory;   /* a sealed memfd of one page */
	struct hwb_error error;
};

/* Each is `count` round trips, or pairs of them, and returns 0 or the first error. */
typedef int (*rounds_kind)(struct rounds *rounds, unsigned count);

int rounds_ping(struct rounds *rounds, unsigned count);
int rounds_io_mem(struct rounds *rounds, unsigned count);   /* open, close */
int rounds_irq_open(struct rounds *rounds, unsigned count); /* open, close */
int rounds_irq_ack(struct rounds *rounds, unsigned count);
int rounds_dma(struct rounds *rounds, unsigned count); /* map, unmap */

/* By name: ping, io-mem, irq-open, irq-ack, dma; NULL: none is called so. */
rounds_kind rounds_named(const char *name);

#endif
