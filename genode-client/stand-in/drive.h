/* SPDX-License-Identifier: MIT */
/*
 * Drivers of a component: each carries out one kind of order with the descriptors that
 * came, which the caller closes, and returns NULL or what is wrong.
 */
#ifndef STAND_IN_DRIVE_H
#define STAND_IN_DRIVE_H

#include "component.h"

typedef const char *(*driver)(const struct order *order, const int *fds);

/* QEMU's edu device; registers and values: QEMU, docs/specs/edu. */
const char *edu_registers(const struct order *order, const int *fds);
const char *edu_dma(const struct order *order, const int *fds);
const char *edu_dma_nowhere(const struct order *order, const int *fds);
const char *edu_interrupts(const struct order *order, const int *fds);
const char *edu_no_interrupt(const struct order *order, const int *fds);

/* Intel 82574L: an interrupt by MSI-X vector 0. */
const char *e1000e_link(const struct order *order, const int *fds);

/* Memory, or a framebuffer, which is the same. */
const char *memory_holds(const struct order *order, const int *fds);

/* ---- for drivers ---- */

void drive_pause(long milliseconds);

/* Waits for an eventfd; its count, or 0 after so long. */
uint64_t drive_wait(int fd, int milliseconds);

static inline uint32_t read32(const volatile void *base, uint32_t at)
{
	return *(const volatile uint32_t *)((const volatile unsigned char *)base + at);
}

static inline void write32(volatile void *base, uint32_t at, uint32_t value)
{
	*(volatile uint32_t *)((volatile unsigned char *)base + at) = value;
}

static inline void write64(volatile void *base, uint32_t at, uint64_t value)
{
	*(volatile uint64_t *)((volatile unsigned char *)base + at) = value;
}

#endif
