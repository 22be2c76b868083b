/* SPDX-License-Identifier: MIT */
/* Stands for Genode's platform_session/platform_session.h: devices, from the platform driver. */
#ifndef GENODE_STUB_PLATFORM_SESSION_PLATFORM_SESSION_H
#define GENODE_STUB_PLATFORM_SESSION_PLATFORM_SESSION_H

#include <base/cache.h>
#include <dataspace/capability.h>
#include <io_mem_session/io_mem_session.h>
#include <io_port_session/io_port_session.h>
#include <irq_session/irq_session.h>
#include <session/session.h>
#include <util/string.h>

namespace Platform
{

using namespace Genode;

struct Device_interface;
struct Session;

} // namespace Platform

struct Platform::Device_interface : Interface {
	struct Range {
		addr_t start;
		size_t size;
	};

	struct Rpc_irq : Rpc_function<Rpc_irq, Irq_session_capability, unsigned> {
	};
	struct Rpc_io_mem : Rpc_function<Rpc_io_mem, Io_mem_session_capability, unsigned, Range &> {
	};
	struct Rpc_io_port_range
	    : Rpc_function<Rpc_io_port_range, Capability<Io_port_session>, unsigned> {
	};

	using Rpc_functions = Rpc_list<Rpc_irq, Rpc_io_mem, Rpc_io_port_range>;
};

struct Platform::Session : Genode::Session {
	using Device_name = String<64>;
};

#endif
