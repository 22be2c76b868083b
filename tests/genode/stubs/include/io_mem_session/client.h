/* SPDX-License-Identifier: MIT */
/* Stands for Genode's io_mem_session/client.h: registers, for who has a session's capability. */
#ifndef GENODE_STUB_IO_MEM_SESSION_CLIENT_H
#define GENODE_STUB_IO_MEM_SESSION_CLIENT_H

#include <base/rpc_client.h>
#include <io_mem_session/io_mem_session.h>

namespace Genode
{

struct Io_mem_session_client : Rpc_client<Io_mem_session> {
	explicit Io_mem_session_client(Io_mem_session_capability cap)
	    : Rpc_client<Io_mem_session>(cap)
	{
	}

	Io_mem_dataspace_capability dataspace() override
	{
		return call<Rpc_dataspace>();
	}
};

} // namespace Genode

#endif
