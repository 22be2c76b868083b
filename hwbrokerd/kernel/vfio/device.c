/* SPDX-License-Identifier: MIT */
/* Devices, once VFIO has given a descriptor of one. */
#include "kernel/vfio/vfio.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"
#include "util/pause.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>

/* The kernel resets it once more, by whatever means it has, when the last descriptor is
 * closed (vfio_pci_core_disable). */
void vfio_device_close(struct kernel_device *device)
{
	char name[STORE_NAME];

	if (device->group != NULL && device->fd >= 0)
		device->group->domain->way->closing(device);
	/* What the manager keeps goes first: ours is to be the last, by which the kernel resets
	 * the device, and lets go of its group. */
	if (device->group != NULL && device->group->kept && device->group->devices == 1) {
		vfio_name_group(device->group->id, device->group->domain->id, name);
		store_drop(name, true);
		device->group->kept = false;
	}
	if (device->kept) {
		vfio_name_device(device->name, name);
		store_drop(name, true);
		store_settle();
	}
	close_fd(device->fd);
	if (device->rom_made)
		close_fd(device->rom);
	if (device->group != NULL)
		vfio_group_put(device->group);
	free(device);
}

int vfio_device_read_facts(struct kernel_device *device, struct fault *fault)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_region_info region = {
		.argsz = sizeof(region),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};

	if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info) != 0 ||
	    ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &region) != 0)
		return fault_errno(fault, errno, "VFIO tells nothing about %s", device->name);
	device->flags = info.flags;
	device->config = region.offset;
	return 0;
}

int vfio_device_listen(struct kernel_device *device, int wanted_fd, int failed_fd,
                       struct fault *fault)
{
	if (wanted_fd >= 0 && vfio_irq_on_wanted(device, wanted_fd, fault) != 0)
		return -1;
	return failed_fd >= 0 ? vfio_irq_on_failed(device, failed_fd, fault) : 0;
}

static int open_in_group(struct kernel_device *device, struct fault *fault)
{
	device->fd = device->group->domain->way->open(device, fault);
	if (device->fd < 0)
		return -1;
	if (vfio_device_read_facts(device, fault) != 0)
		return -1;
	/* A device whose INTx nobody listens to must not pull the line: it may be
	 * shared, and the kernel switches off a line that nobody cares for. VFIO
	 * leaves it enabled, and masks it when this bit is written. */
	return vfio_set_command(device,
	                        PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE,
	                        PCI_COMMAND_MASTER, fault);
}

int vfio_device_open(const struct hwb_pci_address *address, uint32_t group,
                     struct kernel_domain *domain, int wanted_fd, int failed_fd,
                     struct kernel_device **device, struct fault *fault)
{
	struct kernel_device *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a device");
	made->fd = -1;
	sysfs_address(address, made->name);
	if (vfio_group_get(group, domain, &made->group, fault) != 0 ||
	    open_in_group(made, fault) != 0 ||
	    vfio_device_listen(made, wanted_fd, failed_fd, fault) != 0) {
		vfio_device_close(made);
		return -1;
	}
	*device = made;
	return 0;
}

bool vfio_device_keep(struct kernel_device *device)
{
	char name[STORE_NAME];

	/* In the order in which the next daemon needs them. */
	if (!vfio_domain_keep_itself(device->group->domain) || !vfio_group_keep(device->group))
		return false;
	vfio_name_device(device->name, name);
	if (!device->kept)
		device->kept = store_put(name, device->fd, true);
	return device->kept;
}

bool vfio_device_resets(const struct kernel_device *device)
{
	return (device->flags & VFIO_DEVICE_FLAGS_RESET) != 0;
}

int vfio_device_reset(struct kernel_device *device, struct fault *fault)
{
	int error = 0;

	if (!vfio_device_resets(device))
		return 0;
	for (int tries = 0; tries < VFIO_BUSY_TRIES; tries++) {
		error = ioctl(device->fd, VFIO_DEVICE_RESET) == 0 ? 0 : errno;
		if (error != EAGAIN)
			break;
		pause_ms(VFIO_BUSY_PAUSE_MS);
	}
	return error == 0 ? 0 : fault_errno(fault, error, "cannot reset %s", device->name);
}

int vfio_device_rest(struct kernel_device *device, bool shut, uint32_t bars, struct fault *fault)
{
	static const enum hwb_irq_type types[] = { HWB_IRQ_INTX, HWB_IRQ_MSI, HWB_IRQ_MSIX };

	vfio_set_bus_master(device, false, NULL);
	/* Those that were not enabled say EINVAL: what counts is that they are off. */
	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (vfio_irq_count(device, types[i]) != 0)
			vfio_irq_disable(device, types[i], NULL);
	uint32_t quiet = PCI_COMMAND_MASTER;
	int taken = shut ? vfio_take_registers(device, bars, fault) : 0;
	/* Ports have nobody who takes them away: the device does not answer there. */
	if (shut) {
		quiet |= PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
		vfio_set_command(device, 0, quiet, NULL);
	}
	int result = vfio_device_reset(device, taken == 0 ? fault : NULL);
	/* After the reset it must answer, and be quiet. */
	if (result == 0)
		result = vfio_set_command(device, 0, quiet, taken == 0 ? fault : NULL);
	return taken != 0 ? taken : result;
}
