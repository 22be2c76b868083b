/* SPDX-License-Identifier: MIT */
/* Physical memory whose holder has the whole machine, wherever it runs. */
#ifndef HWBROKERD_POLICY_DANGEROUS_MEMORY_H
#define HWBROKERD_POLICY_DANGEROUS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct dangerous_memory {
	uint64_t first;
	uint64_t last;
	const char *reason; /* continues "memory 0x.. " */
	bool read_only;     /* no danger to who only reads it */
};

/* The lowest of it within first..last, for who may write it or not; NULL: there is none. What only
 * the host at hand can tell, such as where its RAM is, is asked of it when memory is granted:
 * kernel/iomem.h. */
const struct dangerous_memory *dangerous_memory_find(uint64_t first, uint64_t last, bool write);

#endif
