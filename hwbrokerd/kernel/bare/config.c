/* SPDX-License-Identifier: MIT */
/*
 * Config space through sysfs. The command register is written by half: the kernel sets
 * INTX_DISABLE in the upper one when an interrupt comes, whatever else goes on, and what was
 * read before that must not be written back.
 */
#define _GNU_SOURCE /* pread, pwrite with 64-bit offsets */
#include "kernel/bare/bare.h"

#include "kernel/bind.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <unistd.h>

/* Of a device that has left, its files are no more. */
static int refuse(const struct kernel_device *device, int error, const char *what, uint32_t offset,
                  struct fault *fault)
{
	if (error == ENODEV || error == ENOENT || error == ENXIO)
		return fault_set(fault, HWB_GONE, "%s has left the bus", device->name);
	return fault_errno(fault, error, "cannot %s config space of %s at 0x%x", what, device->name,
	                   offset);
}

int bare_config_read(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t *value,
                     struct fault *fault)
{
	*value = 0;
	ssize_t got = pread(device->config, value, width, (off_t)offset);

	return got == (ssize_t)width ? 0
	                             : refuse(device, got < 0 ? errno : EIO, "read", offset, fault);
}

/* Somebody may have unbound it from uio_pci_generic, which nobody keeps him from. By its folder, as
 * this is looked at for each interrupt. */
static int is_nobody_elses(const struct kernel_device *device, struct fault *fault)
{
	char driver[HWB_NAME_SIZE];

	sysfs_link_name_at(device->folder, "driver", driver, sizeof(driver));
	if (driver[0] == '\0' || bind_is_ours(driver))
		return 0;
	return fault_set(fault, HWB_GONE, "the host has given %s to `%s'", device->name, driver);
}

int bare_config_write(struct kernel_device *device, uint32_t offset, uint32_t width, uint32_t value,
                      struct fault *fault)
{
	if (is_nobody_elses(device, fault) != 0)
		return -1;
	ssize_t put = pwrite(device->config, &value, width, (off_t)offset);

	return put == (ssize_t)width
	               ? 0
	               : refuse(device, put < 0 ? errno : EIO, "write", offset, fault);
}

/* Sets and clears bits of one byte, and looks whether what was to be cleared is. */
static int set_byte(struct kernel_device *device, uint32_t offset, uint32_t set, uint32_t clear,
                    struct fault *fault)
{
	uint32_t whole, byte;

	if (bare_config_read(device, PCI_COMMAND, 2, &whole, fault) != 0)
		return -1;
	if (whole == 0xffff)
		return fault_set(fault, HWB_GONE, "%s does not answer any more", device->name);
	byte = whole >> 8 * (offset - PCI_COMMAND) & 0xff;
	if (((byte | set) & ~clear) == byte)
		return 0;
	if (bare_config_write(device, offset, 1, (byte | set) & ~clear, fault) != 0 ||
	    bare_config_read(device, offset, 1, &byte, fault) != 0)
		return -1;
	if ((byte & clear) != 0)
		return fault_set(fault, HWB_HOST_ERROR,
		                 "bits 0x%x at 0x%x of config space of %s cannot be cleared",
		                 byte & clear, offset, device->name);
	return 0;
}

int bare_set_command(struct kernel_device *device, uint8_t set, uint8_t clear, struct fault *fault)
{
	return set_byte(device, PCI_COMMAND, set, clear, fault);
}

int bare_set_intx(struct kernel_device *device, bool on, struct fault *fault)
{
	uint32_t bit = PCI_COMMAND_INTX_DISABLE >> 8;

	return set_byte(device, PCI_COMMAND + 1, on ? 0 : bit, on ? bit : 0, fault);
}

int bare_set_bus_master(struct kernel_device *device, bool on, struct fault *fault)
{
	return bare_set_command(device, on ? PCI_COMMAND_MASTER : 0, on ? 0 : PCI_COMMAND_MASTER,
	                        fault);
}
