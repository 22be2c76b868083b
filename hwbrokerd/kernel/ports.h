/* SPDX-License-Identifier: MIT */
/*
 * Legacy x86 ports through the I/O permission bitmap of the calling thread
 * (ioperm(2)): each thread has its own. A port instruction does not sleep, so what
 * few there are may run on the loop.
 */
#ifndef HWBROKERD_KERNEL_PORTS_H
#define HWBROKERD_KERNEL_PORTS_H

#include "util/fault.h"

#include <stdbool.h>

/* Whether this kind of machine has any. */
static inline bool ports_exist(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return true;
#else
	return false;
#endif
}

/* Opens or closes `count` ports from `base` for this thread. */
int ports_permit(uint32_t base, uint32_t count, bool on, struct fault *fault);

/* `width` is 1, 2 or 4; the port is permitted. */
uint32_t ports_in(uint16_t port, uint32_t width);
void ports_out(uint16_t port, uint32_t width, uint32_t value);

#endif
