/* SPDX-License-Identifier: MIT */
/* Stands for Genode's cpu_session/cpu_session.h: what makes threads. */
#ifndef GENODE_STUB_CPU_SESSION_CPU_SESSION_H
#define GENODE_STUB_CPU_SESSION_CPU_SESSION_H

#include <base/affinity.h>
#include <base/capability.h>
#include <session/session.h>
#include <util/string.h>

namespace Genode
{

struct Cpu_session;
struct Cpu_thread;

using Cpu_session_capability = Capability<Cpu_session>;
using Thread_capability = Capability<Cpu_thread>;

} // namespace Genode

struct Genode::Cpu_session : Session {
	using Name = String<32>;
};

#endif
