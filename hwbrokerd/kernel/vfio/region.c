/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pread with 64-bit offsets under any standard */
#include "kernel/vfio/vfio.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
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

/* ---- register by register ---- */

static int refuse(const struct kernel_device *device, uint32_t bar, uint64_t offset, ssize_t done,
                  struct fault *fault)
{
	char of[sizeof("BAR 4294967295")] = "VGA";

	if (bar != KERNEL_VGA)
		snprintf(of, sizeof(of), "BAR %u", bar);
	if (done >= 0)
		return fault_set(fault, HWB_HOST_ERROR,
		                 "VFIO moved %zd bytes only at 0x%" PRIx64 " of %s of %s", done,
		                 offset, of, device->name);
	/* EIO: its memory is not decoded, as in D3 or while it is reset. */
	return fault_errno(fault, errno, "VFIO cannot reach 0x%" PRIx64 " of %s of %s", offset, of,
	                   device->name);
}

static off_t place(const struct kernel_device *device, uint32_t bar, uint64_t offset)
{
	return (off_t)((bar == KERNEL_VGA ? device->vga : device->bars[bar]) + offset);
}

/* Where the BAR is in the descriptor: asked once. */
static int find(struct kernel_device *device, uint32_t bar, struct fault *fault)
{
	if (bar == KERNEL_VGA)
		return vfio_vga(device, fault);
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX + bar,
	};

	if ((device->bars_known >> bar & 1) != 0)
		return 0;
	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info) != 0)
		return fault_errno(fault, errno, "VFIO tells nothing about BAR %u of %s", bar,
		                   device->name);
	device->bars[bar] = info.offset;
	device->bars_known |= (uint8_t)(1u << bar);
	return 0;
}

int vfio_bar_read(struct kernel_device *device, uint32_t bar, uint64_t offset, uint32_t width,
                  uint64_t *value, struct fault *fault)
{
	uint64_t read = 0;

	if (find(device, bar, fault) != 0)
		return -1;
	ssize_t done = pread(device->fd, &read, width, place(device, bar, offset));

	if (done != (ssize_t)width)
		return refuse(device, bar, offset, done, fault);
	*value = read;
	return 0;
}

int vfio_bar_write(struct kernel_device *device, uint32_t bar, uint64_t offset, uint32_t width,
                   uint64_t value, struct fault *fault)
{
	if (find(device, bar, fault) != 0)
		return -1;
	ssize_t done = pwrite(device->fd, &value, width, place(device, bar, offset));

	return done == (ssize_t)width ? 0 : refuse(device, bar, offset, done, fault);
}

/* ---- the whole device ---- */

int vfio_bar_offset(const struct kernel_device *device, uint32_t bar, bool io, uint64_t *offset,
                    struct fault *fault)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX + bar,
	};

	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info) != 0)
		return fault_errno(fault, errno, "VFIO tells nothing about BAR %u of %s", bar,
		                   device->name);
	if (!io && (info.flags & VFIO_REGION_INFO_FLAG_MMAP) == 0)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "VFIO does not map BAR %u of %s, which shares its page with "
		                 "something else: pread and pwrite of its descriptor reach it",
		                 bar, device->name);
	*offset = info.offset;
	return 0;
}

int vfio_device_fd(const struct kernel_device *device, int *fd, struct fault *fault)
{
	*fd = fcntl(device->fd, F_DUPFD_CLOEXEC, 0);
	return *fd >= 0 ? 0
	                : fault_errno(fault, errno, "cannot pass on the descriptor of %s",
	                              device->name);
}
