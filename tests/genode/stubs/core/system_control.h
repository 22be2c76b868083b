/* SPDX-License-Identifier: MIT */
/* Stands for Genode's system_control.h: control of the whole machine. */
#ifndef GENODE_STUB_SYSTEM_CONTROL_H
#define GENODE_STUB_SYSTEM_CONTROL_H

#include <base/rpc_server.h>
#include <types.h>

namespace Core
{

struct System_control;

System_control &init_system_control(Runtime &, Allocator &, Rpc_entrypoint &);

} // namespace Core

struct Core::System_control : Interface {
	virtual Capability<Pd_session::System_control> control_cap(Affinity::Location) const = 0;
};

#endif
