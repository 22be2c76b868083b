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

#endif
