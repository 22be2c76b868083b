/* SPDX-License-Identifier: MIT */
/*
 * Which driver has a device, and moving it to ours and back (sysfs
 * driver_override, Documentation/ABI/testing/sysfs-bus-pci). Everything here
 * may block, unbinding for ever: workers only, but for the cheap look-ups.
 */
#ifndef HWBROKERD_KERNEL_BIND_H
#define HWBROKERD_KERNEL_BIND_H

#include "util/fault.h"

#include <stdbool.h>

/* The driver that devices are taken to, a literal; vfio-pci at first. Before there are threads. */
void bind_use(const char *driver);
bool bind_is_ours(const char *driver);

/* Name of the driver bound to the device; "" if none. Cheap. */
void bind_driver(const struct hwb_pci_address *address, char driver[HWB_NAME_SIZE]);

/* IOMMU group number, UINT32_MAX if none. Cheap. */
uint32_t bind_group(const struct hwb_pci_address *address);

/* The same for one that is new, whose folder is open (sysfs.h); where the kernel puts a device into
 * its group only when a driver takes it, vfio-pci does so for a moment. May block. */
uint32_t bind_find_group(int folder, const struct hwb_pci_address *address);

/* Number of the group that VFIO makes up for a device without an IOMMU, which is in its hands;
 * UINT32_MAX if none. Such a group isolates nothing, and is none for the other. */
uint32_t bind_noiommu_group(const struct hwb_pci_address *address);
bool bind_is_noiommu(uint32_t group);

/* A number that no other device has had at this address, or at any, since the kernel
 * started (the inode of its folder, fs/kernfs); 0: there is none. Cheap. */
uint64_t bind_instance(const struct hwb_pci_address *address);
uint64_t bind_instance_at(int folder);

/* Whether the host still needs the device, be it bound to a driver or not: a
 * file system, swap or another use of its disks, the default route or the
 * console on it. Then 1 and `what` says which, else 0. See use.h. */
int bind_in_use(const struct hwb_pci_address *address, char *what, size_t size);

enum { BIND_RESET_SIZE = 64 };

/* Where a device was, for bind_restore(). */
struct bind_origin {
	char driver[HWB_NAME_SIZE];   /* "": none; ours: somebody else put it there */
	char override[HWB_NAME_SIZE]; /* its driver_override; "": none */
	char reset[BIND_RESET_SIZE];  /* its reset_method, "flr bus"; "": none */
};

void bind_origin(const struct hwb_pci_address *address, struct bind_origin *origin);

/* Takes the device to our driver: sets driver_override, unbinds, probes, checks. On
 * failure the device is back where it was, which is `origin`. */
int bind_claim(const struct hwb_pci_address *address, const struct bind_origin *origin,
               struct fault *fault);

/* Has the kernel reset the device in these ways, the first first: "" as it was, "none" not at
 * all. HWB_UNSUPPORTED: it cannot be. */
int bind_reset_method(const struct hwb_pci_address *address, const struct bind_origin *origin,
                      const char *methods, struct fault *fault);

/* Puts the device back where it was; without a driver then: where the kernel would. */
int bind_restore(const struct hwb_pci_address *address, const struct bind_origin *origin,
                 struct fault *fault);

/* For a device that VFIO could not reset since the host is about to unbind it, or to remove
 * it from the bus, and that was closed for that. Waits until it has no driver, then resets
 * it if it can be. HWB_GONE: it was removed. */
int bind_reset_unbound(const struct hwb_pci_address *address, uint64_t instance,
                       struct fault *fault);

/* Whether this driver ("": none) leaves the DMA of its group to others, so that VFIO may
 * have it. */
bool bind_shares_group(const char *driver);

/* Of any kind, and so none that a client can have. Cheap. */
bool bind_is_bridge(const struct hwb_pci_address *address);

/* HWB_UNSAFE with the culprit's name and driver unless each function of the
 * group is without driver, or with one that leaves the group to VFIO. */
int bind_group_viable(uint32_t group, struct fault *fault);

/* The functions of the group, bridges too; how many are stored, at most `max`. */
uint32_t bind_group_members(uint32_t group, struct hwb_pci_address *members, uint32_t max);

/* The same as it would be once the `count` functions at `taken` are with vfio-pci. */
int bind_group_viable_but(uint32_t group, const struct hwb_pci_address *taken, uint32_t count,
                          struct fault *fault);

#endif
