/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/ram_allocator.h: where dataspaces come from. */
#ifndef GENODE_STUB_BASE_RAM_ALLOCATOR_H
#define GENODE_STUB_BASE_RAM_ALLOCATOR_H

#include <dataspace/capability.h>
#include <util/interface.h>

namespace Genode
{

struct Ram_allocator : Interface {
	virtual void stub_ram() = 0;
};

} // namespace Genode

#endif
