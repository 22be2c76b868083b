/* SPDX-License-Identifier: MIT */
#include "policy/dangerous_memory.h"

#include <stddef.h>

/* Ascending. Where PCs have them, by Intel's and AMD's datasheets. */
static const struct dangerous_memory table[] = {
	{ 0x0, 0xfff,
	  "holds the interrupt vectors of real mode and the BIOS data area, which the kernel and "
	  "the firmware go by, and is not to be written",
	  true },
	{ 0xfec00000, 0xfecfffff, "belongs to the I/O APICs, which route every interrupt", false },
	{ 0xfed40000, 0xfed4ffff, "belongs to the TPM", false },
	{ 0xfed90000, 0xfed9ffff, "belongs to the IOMMU", false },
	{ 0xfee00000, 0xfeefffff, "is the local APIC, where a write is an interrupt (MSI)", false },
};

const struct dangerous_memory *dangerous_memory_find(uint64_t first, uint64_t last, bool write)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (first <= table[i].last && last >= table[i].first &&
		    (write || !table[i].read_only))
			return &table[i];
	}
	return NULL;
}
