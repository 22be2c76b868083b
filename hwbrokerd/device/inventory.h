/* SPDX-License-Identifier: MIT */
/*
 * All PCI functions of the host, by address, and how that list follows the bus. A
 * device that left stays in it in the state `gone`, so that a pointer to one is good
 * for ever, and its place is used by the next one at its address.
 */
#ifndef HWBROKERD_DEVICE_INVENTORY_H
#define HWBROKERD_DEVICE_INVENTORY_H

#include "device/scan.h"

struct inventory {
	struct device **devices; /* ascending by address */
	uint32_t count;
	struct group *groups;
};

/* What inventory_merge() found, told device by device. */
struct inventory_watcher {
	/* Moves the device to `gone`. If that must wait for what is being done with it,
	 * returns false, and is asked again by the next merge. */
	bool (*left)(struct inventory_watcher *watcher, struct device *device);
	void (*arrived)(struct inventory_watcher *watcher, struct device *device);
};

/* Makes the list what the scan says, and empties that. Returns 1 if it is not yet, since
 * a device that left is still busy, or -1 if memory for newcomers was missing: scan again
 * after a while. */
int inventory_merge(struct inventory *inventory, struct workers *workers, struct scan *scan,
                    struct inventory_watcher *watcher);
void inventory_free(struct inventory *inventory);

/* Order of addresses; also the cursor of paged lists, which is never 0. */
uint64_t inventory_key(const struct hwb_pci_address *address);

struct device *inventory_find(const struct inventory *inventory,
                              const struct hwb_pci_address *address);

/* Index of the first device whose key is at least `key`; count if none. */
uint32_t inventory_from(const struct inventory *inventory, uint64_t key);

#endif
