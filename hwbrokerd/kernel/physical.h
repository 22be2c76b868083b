/* SPDX-License-Identifier: MIT */
/*
 * Physical memory of the host through /dev/mem: registers at fixed addresses, and what is left
 * of the PC of old. The kernel has the last word: with STRICT_DEVMEM it lets nobody map RAM,
 * with IO_STRICT_DEVMEM nor what a driver has claimed, and locked down nothing at all.
 *
 * Whether a client may have it is not asked here. All but reading and writing may block: not on
 * the loop.
 */
#ifndef HWBROKERD_KERNEL_PHYSICAL_H
#define HWBROKERD_KERNEL_PHYSICAL_H

#include "util/fault.h"

#include <stdbool.h>

/* Of one mapping: its tables are the broker's memory. */
#define PHYSICAL_MAP_MAX ((uint64_t)16 << 20)

struct physical {
	uint64_t base;
	uint64_t size;
	bool write;
	unsigned char *at; /* of base; NULL: not mapped */
	void *mapping;
	size_t length;
};

int physical_map(uint64_t base, uint64_t size, bool write, struct physical *physical,
                 struct fault *fault);
void physical_unmap(struct physical *physical);

/* One access of 1, 2, 4 or 8 bytes at `offset`, which is a multiple of that and within it. */
uint64_t physical_read(const struct physical *physical, uint64_t offset, uint32_t width);
void physical_write(const struct physical *physical, uint64_t offset, uint32_t width,
                    uint64_t value);

/* A memfd with what is there, sealed against everything. */
int physical_copy(uint64_t base, uint64_t size, int *fd, struct fault *fault);

/* A descriptor of /dev/mem with which the range can be mapped, at an offset that is its address:
 * and with it all else that the kernel lets be mapped there. */
int physical_open(uint64_t base, uint64_t size, bool write, int *fd, struct fault *fault);

#endif
