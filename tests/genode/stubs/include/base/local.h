/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/local.h: the own address space. */
#ifndef GENODE_STUB_BASE_LOCAL_H
#define GENODE_STUB_BASE_LOCAL_H

#include <region_map/region_map.h>

namespace Genode::Local
{

struct Constrained_region_map : Interface {
	virtual void stub_map() = 0;
};

} // namespace Genode::Local

#endif
