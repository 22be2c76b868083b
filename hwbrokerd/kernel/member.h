/* SPDX-License-Identifier: MIT */
/*
 * PCI functions as members of their IOMMU groups: all that are in sysfs, bridges too, with
 * what of them lies there alone. For operators; reads files, and so for workers only.
 */
#ifndef HWBROKERD_KERNEL_MEMBER_H
#define HWBROKERD_KERNEL_MEMBER_H

#include <hwbroker/protocol.h>
#include <stddef.h>

/* The first `max` functions whose pci_key() is at least `from`, ascending. Returns how many there
 * are, of which the first `max` are stored. */
size_t member_list(uint64_t from, struct hwb_pci_address *addresses, size_t max);

/* Fills in what sysfs has: all but state and owner. */
void member_read(const struct hwb_pci_address *address, struct hwb_admin_member *member);

#endif
