/* SPDX-License-Identifier: MIT */
/*
 * All PCI functions of the host, by address, read once through libpciaccess.
 * Bridges are not listed: they carry other devices and are nobody's to drive.
 */
#ifndef HWBROKERD_DEVICE_INVENTORY_H
#define HWBROKERD_DEVICE_INVENTORY_H

#include "device/device.h"

struct inventory {
	struct device **devices; /* ascending by address */
	uint32_t count;
	struct group *groups;
};

/* Reads the bus. Before the loop runs: it opens files of every device. */
int inventory_scan(struct inventory *inventory, struct workers *workers, struct fault *fault);
void inventory_free(struct inventory *inventory);

/* Order of addresses; also the cursor of paged lists, which is never 0. */
uint64_t inventory_key(const struct hwb_pci_address *address);

struct device *inventory_find(const struct inventory *inventory,
                              const struct hwb_pci_address *address);

/* Index of the first device whose key is at least `key`; count if none. */
uint32_t inventory_from(const struct inventory *inventory, uint64_t key);

#endif
