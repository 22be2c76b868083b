/* SPDX-License-Identifier: MIT */
/* Stands for Genode's dataspace/capability.h: memory as an object. */
#ifndef GENODE_STUB_DATASPACE_CAPABILITY_H
#define GENODE_STUB_DATASPACE_CAPABILITY_H

#include <base/cache.h>
#include <base/capability.h>
#include <util/interface.h>

namespace Genode
{

struct Dataspace : Interface {
	virtual size_t size() = 0;
	virtual bool writeable() = 0;
};

namespace Ram
{
struct Dataspace : Genode::Dataspace {
};
} // namespace Ram

using Ram_dataspace = Ram::Dataspace;
using Dataspace_capability = Capability<Dataspace>;
using Ram_dataspace_capability = Capability<Ram_dataspace>;

} // namespace Genode

#endif
