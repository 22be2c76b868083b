/* SPDX-License-Identifier: MIT */
/* Stands for Genode's platform_session/client.h: a Platform session, for who has its capability. */
#ifndef GENODE_STUB_PLATFORM_SESSION_CLIENT_H
#define GENODE_STUB_PLATFORM_SESSION_CLIENT_H

#include <base/error.h>
#include <platform_session/platform_session.h>

namespace Platform
{
struct Client;
}

/* throws Out_of_ram and Out_of_caps where it asks for more than its session has */
struct Platform::Client : Session {
	Client(Capability<Session>);

	Capability<Device_interface> acquire_device(Device_name const &);
	Capability<Device_interface> acquire_single_device();
	void release_device(Capability<Device_interface>);

	Ram_dataspace_capability alloc_dma_buffer(size_t, Cache);
	void free_dma_buffer(Ram_dataspace_capability);
	addr_t dma_addr(Ram_dataspace_capability);
};

#endif
