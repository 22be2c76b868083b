/* SPDX-License-Identifier: MIT */
/* Stands for Genode's io_mem_session/io_mem_session.h: registers. */
#ifndef GENODE_STUB_IO_MEM_SESSION_IO_MEM_SESSION_H
#define GENODE_STUB_IO_MEM_SESSION_IO_MEM_SESSION_H

#include <dataspace/capability.h>
#include <session/session.h>

namespace Genode
{

struct Io_mem_dataspace : Dataspace {
};

struct Io_mem_session;

using Io_mem_dataspace_capability = Capability<Io_mem_dataspace>;
using Io_mem_session_capability = Capability<Io_mem_session>;

} // namespace Genode

struct Genode::Io_mem_session : Session {
	virtual ~Io_mem_session()
	{
	}

	virtual Io_mem_dataspace_capability dataspace() = 0;

	struct Rpc_dataspace : Rpc_function<Rpc_dataspace, Io_mem_dataspace_capability> {
	};

	using Rpc_functions = Rpc_list<Rpc_dataspace>;
};

#endif
