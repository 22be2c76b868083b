/* SPDX-License-Identifier: MIT */
#ifndef HWBROKERD_UTIL_PCI_KEY_H
#define HWBROKERD_UTIL_PCI_KEY_H

#include <hwbroker/protocol.h>

/* A function's place among all, in the order of addresses: domain << 16, and below it the
 * requester id of PCI Express 5.0, 2.2.6.2: bus << 8 | device << 3 | function. */
static inline uint64_t pci_key(const struct hwb_pci_address *address)
{
	return (uint64_t)address->domain << 16 | (uint64_t)address->bus << 8 |
	       (uint64_t)(address->device & 0x1f) << 3 | (address->function & 7);
}

/* The same within its domain, as the wire names a physical function to its virtual ones. */
static inline uint16_t pci_requester(const struct hwb_pci_address *address)
{
	return (uint16_t)pci_key(address);
}

#endif
