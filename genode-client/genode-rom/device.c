/* SPDX-License-Identifier: MIT */
/* What a device is called in Genode: its pseudo address and its interrupt number. */
#include <hwbroker/genode.h>

/* Linux errno, asm-generic/errno-base.h. */
enum { E_INVAL = 22 };

enum { BUS_SHIFT = 20, DEVICE_SHIFT = 15, FUNCTION_SHIFT = 12, DOMAIN_SHIFT = 28 };

/* Above the lines that every PC has. Where PCI keeps a number, 8 bits, 255 is none. The others
 * are for lists that these are too few for. */
enum { FIRST = 16, NEAR = 255 - FIRST, FAR = 256, NUMBERS = NEAR + 1024 - FAR };

/* Apart from each other what is at the start of a bus, where most is. */
enum { BUS_STEP = 37 };

enum { VENDOR_VIRTIO = 0x1af4 };

uint64_t hwb_genode_config_address(const struct hwb_pci_address *address)
{
	return HWB_GENODE_CONFIG_BASE | (uint64_t)address->domain << DOMAIN_SHIFT |
	       (uint64_t)address->bus << BUS_SHIFT |
	       (uint64_t)(address->device & 31u) << DEVICE_SHIFT |
	       (uint64_t)(address->function & 7u) << FUNCTION_SHIFT;
}

int hwb_genode_config_device(uint64_t config, struct hwb_pci_address *address)
{
	uint64_t domain = (config ^ HWB_GENODE_CONFIG_BASE) >> DOMAIN_SHIFT;

	if (domain > UINT32_MAX)
		return -E_INVAL;
	address->domain = (uint32_t)domain;
	address->bus = (uint8_t)(config >> BUS_SHIFT);
	address->device = config >> DEVICE_SHIFT & 31u;
	address->function = config >> FUNCTION_SHIFT & 7u;
	address->reserved = 0;
	return 0;
}

uint32_t hwb_genode_irq_type(const struct hwb_device *device)
{
	int line = device->intx_pin != 0;

	if ((device->flags & HWB_DEVICE_MAY_DMA) != 0) {
		if (device->msi_vectors != 0)
			return HWB_IRQ_MSI;
		if (device->msix_vectors != 0 && !(line && device->vendor == VENDOR_VIRTIO))
			return HWB_IRQ_MSIX;
	}
	return line ? HWB_IRQ_INTX : HWB_IRQ_NONE;
}

uint32_t hwb_genode_irq_number(const struct hwb_device *devices, uint32_t count, uint32_t index)
{
	uint8_t taken[(NEAR + 7) / 8] = { 0 };
	uint32_t given = 0;

	/* Follows the numbers that are given out in the order of the list. */
	for (uint32_t i = 0; i < count && i <= index; i++) {
		const struct hwb_pci_address *address = &devices[i].address;
		uint32_t near = (address->bus * (uint32_t)BUS_STEP + (address->device & 31u) * 8u +
		                 (address->function & 7u)) %
		                NEAR;
		if (hwb_genode_irq_type(&devices[i]) == HWB_IRQ_NONE)
			continue;
		given++;
		while (given <= NEAR && (taken[near / 8] >> near % 8 & 1) != 0)
			near = (near + 1) % NEAR;
		taken[near / 8] |= (uint8_t)(1u << near % 8);
		if (i == index && given <= NUMBERS)
			return given <= NEAR ? FIRST + near : FAR + given - NEAR - 1;
	}
	return 0;
}

int hwb_genode_irq_device(const struct hwb_device *devices, uint32_t count, uint32_t number)
{
	if (number == 0)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		if (hwb_genode_irq_number(devices, count, i) == number)
			return (int)i;
	return -1;
}
