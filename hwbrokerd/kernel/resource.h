/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of BARs: sysfs resourceN, which start at the BAR, map without a
 * driver's help and say nothing but their own BAR.
 */
#ifndef HWBROKERD_KERNEL_RESOURCE_H
#define HWBROKERD_KERNEL_RESOURCE_H

#include "util/fault.h"

#include <stdbool.h>

/* Opens BAR `bar`. `*wc` asks for write-combined and says on return whether it
 * is (resourceN_wc exists for prefetchable BARs only). The device's ids are
 * compared with `vendor` and `device` after the open, so that an address that
 * changed hands meanwhile is HWB_GONE. The descriptor is close-on-exec and the
 * caller's. Opening never touches the device. */
int resource_open(const struct hwb_pci_address *address, uint32_t bar, uint16_t vendor,
                  uint16_t device, bool *wc, int *fd, struct fault *fault);

#endif
