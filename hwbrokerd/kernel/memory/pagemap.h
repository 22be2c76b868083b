/* SPDX-License-Identifier: MIT */
/*
 * Where memory of ours is: its addresses on the bus, which without an IOMMU are what a
 * device is told of.
 */
#ifndef HWBROKERD_KERNEL_PAGEMAP_H
#define HWBROKERD_KERNEL_PAGEMAP_H

#include "util/fault.h"

/* Addresses of `count` pieces that are `step` bytes apart, from `memory` on. They are read as
 * they are now: what is not pinned may move. */
int pagemap_addresses(const void *memory, uint64_t count, uint64_t step, uint64_t *addresses,
                      struct fault *fault);

/* The last byte of the host's memory; UINT64_MAX: not known. */
uint64_t pagemap_top(void);

/* Whether a device finds memory at the address that the processor has for it. */
int pagemap_is_bus(struct fault *fault);

#endif
