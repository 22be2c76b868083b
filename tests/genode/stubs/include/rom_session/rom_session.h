/* SPDX-License-Identifier: MIT */
/* Stands for Genode's rom_session/rom_session.h: a file that may change. */
#ifndef GENODE_STUB_ROM_SESSION_ROM_SESSION_H
#define GENODE_STUB_ROM_SESSION_ROM_SESSION_H

#include <base/signal.h>
#include <dataspace/capability.h>
#include <session/session.h>

namespace Genode
{

struct Rom_dataspace : Dataspace {
};

using Rom_dataspace_capability = Capability<Rom_dataspace>;

struct Rom_session : Session {
	static char const *service_name()
	{
		return "ROM";
	}

	virtual Rom_dataspace_capability dataspace() = 0;
	virtual bool update() = 0;
	virtual void sigh(Signal_context_capability) = 0;
};

} // namespace Genode

#endif
