/* SPDX-License-Identifier: MIT */
/*
 * What all example drivers share: connecting, finding their device, mapping,
 * waiting, and saying how it went. Everything ends the program with a sentence
 * on failure, so that a driver reads as a list of its steps.
 */
#ifndef HWBROKER_EXAMPLE_H
#define HWBROKER_EXAMPLE_H

#include <hwbroker/posix.h>
#include <hwbroker/registers.h>
#include <stdbool.h>

struct example {
	struct hwb_posix posix;
	struct hwb_client *client;
	struct hwb_error error;
	const char *name;
	bool failed; /* a check did not hold */
};

/* A device that was acquired with its registers and interrupt. */
struct example_device {
	uint32_t handle;
	struct hwb_acquire_reply info;
	int bar_fds[HWB_BARS]; /* -1: none */
	int irq_fds[HWB_FDS_MAX];
	uint32_t irq_count;
	int unmask_fd; /* INTx; else -1 */
};

/* DMA memory and where the device sees it. */
struct example_memory {
	uint64_t iova;
	uint64_t size;
	void *at;
	int fd;
};

void example_start(struct example *example, const char *name);
/* Prints `ok' or `failed' and returns the exit status. */
int example_end(struct example *example);

/* One line about something that held, or that did not. */
void example_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void example_check(struct example *example, bool held, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Ends the program: with the broker's reason, if `result` is one. */
void example_demand(struct example *example, int result, const char *what);
void example_die(const struct example *example, const char *format, ...)
        __attribute__((format(printf, 2, 3), noreturn));

/* `text` ("0000:00:03.0" or "00:03.0"), or with NULL the first device that the
 * broker lists with these ids. */
struct hwb_pci_address example_find(struct example *example, const char *text, uint16_t vendor,
                                    uint16_t device);

/* Acquires with all resources in one round trip; `request` without address. */
void example_acquire(struct example *example, const struct hwb_pci_address *address,
                     const struct hwb_acquire_request *request, struct example_device *device);

/* Maps BAR `bar` of the acquired device; ends the program if it cannot. */
volatile void *example_map(struct example *example, const struct example_device *device,
                           uint32_t bar);

/* The same for a driver that takes registers as they come: mapped, or by request. */
void example_bar(struct example *example, const struct example_device *device, uint32_t number,
                 struct hwb_registers *bar);

/* Unmaps it, and closes all descriptors of the device's registers: before the device is closed,
 * which is for nobody else as long as there are some. */
void example_let_go(struct example_device *device, struct hwb_registers *registers);
/* Says so if an access failed. */
void example_check_bar(struct example *example, const struct hwb_registers *bar);

/* Opens a domain; allocates in it with the device reading and writing. */
uint32_t example_domain(struct example *example);
void example_alloc(struct example *example, uint32_t domain, uint64_t size, uint64_t limit,
                   struct example_memory *memory);

/* Waits for an eventfd for at most `milliseconds`; returns its count, 0: none. */
uint64_t example_wait(int fd, int milliseconds);

/* Seconds of a clock that only goes forward. */
double example_now(void);

static inline uint32_t read32(const volatile void *base, uint64_t offset)
{
	return *(const volatile uint32_t *)((const volatile unsigned char *)base + offset);
}

static inline void write32(volatile void *base, uint64_t offset, uint32_t value)
{
	*(volatile uint32_t *)((volatile unsigned char *)base + offset) = value;
}

static inline void write64(volatile void *base, uint64_t offset, uint64_t value)
{
	*(volatile uint64_t *)((volatile unsigned char *)base + offset) = value;
}

#endif
