/* SPDX-License-Identifier: MIT */
/*
 * VFIO without an IOMMU (CONFIG_VFIO_NOIOMMU, and vfio.enable_unsafe_noiommu_mode): devices as
 * with one, MSI and MSI-X included, but that nothing confines them; memory as pinned_domain.h has
 * it.
 */
#include "kernel/vfio/vfio.h"

#include "kernel/bind.h"
#include "kernel/memory/pinned_domain.h"

static int domain_new(struct kernel_domain **domain, struct fault *fault)
{
	if (vfio_container_new(domain, fault) != 0)
		return -1;
	(*domain)->unsafe = true;
	pinned_init(&(*domain)->memory);
	return 0;
}

/* What is left of it until its last device is closed has no memory. */
static void domain_free(struct kernel_domain *domain)
{
	pinned_release_all(&domain->memory);
	pinned_end(&domain->memory);
	vfio_domain_free(domain);
}

static int open_device(const struct hwb_pci_address *address, uint32_t group,
                       struct kernel_domain *domain, int wanted_fd, int failed_fd,
                       struct kernel_device **device, struct fault *fault)
{
	group = bind_noiommu_group(address);
	if (group == UINT32_MAX)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "VFIO has made no group for the device: is "
		                 "vfio.enable_unsafe_noiommu_mode still set?");
	return vfio_device_open(address, group, domain, wanted_fd, failed_fd, device, fault);
}

const struct kernel_backend kernel_vfio_noiommu = {
	.name = "vfio-noiommu",
	PINNED_DOMAINS,
	.domain_new = domain_new,
	.domain_free = domain_free,
	.open = open_device,
	.resets = vfio_device_resets,
	.rest = vfio_device_rest,
	.take_registers = vfio_take_registers,
	.close = vfio_device_close,
	.set_bus_master = vfio_set_bus_master,
	.irq_enable = vfio_irq_enable,
	.irq_disable = vfio_irq_disable,
	.irq_unmask = vfio_irq_unmask,
	.config_read = vfio_config_read,
	.config_write = vfio_config_write,
	/* Its descriptor would let a client have the device write to all of memory: it stays here.
	 */
	.bar_read = vfio_bar_read,
	.bar_write = vfio_bar_write,
	.vga = vfio_vga,
	.rom = vfio_rom,
};
