/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/attached_ram_dataspace.h: memory of one's own. */
#ifndef GENODE_STUB_BASE_ATTACHED_RAM_DATASPACE_H
#define GENODE_STUB_BASE_ATTACHED_RAM_DATASPACE_H

#include <base/local.h>
#include <base/ram_allocator.h>
#include <util/noncopyable.h>

namespace Genode
{

struct Attached_ram_dataspace : Noncopyable {
	Attached_ram_dataspace(Ram_allocator &, Local::Constrained_region_map &, size_t);
	~Attached_ram_dataspace();

	Ram_dataspace_capability cap() const;
};

} // namespace Genode

#endif
