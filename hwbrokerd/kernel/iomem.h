/* SPDX-License-Identifier: MIT */
/*
 * What the host has at a physical address, as it says itself: /proc/iomem. Addresses there
 * are zeros for who lacks CAP_SYS_ADMIN.
 */
#ifndef HWBROKERD_KERNEL_IOMEM_H
#define HWBROKERD_KERNEL_IOMEM_H

#include "util/fault.h"

#include <stdbool.h>

#define IOMEM_PATH "/proc/iomem"

/* Whether these addresses may be somebody else's: never if RAM of the host is among them;
 * only with `force` if a device, or a part of the host that keeps its clients apart, has
 * some of them, or if who writes there (`write`) reaches other memory. `path` is IOMEM_PATH, but
 * for tests. Reads the file: not on the loop. */
int iomem_check(const char *path, uint64_t first, uint64_t last, bool write, bool force,
                struct fault *fault);

/* A BAR whose first byte a driver has claimed. */
struct iomem_claim {
	char name[16]; /* of the device, "0000:00:03.0" */
	uint64_t first;
};

/* The first of them, `max` at most; how many. -1: the file does not tell. */
int iomem_claims(const char *path, struct iomem_claim *claims, int max);

#endif
