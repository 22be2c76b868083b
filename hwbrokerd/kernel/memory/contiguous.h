/* SPDX-License-Identifier: MIT */
/*
 * Memory that is in one piece for a device: huge pages that lie next to each other, in the
 * order of a memfd.
 */
#ifndef HWBROKERD_KERNEL_CONTIGUOUS_H
#define HWBROKERD_KERNEL_CONTIGUOUS_H

#include "util/fault.h"

#include <stdbool.h>

struct contiguous_want {
	uint64_t size;      /* a multiple of `page_size` */
	uint32_t page_size; /* of huge pages: memory.h */
	uint64_t alignment; /* 0, or a power of two */
	uint64_t limit;     /* of its last byte */
};

/* A sealed memfd, zero-filled, that is so at the moment: whoever pins it looks again. May take
 * all free pages for a moment, but no more than 2 GiB of them. */
int contiguous_new(const struct contiguous_want *want, int *fd, struct fault *fault);

/* Whether `count` pages at these addresses are in one piece, and as they were wanted. */
bool contiguous_fits(const uint64_t *addresses, uint64_t count, const struct contiguous_want *want);

/* The index in `sorted`, ascending, where a piece of `needed` pages begins that is as wanted;
 * the highest, which leaves low memory to those that need it. UINT64_MAX: there is none; then
 * `longest` is the size of the largest piece that is so but for its size, in pages. */
uint64_t contiguous_find(const uint64_t *sorted, uint64_t count, uint64_t needed,
                         const struct contiguous_want *want, uint64_t *longest);

#endif
