/* SPDX-License-Identifier: MIT */
/* Between allocations.so, which counts, and who reads what it has counted. */
#ifndef HWBROKER_BENCHMARK_ALLOCATIONS_H
#define HWBROKER_BENCHMARK_ALLOCATIONS_H

#include <stdint.h>

/* The variable that names the file; what is in it. */
#define ALLOCATIONS_FILE "HWBROKER_ALLOCATIONS"

struct allocations {
	uint64_t count;
};

#endif
