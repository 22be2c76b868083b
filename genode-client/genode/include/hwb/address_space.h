/* SPDX-License-Identifier: MIT */
/*
 * The address space of a device PD, by RPC: base-linux's Region_map_client follows the
 * capability as a local pointer. Only detach() is of use for a device PD.
 */
#ifndef _INCLUDE__HWB__ADDRESS_SPACE_H_
#define _INCLUDE__HWB__ADDRESS_SPACE_H_

#include <base/rpc_client.h>
#include <region_map/region_map.h>

namespace Hwb { struct Address_space; }


struct Hwb::Address_space : Genode::Rpc_client<Genode::Region_map>
{
	Address_space(Genode::Capability<Genode::Region_map> cap)
	: Genode::Rpc_client<Genode::Region_map>(cap) { }

	void detach(Genode::addr_t at) override { call<Rpc_detach>(at); }

	Attach_result attach(Genode::Dataspace_capability, Attr const &) override
	{
		return Attach_error::REGION_CONFLICT;
	}

	void fault_handler(Genode::Signal_context_capability) override { }

	Fault fault() override { return { }; }

	Genode::Dataspace_capability dataspace() override { return { }; }
};

#endif /* _INCLUDE__HWB__ADDRESS_SPACE_H_ */
