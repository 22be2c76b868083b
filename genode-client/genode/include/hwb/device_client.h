/* SPDX-License-Identifier: MIT */
/* A device of a Platform session, by RPC: Genode's own client serves one interrupt and BAR each. */
#ifndef _INCLUDE__HWB__DEVICE_CLIENT_H_
#define _INCLUDE__HWB__DEVICE_CLIENT_H_

#include <base/rpc_client.h>
#include <platform_session/platform_session.h>

namespace Hwb { struct Device_client; }


struct Hwb::Device_client : Genode::Rpc_client<Platform::Device_interface>
{
	using Range = Platform::Device_interface::Range;

	Device_client(Genode::Capability<Platform::Device_interface> cap)
	: Genode::Rpc_client<Platform::Device_interface>(cap) { }

	Genode::Irq_session_capability irq(unsigned id) { return call<Rpc_irq>(id); }

	Genode::Io_mem_session_capability io_mem(unsigned id, Range &range)
	{
		return call<Rpc_io_mem>(id, range);
	}

	Genode::Io_port_session_capability io_port_range(unsigned id)
	{
		return call<Rpc_io_port_range>(id);
	}
};

#endif /* _INCLUDE__HWB__DEVICE_CLIENT_H_ */
