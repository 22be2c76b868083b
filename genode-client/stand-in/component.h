/* SPDX-License-Identifier: MIT */
/*
 * A component: a process of its own, behind a filter of system calls, that has nothing
 * but what core sends it. Core gives orders; the component drives the device.
 */
#ifndef STAND_IN_COMPONENT_H
#define STAND_IN_COMPONENT_H

#include <stdbool.h>
#include <stdint.h>

/* What to do, and which descriptors come with it. */
enum order_kind {
	ORDER_DESCRIPTORS,  /* tell of any that were inherited */
	ORDER_REGISTERS,    /* edu's registers: are they that, `offset' bytes in? */
	ORDER_MEMORY,       /* memory of `size` bytes: write it, read it */
	ORDER_DMA,          /* edu's registers, memory at `iova': both ways, `rounds' times */
	ORDER_DMA_FOREVER,  /* the same without an end; the answer comes after the first */
	ORDER_DMA_NOWHERE,  /* the same, where the device must not reach the memory */
	ORDER_INTERRUPTS,   /* edu's registers, an eventfd to wait, and one to acknowledge */
	ORDER_NO_INTERRUPT, /* edu's registers, an eventfd: none may come */
	ORDER_LINK,         /* an 82574L's registers, and the eventfd of its MSI-X vector */
	ORDER_FORBIDDEN     /* the system call `value', which the filter must not allow */
};

struct order {
	uint32_t kind;
	uint32_t rounds;
	uint64_t size; /* of what the first descriptor is mapped by */
	uint64_t offset;
	uint64_t iova;
	uint64_t value;
};

struct answer {
	uint32_t good;
	uint32_t reserved;
	char why[120]; /* if it is not */
};

/* ---- core's side ---- */

struct component {
	int process;
	int socket;
};

/* How this program was started. */
void component_program(const char *path);

bool component_start(struct component *component);

/* Sends the order and waits for the answer. False: none came. Descriptors stay core's. */
bool component_do(const struct component *component, const struct order *order, const int *fds,
                  uint32_t fd_count, struct answer *answer);

/* Prints what came of it as a check's line. */
bool component_check(const struct component *component, const char *name, const struct order *order,
                     const int *fds, uint32_t fd_count);

/* Lets it end; returns its wait status. */
int component_end(struct component *component);

/* ---- the component's ---- */

enum { COMPONENT_SOCKET = 3 };

/* All that it does; its result is the exit status. */
int component_main(void);

/* From here on the process has the system calls of a Genode component and no others. */
bool filter_install(void);

#endif
