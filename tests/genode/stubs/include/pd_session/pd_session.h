/* SPDX-License-Identifier: MIT */
/* Stands for Genode's pd_session/pd_session.h: a protection domain. */
#ifndef GENODE_STUB_PD_SESSION_PD_SESSION_H
#define GENODE_STUB_PD_SESSION_PD_SESSION_H

#include <base/affinity.h>
#include <base/allocator.h>
#include <dataspace/capability.h>
#include <region_map/region_map.h>
#include <session/session.h>
#include <util/attempt.h>

namespace Genode
{

struct Pd_account;
struct Pd_session;

using Pd_session_capability = Capability<Pd_session>;

} // namespace Genode

struct Genode::Pd_account : Interface {
};

struct Genode::Pd_session : Session, Pd_account {
	static constexpr unsigned CAP_QUOTA = 13;
	static constexpr size_t RAM_QUOTA = 24 * 1024 * sizeof(long);

	struct Virt_range {
		addr_t start;
		size_t num_bytes;
	};

	struct System_control : Interface {
	};

	enum class Map_result { OK, OUT_OF_RAM, OUT_OF_CAPS };
	enum class Ref_account_result { OK, INVALID_SESSION };

	using Alloc_ram_result = Attempt<Ram_dataspace_capability, Alloc_error>;
	using Attach_dma_error = Alloc_error;
	using Attach_dma_result = Attempt<Ok, Attach_dma_error>;

	virtual ~Pd_session()
	{
	}

	Ram_quota avail_ram() const;
	Cap_quota avail_caps() const;

	virtual bool assign_pci(addr_t config, uint16_t rid) = 0;
	virtual Map_result map(Virt_range) = 0;
	virtual Capability<Region_map> address_space() = 0;
	virtual Ref_account_result ref_account(Capability<Pd_account>) = 0;
	virtual addr_t dma_addr(Ram_dataspace_capability) = 0;
	virtual Attach_dma_result attach_dma(Dataspace_capability, addr_t at) = 0;
};

#endif
