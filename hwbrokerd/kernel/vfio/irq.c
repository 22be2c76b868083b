/* SPDX-License-Identifier: MIT */
#include "kernel/vfio/vfio.h"

#include "util/cleanup.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>

/* Index of the kernel's interrupts for `type`. */
static uint32_t index_of(enum hwb_irq_type type)
{
	return type == HWB_IRQ_INTX  ? VFIO_PCI_INTX_IRQ_INDEX
	       : type == HWB_IRQ_MSI ? VFIO_PCI_MSI_IRQ_INDEX
	                             : VFIO_PCI_MSIX_IRQ_INDEX;
}

static uint32_t count_at(const struct kernel_device *device, uint32_t index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	return ioctl(device->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) == 0 ? info.count : 0;
}

uint32_t vfio_irq_count(struct kernel_device *device, enum hwb_irq_type type)
{
	return count_at(device, index_of(type));
}

/* One VFIO_DEVICE_SET_IRQS with `count` descriptors, or none. */
static int set_irqs(struct kernel_device *device, uint32_t index, uint32_t action, const int *fds,
                    uint32_t count)
{
	size_t size = sizeof(struct vfio_irq_set) + count * sizeof(int);
	_cleanup_free_ struct vfio_irq_set *set = calloc(1, size);

	if (set == NULL)
		return -ENOMEM;
	set->argsz = (uint32_t)size;
	set->flags = action | (fds != NULL ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = index;
	set->count = count;
	if (fds != NULL)
		memcpy(set->data, fds, count * sizeof(int));
	return ioctl(device->fd, VFIO_DEVICE_SET_IRQS, set) == 0 ? 0 : -errno;
}

int vfio_irq_enable(struct kernel_device *device, enum hwb_irq_type type, const int *trigger_fds,
                    uint32_t count, int unmask_fd, struct fault *fault)
{
	int result =
	        set_irqs(device, index_of(type), VFIO_IRQ_SET_ACTION_TRIGGER, trigger_fds, count);
	if (result == 0 && unmask_fd >= 0)
		result =
		        set_irqs(device, index_of(type), VFIO_IRQ_SET_ACTION_UNMASK, &unmask_fd, 1);
	uint32_t available = result == -EINVAL ? vfio_irq_count(device, type) : count;
	if (available < count)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "the kernel offers %u of the %u vectors of %s", available, count,
		                 device->name);
	if (result != 0)
		fault_errno(fault, -result, "cannot enable %u interrupts of %s", count,
		            device->name);
	/* Last: an interrupt that is pending comes with this. */
	else if (type == HWB_IRQ_INTX)
		result = vfio_set_command(device, 0, PCI_COMMAND_INTX_DISABLE, fault);
	if (result == 0)
		return 0;
	vfio_irq_disable(device, type, NULL);
	return -1;
}

int vfio_irq_disable(struct kernel_device *device, enum hwb_irq_type type, struct fault *fault)
{
	if (type == HWB_IRQ_INTX)
		vfio_set_command(device, PCI_COMMAND_INTX_DISABLE, 0, NULL);
	int result = set_irqs(device, index_of(type), VFIO_IRQ_SET_ACTION_TRIGGER, NULL, 0);

	return result == 0 ? 0
	                   : fault_errno(fault, -result, "cannot disable the interrupts of %s",
	                                 device->name);
}

int vfio_irq_on_wanted(struct kernel_device *device, int wanted_fd, struct fault *fault)
{
	int result = set_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER,
	                      &wanted_fd, 1);

	return result == 0
	               ? 0
	               : fault_errno(fault, -result, "cannot be told when the host wants %s back",
	                             device->name);
}

int vfio_irq_on_failed(struct kernel_device *device, int failed_fd, struct fault *fault)
{
	if (count_at(device, VFIO_PCI_ERR_IRQ_INDEX) == 0)
		return 0;
	int result = set_irqs(device, VFIO_PCI_ERR_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER,
	                      &failed_fd, 1);
	return result == 0 ? 0
	                   : fault_errno(fault, -result, "cannot be told of errors of %s",
	                                 device->name);
}

int vfio_irq_unmask(struct kernel_device *device, struct fault *fault)
{
	int result = set_irqs(device, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, NULL, 1);

	return result == 0 ? 0
	                   : fault_errno(fault, -result, "cannot unmask the interrupt of %s",
	                                 device->name);
}
