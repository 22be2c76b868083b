/* SPDX-License-Identifier: MIT */
/*
 * Legacy x86 ports through the I/O permission bitmap of the calling thread
 * (ioperm(2)), which only the loop's thread has. A port instruction does not
 * sleep, so a bounded batch runs on the loop.
 */
#ifndef HWBROKERD_KERNEL_PORTS_H
#define HWBROKERD_KERNEL_PORTS_H

#include "util/fault.h"

#include <stdbool.h>

/* Opens or closes `count` ports from `base` for this thread. */
int ports_permit(uint32_t base, uint32_t count, bool on, struct fault *fault);

/* Runs operations that the caller has checked and permitted, in order. */
void ports_run(struct hwb_port_op *ops, uint32_t count);

#endif
