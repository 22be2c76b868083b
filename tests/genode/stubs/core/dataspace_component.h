/* SPDX-License-Identifier: MIT */
/* Stands for Genode's dataspace_component.h: a dataspace of core, which is a Linux descriptor. */
#ifndef GENODE_STUB_DATASPACE_COMPONENT_H
#define GENODE_STUB_DATASPACE_COMPONENT_H

#include <base/internal/capability_space_tpl.h>
#include <base/rpc_server.h>
#include <types.h>

namespace Core
{

struct Linux_dataspace : Dataspace {
	using Filename = String<64>;

	virtual Filename fname() = 0;
	virtual Untyped_capability fd() = 0;
};

class Dataspace_owner : Interface
{
};

class Dataspace_component;

} // namespace Core

class Core::Dataspace_component : public Rpc_object<Linux_dataspace>
{
	size_t const _size;
	addr_t const _physical;
	Cache const _cache;
	bool const _writeable;
	Dataspace_owner const *const _owner;
	Native_capability _fd{};

	Dataspace_component(Dataspace_component const &);
	Dataspace_component &operator=(Dataspace_component const &);

      public:
	Dataspace_component(size_t, addr_t core_local, addr_t physical, Cache, bool writeable,
	                    Dataspace_owner *);

	/* takes the descriptor */
	void fd(int);

	bool owner(Dataspace_owner const &other) const
	{
		return _owner == &other;
	}
	addr_t phys_addr() const
	{
		return _physical;
	}
	Cache stub_cache() const
	{
		return _cache;
	}

	size_t size() override
	{
		return _size;
	}
	bool writeable() override
	{
		return _writeable;
	}
	Filename fname() override
	{
		return {};
	}
	Untyped_capability fd() override
	{
		return _fd;
	}
};

#endif
