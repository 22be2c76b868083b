/* SPDX-License-Identifier: MIT */
/*
 * What is on the PCI bus now, read through libpciaccess. Bridges are not listed: they
 * carry other devices and are nobody's to drive.
 */
#ifndef HWBROKERD_DEVICE_SCAN_H
#define HWBROKERD_DEVICE_SCAN_H

#include "device/device.h"

struct scan {
	struct device **devices; /* ascending by address; without group, owner or state */
	uint32_t count;
	uint64_t since; /* who scans: number of the last message about a driver before it */
};

/* Opens files of every device, so it may block: before the loop runs, or in a job. Not
 * twice at a time, as the library has one list for all. */
int scan_read(struct scan *scan, struct fault *fault);
void scan_free(struct scan *scan);

/* Pure: of what sysfs says in a device's file `resource'. That has a line for each BAR and more:
 * first and last address, and flags (linux/ioport.h), whose lowest bits are the register's own. Bit
 * n of `msix_bars`: BAR n holds MSI-X table or pending bits. */
void scan_bars(const char *resources, uint8_t msix_bars, struct hwb_bar bars[HWB_BARS]);

#endif
