/* SPDX-License-Identifier: MIT */
/* Stands for Genode's pd_session/connection.h: a session of the service PD. */
#ifndef GENODE_STUB_PD_SESSION_CONNECTION_H
#define GENODE_STUB_PD_SESSION_CONNECTION_H

#include <base/env.h>
#include <pd_session/pd_session.h>

namespace Genode
{
struct Pd_connection;
}

struct Genode::Pd_connection : Pd_session {
	struct Device_pd {
	};

	Pd_connection(Env &, Device_pd);
	~Pd_connection();

	bool assign_pci(addr_t config, uint16_t rid) override;
	Map_result map(Virt_range) override;
	Capability<Region_map> address_space() override;
	Ref_account_result ref_account(Capability<Pd_account>) override;
	addr_t dma_addr(Ram_dataspace_capability) override;
	Attach_dma_result attach_dma(Dataspace_capability, addr_t at) override;
};

#endif
