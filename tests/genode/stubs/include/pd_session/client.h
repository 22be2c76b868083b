/* SPDX-License-Identifier: MIT */
/* Stands for Genode's pd_session/client.h: a protection domain, for who has its capability. */
#ifndef GENODE_STUB_PD_SESSION_CLIENT_H
#define GENODE_STUB_PD_SESSION_CLIENT_H

#include <pd_session/pd_session.h>

namespace Genode
{
struct Pd_session_client;
}

struct Genode::Pd_session_client : Pd_session {
	explicit Pd_session_client(Pd_session_capability);

	bool assign_pci(addr_t config, uint16_t rid) override;
	Map_result map(Virt_range) override;
	Capability<Region_map> address_space() override;
	Ref_account_result ref_account(Capability<Pd_account>) override;
	addr_t dma_addr(Ram_dataspace_capability) override;
	Attach_dma_result attach_dma(Dataspace_capability, addr_t at) override;
};

#endif
