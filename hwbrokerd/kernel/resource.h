/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of BARs: sysfs resourceN, which start at the BAR, map without a
 * driver's help and say nothing but their own BAR.
 */
#ifndef HWBROKERD_KERNEL_RESOURCE_H
#define HWBROKERD_KERNEL_RESOURCE_H

#include "util/fault.h"

#include <stdbool.h>

/* Opens BAR `bar` of the device whose directory in sysfs that is (witness.h), and of no other
 * that has got its address since: that is HWB_GONE. `device`: its name, for what is said.
 * `*wc` asks for write-combined and says on return whether it is (resourceN_wc exists for
 * prefetchable BARs only). The descriptor is close-on-exec and the caller's. Opening never
 * touches the device. HWB_UNSUPPORTED: this kernel lets nobody map it.
 *
 * Whether it does is a matter of the device and the BAR: of who has claimed any of its first page,
 * the device's own driver, one for what the firmware has set up, or that of another device in the
 * same page. Where the BAR has the page to itself, that stays as it is for as long as the device
 * has the same driver. `*mapped`, bit n: BAR n was tried and maps; it is not tried again. */
int resource_open(int directory, const char *device, uint32_t bar, bool *wc, uint32_t *mapped,
                  int *fd, struct fault *fault);

#endif
