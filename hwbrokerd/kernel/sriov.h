/* SPDX-License-Identifier: MIT */
/*
 * SR-IOV as sysfs has it (Documentation/PCI/pci-iov-howto.rst): which physical function a
 * virtual one is of, and how many of them there are. Everything here reads or writes files of
 * /sys, and making or removing functions may block for as long as a driver likes: workers only.
 */
#ifndef HWBROKERD_KERNEL_SRIOV_H
#define HWBROKERD_KERNEL_SRIOV_H

#include "util/fault.h"

#include <stdbool.h>

/* Whether the device whose folder this is (sysfs.h) is a virtual function; then of which one. */
bool sriov_physical(int folder, struct hwb_pci_address *physical);

/* The same the other way round: number `index` of a physical one's, from 0. */
bool sriov_virtual(const struct hwb_pci_address *physical, unsigned index,
                   struct hwb_pci_address *address);

struct sriov_count {
	uint16_t now;   /* virtual functions that there are */
	uint16_t total; /* that there can be; 0: the device has none to make */
	bool probes;    /* the host's drivers are offered those that are made */
};

/* All 0 if there are none, and if it has left; -errno if that cannot be told. */
int sriov_read(const struct hwb_pci_address *address, struct sriov_count *count);
int sriov_read_at(int folder, struct sriov_count *count);

/* Makes `count` of them, 0: removes all. The kernel goes from a number to another by way of
 * none only. */
int sriov_make(const struct hwb_pci_address *address, uint16_t count, struct fault *fault);

/* Whether the host's drivers are offered them from now on. */
int sriov_probe(const struct hwb_pci_address *address, bool probe, struct fault *fault);

#endif
