/* SPDX-License-Identifier: MIT */
/* What VFIO has beside BARs: option ROMs, and what VGA cards had before there were BARs. */
#define _GNU_SOURCE /* pread with 64-bit offsets under any standard */
#include "kernel/memory/sealed.h"
#include "kernel/vfio/vfio.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

/* PCI Local Bus 3.0, 6.2.5.2: the most that a ROM's BAR can ask for. */
#define ROM_MAX ((uint64_t)16 << 20)

/* Asked once. Such an access goes to this card, whichever else decodes the same: the kernel's VGA
 * arbiter sees to that for each (vfio_pci_vga_rw), and no lockdown forbids it. */
int vfio_vga(struct kernel_device *device, struct fault *fault)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_VGA_REGION_INDEX,
	};

	if (device->vga != 0)
		return 0;
	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info) != 0)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "VFIO does not reach the VGA window and ports of %s: the kernel "
		                 "has no CONFIG_VFIO_PCI_VGA, or vfio-pci was loaded with "
		                 "disable_vga=1",
		                 device->name);
	device->vga = info.offset;
	return 0;
}

/* ---- option ROM ---- */

static int read_all(const struct kernel_device *device, uint64_t from, unsigned char *bytes,
                    uint64_t size, struct fault *fault)
{
	for (uint64_t at = 0; at < size;) {
		ssize_t read = pread(device->fd, bytes + at, size - at, (off_t)(from + at));
		if (read < 0 && errno == EINTR)
			continue;
		if (read < 0)
			return fault_errno(fault, errno, "VFIO cannot read the option ROM of %s",
			                   device->name);
		if (read == 0)
			return fault_set(fault, HWB_HOST_ERROR, "the option ROM of %s ends early",
			                 device->name);
		at += (uint64_t)read;
	}
	return 0;
}

static int make_rom(struct kernel_device *device, struct fault *fault)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_ROM_REGION_INDEX,
	};

	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info) != 0)
		return fault_errno(fault, errno, "VFIO tells nothing about the option ROM of %s",
		                   device->name);
	/* One that does not begin like a ROM is none (vfio_pci_core_ioctl_get_region_info). */
	if (info.size == 0 || info.size > ROM_MAX)
		return fault_set(fault, HWB_NOT_FOUND, "%s has no option ROM", device->name);
	_cleanup_free_ unsigned char *bytes = malloc(info.size);
	if (bytes == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a copy");
	if (read_all(device, info.offset, bytes, info.size, fault) != 0 ||
	    sealed_copy("hwbroker-rom", bytes, info.size, &device->rom, fault) != 0)
		return -1;
	device->rom_size = info.size;
	device->rom_made = true;
	return 0;
}

int vfio_rom(struct kernel_device *device, int *fd, uint64_t *size, struct fault *fault)
{
	if (!device->rom_made && make_rom(device, fault) != 0)
		return -1;
	*fd = fcntl(device->rom, F_DUPFD_CLOEXEC, 0);
	if (*fd < 0)
		return fault_errno(fault, errno, "cannot duplicate a descriptor");
	*size = device->rom_size;
	return 0;
}
