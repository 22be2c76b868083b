/* SPDX-License-Identifier: MIT */
#include "policy/dangerous_ports.h"

#include <stddef.h>

#define ISA_DMA "belongs to the ISA DMA controllers, which reach memory past the IOMMU"
#define ISA_PIC "belongs to the interrupt controllers of the host"

/*
 * Ascending. Intel's chipset datasheets list the fixed ports of a PC.
 *
 * Not here: 0x70-0x71, although bit 7 of 0x70 masks NMI. A clock driver needs
 * them, and the worst that the bit does is to hide a hardware error. ACPI's
 * power management ports, whose numbers differ from PC to PC: the firmware's
 * FADT has them, not this table.
 */
static const struct dangerous_ports table[] = {
	{ 0x0000, 0x000f, ISA_DMA },
	{ 0x0020, 0x0021, ISA_PIC },
	{ 0x0060, 0x0060, "belongs to the keyboard controller, whose output port resets the PC" },
	{ 0x0064, 0x0064, "belongs to the keyboard controller, whose output port resets the PC" },
	{ 0x0080, 0x008f, ISA_DMA },
	{ 0x0092, 0x0092, "resets the PC" },
	{ 0x00a0, 0x00a1, ISA_PIC },
	{ 0x00b2, 0x00b3, "calls the firmware (SMI)" },
	{ 0x00c0, 0x00df, ISA_DMA },
	{ 0x04d0, 0x04d1, ISA_PIC },
	{ 0x0510, 0x051b, "belongs to the fw_cfg device of QEMU, which reaches all memory" },
	{ 0x0cf8, 0x0cff, "configures every PCI device, and 0xcf9 resets the PC" },
};

const struct dangerous_ports *dangerous_ports_find(uint16_t first, uint16_t last)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (first <= table[i].last && last >= table[i].first)
			return &table[i];
	}
	return NULL;
}
