/* SPDX-License-Identifier: MIT */
/*
 * What is done to a device through the kernel, as steps for jobs. Everything
 * here may block and is called on the strand of the device's group only; it
 * touches device->unit and facts that never change, nothing else.
 */
#ifndef HWBROKERD_DEVICE_OPERATE_H
#define HWBROKERD_DEVICE_OPERATE_H

#include "device/device.h"
#include "kernel/kernel.h"

/* A function to be taken from its host driver, if it has one. */
struct operate_target {
	struct device *device;
	bool may_take;  /* policy: `take` */
	bool may_force; /* policy: `force` */
};

/* Binds the targets (the device first, then the others of its group that have
 * a driver) to vfio-pci and checks that the group can be opened. On failure
 * what was taken by this call is handed back. */
int operate_claim(struct operate_target *targets, uint32_t count, struct fault *fault);

/* Opens the device in `domain`, or with NULL wherever it is open already, else
 * where another function of its group is, else in a private, empty domain: the
 * functions of a group share one, and who is not assigned to it does no DMA for
 * lack of bus mastering. A device that is open elsewhere is closed first, which
 * resets it. */
int operate_open(const struct kernel_backend *kernel, struct device *device,
                 struct kernel_domain *domain, struct fault *fault);

/* Brings the device to rest and closes it; fine if it is not open. */
int operate_close(const struct kernel_backend *kernel, struct device *device, struct fault *fault);

/* Gives the closed device back to the driver that it had. */
int operate_restore(struct device *device, struct fault *fault);

#endif
