/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines of the PC itself (ISA: keyboard, serial ports, timer), which VFIO knows
 * nothing of. The kernel has one interface that brings such an interrupt to a program: a UIO
 * device (drivers/uio), if an administrator bound a UIO driver to the line. A read of it
 * tells that the interrupt has come, after which the driver keeps the line masked until
 * told otherwise, so that a line that nobody quiets does not stop the host.
 *
 * All that takes a descriptor here may wait for the lock of the UIO device, which the kernel
 * holds while it opens or removes it: for workers.
 */
#ifndef HWBROKERD_KERNEL_LINE_H
#define HWBROKERD_KERNEL_LINE_H

#include "util/fault.h"

#include <stdbool.h>
#include <stdint.h>

enum { LINE_NAME = 64 };

/* Whether machines of this kind have such lines. */
bool line_exists(void);

/* Opens the UIO device that calls itself `name`; with "" the one whose driver has the line,
 * as the kernel's list of interrupts (/proc/irq) tells. `found` receives its name. The
 * descriptor does not block. HWB_NOT_FOUND: there is none. */
int line_open(uint32_t number, const char *name, int *fd, char found[LINE_NAME],
              struct fault *fault);
/* The same without opening it. */
int line_find(uint32_t number, const char *name, char found[LINE_NAME], struct fault *fault);

/* 1: it has come since the last time; 0: it has not; -1: the device is there no more. */
int line_read(int fd);
/* Lets it come again. Some drivers do not mask their line, and have no need of this. */
int line_unmask(int fd);

/* The first driver of the host's own that has the line, "" if none has. A UIO device is none. */
void line_host_driver(uint32_t number, char name[LINE_NAME]);

#endif
