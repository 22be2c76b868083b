/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/internal/capability_space_tpl.h: the Linux descriptor of a capability.
 */
#ifndef GENODE_STUB_BASE_INTERNAL_CAPABILITY_SPACE_TPL_H
#define GENODE_STUB_BASE_INTERNAL_CAPABILITY_SPACE_TPL_H

#include <base/capability.h>
#include <core_linux_syscalls.h>

namespace Genode
{

struct Rpc_destination {
	Lx_sd socket;
};

namespace Capability_space
{

struct Ipc_cap_data {
	Rpc_destination dst;
};

Ipc_cap_data ipc_cap_data(Native_capability const &);

} // namespace Capability_space

} // namespace Genode

#endif
