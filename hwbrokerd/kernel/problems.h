/* SPDX-License-Identifier: MIT */
/* What a host lacks: one line each, what is missing, what it means, what to do. */
#ifndef HWBROKERD_KERNEL_PROBLEMS_H
#define HWBROKERD_KERNEL_PROBLEMS_H

#include <stdint.h>

enum { PROBLEMS_MAX = 10, PROBLEM_SIZE = 240 };

struct problems {
	char lines[PROBLEMS_MAX][PROBLEM_SIZE];
	uint32_t count;
};

/* One that is too long is cut; of too many the first are there. */
void problems_add(struct problems *problems, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

#endif
