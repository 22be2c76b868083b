/* SPDX-License-Identifier: MIT */
/* What a device is called in Genode: its pseudo address and its interrupt number. */
#include <hwbroker/genode.h>

/* Linux errno, asm-generic/errno-base.h. */
enum { E_INVAL = 22 };

enum { BUS_SHIFT = 20, DEVICE_SHIFT = 15, FUNCTION_SHIFT = 12, DOMAIN_SHIFT = 28 };

/* Numbers of lines: below 1024, and above what a machine's own can have. */
enum { FIRST_LINE = 256, LINES = 1024 - FIRST_LINE };

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

/* Whether its number is one of those for lines. */
static int among_lines(const struct hwb_device *device)
{
	uint32_t type = hwb_genode_irq_type(device);

	return type == HWB_IRQ_INTX || (type != HWB_IRQ_NONE && device->irq_number == 0);
}

/* Follows the numbers that are given out in the order of the list up to `index`,
 * and returns that one's. */
static uint32_t line_number(const struct hwb_device *devices, uint32_t index)
{
	uint8_t taken[LINES / 8] = { 0 };
	uint32_t given = 0;

	for (uint32_t i = 0; i <= index; i++) {
		const struct hwb_pci_address *address = &devices[i].address;
		uint32_t line = ((uint32_t)address->bus << 8 | (address->device & 31u) << 3 |
		                 (address->function & 7u)) %
		                LINES;
		if (!among_lines(&devices[i]))
			continue;
		if (given == LINES)
			return 0;
		while ((taken[line / 8] >> line % 8 & 1) != 0)
			line = (line + 1) % LINES;
		taken[line / 8] |= (uint8_t)(1u << line % 8);
		given++;
		if (i == index)
			return FIRST_LINE + line;
	}
	return 0;
}

uint32_t hwb_genode_irq_number(const struct hwb_device *devices, uint32_t count, uint32_t index)
{
	if (index >= count || hwb_genode_irq_type(&devices[index]) == HWB_IRQ_NONE)
		return 0;
	return among_lines(&devices[index]) ? line_number(devices, index)
	                                    : devices[index].irq_number;
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
