/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/attached_rom_dataspace.h: a ROM module to be looked at. */
#ifndef GENODE_STUB_BASE_ATTACHED_ROM_DATASPACE_H
#define GENODE_STUB_BASE_ATTACHED_ROM_DATASPACE_H

#include <base/env.h>
#include <base/node.h>

namespace Genode
{

struct Attached_rom_dataspace : Noncopyable {
	Attached_rom_dataspace(Env &, char const *name);
	~Attached_rom_dataspace();

	Node node() const;
};

} // namespace Genode

#endif
