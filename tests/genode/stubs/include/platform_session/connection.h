/* SPDX-License-Identifier: MIT */
/* Stands for Genode's platform_session/connection.h: a session of the service Platform. */
#ifndef GENODE_STUB_PLATFORM_SESSION_CONNECTION_H
#define GENODE_STUB_PLATFORM_SESSION_CONNECTION_H

#include <base/attached_dataspace.h>
#include <base/env.h>
#include <base/rpc_client.h>
#include <base/signal.h>
#include <platform_session/platform_session.h>

namespace Platform
{
class Connection;
}

class Platform::Connection : Noncopyable
{
      public:
	Connection(Env &);
	~Connection();

	Capability<Device_interface> acquire_device();
	Capability<Device_interface> acquire_device(String<64> const &name);
	void release_device(Capability<Device_interface>);

	Ram_dataspace_capability alloc_dma_buffer(size_t, Cache);
	void free_dma_buffer(Ram_dataspace_capability);
	addr_t dma_addr(Ram_dataspace_capability);
};

#endif
