/* SPDX-License-Identifier: MIT */
/*
 * Region maps are a matter of each component itself on Linux, but for the
 * address space of a device PD: that is a DMA domain of the broker.
 */
#ifndef _CORE__INCLUDE__REGION_MAP_COMPONENT_H_
#define _CORE__INCLUDE__REGION_MAP_COMPONENT_H_

#include <base/allocator.h>
#include <base/rpc_server.h>
#include <base/session_label.h>
#include <pd_session/pd_session.h>
#include <region_map/region_map.h>
#include <util/list.h>

#include <dataspace_component.h>
#include <hwb/domain.h>
#include <pager.h>
#include <platform_thread.h>

namespace Core {

	struct Rm_client;
	struct Rm_member;
	class  Region_map_component;
}


class Core::Region_map_component : public Rpc_object<Region_map>,
                                   private List<Region_map_component>::Element
{
	private:

		friend class List<Region_map_component>;

		struct Nested { void sub_rm(Native_capability) { } };

		/* where a device PD's address space starts, and no other's (pd_root.h) */
		enum { DEVICE_PD_START = 0x1000 };

		Rpc_entrypoint &_ep;
		bool      const _device_pd;
		Hwb::Domain     _domain { };

	public:

		/*
		 * Only a device PD's is a remote object: components follow the capability of
		 * their own as a local pointer.
		 */
		Region_map_component(Rpc_entrypoint &ep, Allocator &, addr_t start, size_t)
		:
			_ep(ep), _device_pd(start == DEVICE_PD_START)
		{
			if (_device_pd)
				_ep.manage(this);
		}

		~Region_map_component()
		{
			if (_device_pd)
				_ep.dissolve(this);
		}

		using Attach_dma_result = Pd_session::Attach_dma_result;

		Attach_dma_result attach_dma(Dataspace_capability cap, addr_t at)
		{
			if (!_device_pd)
				return Pd_session::Attach_dma_error::DENIED;

			return _ep.apply(cap, [&] (Dataspace_component *ds) -> Attach_dma_result {

				if (!ds)
					return Pd_session::Attach_dma_error::DENIED;

				if (!_domain.attach(*ds, at))
					return Pd_session::Attach_dma_error::DENIED;

				return Ok();
			});
		}

		void detach(addr_t at) override
		{
			if (_device_pd)
				_domain.detach(at);
		}

		bool assign(addr_t config) { return _device_pd && _domain.assign(config); }


		/***********************
		 ** Not used on Linux **
		 ***********************/

		Attach_result attach(Dataspace_capability, Attr const &) override
		{
			return Attach_error::REGION_CONFLICT;
		}

		void fault_handler(Signal_context_capability) override { }

		Fault fault() override { return { }; }

		Dataspace_capability dataspace() override { return { }; }

		Nested *dataspace_component() { return nullptr; }

		void upgrade_ram_quota(size_t) { }
		void add_client(Rm_client &) { }
		void remove_client(Rm_client &) { }
		void address_space(Platform_pd &) { }
};


struct Core::Rm_client : Pager_object
{
	Rm_client(Cpu_session_capability, Thread_capability, Region_map_component &, unsigned long,
	          Affinity::Location, Cpu_session::Name const &, Session_label const &)
	{ }
};

#endif
