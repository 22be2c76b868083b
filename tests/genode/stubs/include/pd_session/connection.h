/* SPDX-License-Identifier: MIT */
/* Stands for Genode's pd_session/connection.h: a session of the service PD. */
#ifndef GENODE_STUB_PD_SESSION_CONNECTION_H
#define GENODE_STUB_PD_SESSION_CONNECTION_H

#include <base/env.h>
#include <pd_session/client.h>

namespace Genode
{
struct Pd_connection;
}

struct Genode::Pd_connection : Pd_session_client {
	struct Device_pd {
	};

	Pd_connection(Env &, Device_pd);
	~Pd_connection();
};

#endif
