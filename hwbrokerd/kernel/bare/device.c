/* SPDX-License-Identifier: MIT */
/* Devices through sysfs and uio_pci_generic. */
#include "kernel/bare/bare.h"

#include "kernel/bind.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <string.h>

static int open_folder(const struct kernel_device *device, struct fault *fault)
{
	int folder = sysfs_open_device(&device->address);

	if (folder == -ENOENT)
		return fault_set(fault, HWB_GONE, "%s has left the bus", device->name);
	return folder >= 0
	               ? folder
	               : fault_errno(fault, -folder, "cannot open the folder of %s", device->name);
}

/* Of /dev/uioX, by the device's folder `uio', which has one entry. */
static int open_uio(const struct kernel_device *device, struct fault *fault)
{
	char path[SYSFS_PATH], node[32] = "";

	sysfs_device_path(&device->address, "uio", path);
	_cleanup_dir_ DIR *directory = opendir(path);
	const struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (strncmp(entry->d_name, "uio", 3) == 0)
			snprintf(node, sizeof(node), "/dev/%.20s", entry->d_name);
	if (directory == NULL && errno != ENOENT)
		return fault_errno(fault, errno, "cannot open %s", path);
	if (node[0] == '\0')
		return fault_set(fault, HWB_GONE, "%s is not with uio_pci_generic any more",
		                 device->name);
	int fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 ? fd : fault_errno(fault, errno, "cannot open %s", node);
}

static int open_config(const struct kernel_device *device, struct fault *fault)
{
	char path[SYSFS_PATH];

	sysfs_device_path(&device->address, "config", path);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	return fd >= 0 ? fd : fault_errno(fault, errno, "cannot open %s", path);
}

/* By the methods that its rule leaves it, since before it was opened. Asked when it is to be reset,
 * the kernel might be short of descriptors, and that looks as if there were none. */
static int read_resets(struct kernel_device *device, struct fault *fault)
{
	char path[SYSFS_PATH], methods[64];

	sysfs_device_path(&device->address, "reset_method", path);
	int result = sysfs_read(path, methods, sizeof(methods));
	device->resets = result > 0;
	return result >= 0 || result == -ENOENT
	               ? 0
	               : fault_errno(fault, -result, "cannot read %s", path);
}

int bare_open(const struct hwb_pci_address *address, uint32_t group, struct kernel_domain *domain,
              int wanted_fd, int failed_fd, struct kernel_device **device, struct fault *fault)
{
	struct kernel_device *made = calloc(1, sizeof(*made));
	(void)group;
	/* Nobody asks: the host takes the driver away at once. */
	(void)wanted_fd;
	(void)failed_fd;

	if (made == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a device");
	made->address = *address;
	sysfs_address(address, made->name);
	made->line = (struct bare_line){ .trigger_fd = -1, .unmask_fd = -1, .wake_fd = -1 };
	made->folder = made->config = made->uio = -1;
	made->domain = domain;
	bare_domain_enter(domain);
	/* D0 it is in since its driver has enabled it. */
	made->folder = open_folder(made, fault);
	if (made->folder >= 0)
		made->uio = open_uio(made, fault);
	if (made->uio >= 0)
		made->config = open_config(made, fault);
	if (made->config < 0 || read_resets(made, fault) != 0 ||
	    bare_set_intx(made, false, fault) != 0 ||
	    bare_set_command(made, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, PCI_COMMAND_MASTER,
	                     fault) != 0) {
		bare_close(made);
		return -1;
	}
	*device = made;
	return 0;
}

bool bare_resets(const struct kernel_device *device)
{
	return device->resets;
}

static int reset(struct kernel_device *device, struct fault *fault)
{
	char path[SYSFS_PATH];

	if (!device->resets)
		return 0;
	sysfs_device_path(&device->address, "reset", path);
	int result = sysfs_write(path, "1");
	if (result == -ENOENT || result == -ENODEV)
		return fault_set(fault, HWB_GONE, "%s has left the bus", device->name);
	return result == 0 ? 0 : fault_errno(fault, -result, "cannot reset %s", device->name);
}

/* Whoever has registers mapped keeps them; with decoding off they reach nothing. */
int bare_rest(struct kernel_device *device, bool shut, uint32_t bars, struct fault *fault)
{
	uint8_t quiet = PCI_COMMAND_MASTER;
	char driver[HWB_NAME_SIZE];
	(void)bars;

	bare_set_bus_master(device, false, NULL);
	bare_irq_disable(device, HWB_IRQ_INTX, NULL);
	bare_set_intx(device, false, NULL);
	if (shut) {
		quiet |= PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
		bare_set_command(device, 0, quiet, NULL);
	}
	/* What somebody else unbinds is reset when it is: with a driver of the host it is not
	 * ours to reset. */
	bind_driver(&device->address, driver);
	if (!bind_is_ours(driver))
		return fault_errno(fault, EAGAIN, "%s was unbound from uio_pci_generic",
		                   device->name);
	if (reset(device, fault) != 0)
		return -1;
	/* After the reset it must answer, and be quiet. */
	return bare_set_command(device, 0, quiet, fault);
}

int bare_take_registers(struct kernel_device *device, uint32_t bars, struct fault *fault)
{
	(void)bars;
	return fault_set(fault, HWB_UNSUPPORTED,
	                 "a process may still have registers mapped of a device that was where %s "
	                 "is now, and without VFIO nobody takes them away: end it; if the broker "
	                 "was started again since, start the host again",
	                 device->name);
}

void bare_close(struct kernel_device *device)
{
	bare_irq_disable(device, HWB_IRQ_INTX, NULL);
	close_fd(device->folder);
	close_fd(device->config);
	close_fd(device->uio);
	bare_domain_leave(device->domain);
	free(device);
}
