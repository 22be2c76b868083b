/* SPDX-License-Identifier: MIT */
/*
 * Access Control Services (PCI Express 6.12): whether the ports between a device and its root
 * send what it writes up to the IOMMU, and not straight to a neighbour. `root' is put before
 * each path, as in use.h. Reads files: workers only.
 */
#ifndef HWBROKERD_KERNEL_ACS_H
#define HWBROKERD_KERNEL_ACS_H

#include <hwbroker/protocol.h>
#include <stdbool.h>
#include <stddef.h>

/* The bridge that is nearest to the root of those that do not; false: all do, or there is
 * none. `text` receives its address. */
bool acs_is_missing(const char *root, const struct hwb_pci_address *address, char *text,
                    size_t size);

/* Whether the kernel was told to pretend that all ports do: `pcie_acs_override', which some
 * distributors' kernels know. */
bool acs_is_overridden(const char *root);

#endif
