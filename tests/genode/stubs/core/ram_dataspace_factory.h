/* SPDX-License-Identifier: MIT */
/* Stands for Genode's ram_dataspace_factory.h: RAM for a protection domain. */
#ifndef GENODE_STUB_RAM_DATASPACE_FACTORY_H
#define GENODE_STUB_RAM_DATASPACE_FACTORY_H

#include <base/heap.h>
#include <dataspace_component.h>

namespace Core
{
class Ram_dataspace_factory;
}

class Core::Ram_dataspace_factory : public Dataspace_owner
{
	Rpc_entrypoint &_ep;

	[[nodiscard]] bool _export_ram_ds(Dataspace_component &);
	void _revoke_ram_ds(Dataspace_component &);
	void _clear_ds(Dataspace_component &);

      public:
	using Alloc_ram_result = Pd_session::Alloc_ram_result;

	Ram_dataspace_factory(Rpc_entrypoint &ep) : _ep(ep)
	{
	}

	Alloc_ram_result alloc_ram(size_t, Cache);
	void free_ram(Ram_dataspace_capability);
	addr_t dataspace_dma_addr(Ram_dataspace_capability);
};

#endif
