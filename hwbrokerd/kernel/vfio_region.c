/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pread with 64-bit offsets under any standard */
#include "kernel/vfio.h"

#include <errno.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * VFIO takes a BAR for itself when it is first mapped or read through VFIO, and keeps it
 * until the device is closed (vfio_pci_core_mmap, vfio_pci_core_setup_barmap). Then the
 * kernel takes it out of every mapping made through sysfs, and refuses new ones
 * (IO_STRICT_DEVMEM). A mapping does not disturb the device, but is not offered for all.
 */
static int take(const struct kernel_device *device, uint32_t bar, struct fault *fault)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX + bar,
	};
	uint32_t word;

	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info) != 0)
		return fault_errno(fault, errno, "VFIO tells nothing about BAR %u of %s", bar,
		                   device->name);
	if (info.size == 0)
		return 0;
	if ((info.flags & VFIO_REGION_INFO_FLAG_MMAP) != 0) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		void *mapping =
		        mmap(NULL, page, PROT_READ, MAP_SHARED, device->fd, (off_t)info.offset);
		if (mapping != MAP_FAILED) {
			munmap(mapping, page);
			return 0;
		}
	}
	if (pread(device->fd, &word, sizeof(word), (off_t)info.offset) < 0)
		return fault_errno(fault, errno, "VFIO cannot take BAR %u of %s", bar,
		                   device->name);
	return 0;
}

int vfio_take_registers(struct kernel_device *device, uint32_t bars, struct fault *fault)
{
	for (uint32_t bar = 0; bar < HWB_BARS; bar++)
		if ((bars >> bar & 1) != 0 && take(device, bar, fault) != 0)
			return -1;
	return 0;
}
