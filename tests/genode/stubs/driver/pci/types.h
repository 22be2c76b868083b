/* SPDX-License-Identifier: MIT */
/* Stands for Genode's pci/types.h: addresses of PCI functions. */
#ifndef GENODE_STUB_PCI_TYPES_H
#define GENODE_STUB_PCI_TYPES_H

#include <base/stdint.h>

namespace Pci
{

using bus_t = Genode::uint8_t;
using dev_t = Genode::uint8_t;
using func_t = Genode::uint8_t;
using rid_t = Genode::uint16_t;

struct Bdf {
	bus_t bus;
	dev_t dev;
	func_t fn;

	static rid_t rid(Bdf bdf)
	{
		return static_cast<rid_t>(bdf.bus << 8 | bdf.dev << 3 | bdf.fn);
	}
};

} // namespace Pci

#endif
