/* SPDX-License-Identifier: MIT */
/* Config space through the device's descriptor. */
#define _GNU_SOURCE /* pread, pwrite with 64-bit offsets */
#include "kernel/vfio/vfio.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <unistd.h>

int vfio_config_read(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t *value,
                     struct fault *fault)
{
	*value = 0;
	ssize_t got = pread(device->fd, value, width, (off_t)(device->config + offset));
	if (got == (ssize_t)width)
		return 0;
	return fault_errno(fault, got < 0 ? errno : EIO, "cannot read config space of %s at 0x%x",
	                   device->name, offset);
}

int vfio_config_write(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t value,
                      struct fault *fault)
{
	ssize_t put = pwrite(device->fd, &value, width, (off_t)(device->config + offset));
	if (put == (ssize_t)width)
		return 0;
	return fault_errno(fault, put < 0 ? errno : EIO, "cannot write config space of %s at 0x%x",
	                   device->name, offset);
}

int vfio_set_command(struct kernel_device *device, uint32_t set, uint32_t clear,
                     struct fault *fault)
{
	uint32_t command;

	if (vfio_config_read(device, PCI_COMMAND, 2, &command, fault) != 0)
		return -1;
	if (command == 0xffff)
		return fault_set(fault, HWB_GONE, "%s does not answer any more", device->name);
	if (((command | set) & ~clear) == command)
		return 0;
	if (vfio_config_write(device, PCI_COMMAND, 2, (command | set) & ~clear, fault) != 0)
		return -1;
	/* Bits that a device hardwires to 0 (I/O decoding without I/O BARs) are
	 * no failure; one that cannot be cleared is. */
	if (clear == 0)
		return 0;
	if (vfio_config_read(device, PCI_COMMAND, 2, &command, fault) != 0)
		return -1;
	if ((command & clear) != 0)
		return fault_set(fault, HWB_HOST_ERROR,
		                 "bits 0x%x of the command register of %s cannot be cleared",
		                 command & clear, device->name);
	return 0;
}

int vfio_set_bus_master(struct kernel_device *device, bool on, struct fault *fault)
{
	return vfio_set_command(device, on ? PCI_COMMAND_MASTER : 0, on ? 0 : PCI_COMMAND_MASTER,
	                        fault);
}
