/* SPDX-License-Identifier: MIT */
/* Stands for Genode's pd_session_component.h: core's PD session, with an address space of the
 * overlay's. */
#ifndef GENODE_STUB_PD_SESSION_COMPONENT_H
#define GENODE_STUB_PD_SESSION_COMPONENT_H

#include <pd_session/pd_session.h>

#include <region_map_component.h>
#include <system_control.h>

namespace Core
{
class Pd_session_component;
}

class Core::Pd_session_component : public Rpc_object<Pd_session>
{
      public:
	enum class Managing_system { DENIED, PERMITTED };

      private:
	Region_map_component _address_space;
	Managing_system _managing_system;

      public:
	Pd_session_component(Rpc_entrypoint &ep, Allocator &memory, Managing_system managing_system,
	                     Virt_range range)
	    : _address_space(ep, memory, range.start, range.num_bytes),
	      _managing_system(managing_system)
	{
	}

	bool assign_pci(addr_t, uint16_t) override;
	Map_result map(Virt_range) override;
	addr_t dma_addr(Ram_dataspace_capability) override
	{
		return 0;
	}
	Ref_account_result ref_account(Capability<Pd_account>) override
	{
		return Ref_account_result::OK;
	}
	Capability<Region_map> address_space() override
	{
		return _address_space.cap();
	}

	Attach_dma_result attach_dma(Dataspace_capability ds, addr_t at) override
	{
		if (_managing_system != Managing_system::PERMITTED)
			return Attach_dma_error::DENIED;
		return _address_space.attach_dma(ds, at);
	}
};

#endif
