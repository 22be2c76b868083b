/* SPDX-License-Identifier: MIT */
/*
 * Root of IO_PORT. Legacy ports are asked for at once, which the broker answers
 * at once, so that a driver hears of a refusal. Ports in a BAR come with their
 * device, which the session acquires at the first access.
 */
#ifndef _CORE__INCLUDE__IO_PORT_ROOT_H_
#define _CORE__INCLUDE__IO_PORT_ROOT_H_

#include <root/component.h>

#include <io_port_session_component.h>
#include <types.h>

namespace Core {

	struct Io_port_entrypoint;
	struct Io_port_root;
}


struct Core::Io_port_entrypoint : Rpc_entrypoint
{
	Io_port_entrypoint(Runtime &runtime)
	:
		Rpc_entrypoint(runtime, "ioport", Genode::Thread::Stack_size { 8*1024 }, { })
	{ }
};


struct Core::Io_port_root : private Io_port_entrypoint, Root_component<Io_port_session_component>
{
	Create_result _create_session(char const *args) override
	{
		auto ports = Io_port_session_component::Ports::from_args(args);

		if (!ports.device && !ports.open())
			return Create_error::DENIED;

		return _alloc_obj(ports).convert<Create_result>(
			[&] (Io_port_session_component &session) -> Io_port_session_component & {
				return session; },
			[&] (Create_error e) {
				ports.close();
				return e; });
	}

	Io_port_root(Runtime &runtime, Range_allocator &, Allocator &md_alloc)
	:
		Io_port_entrypoint(runtime),
		Root_component<Io_port_session_component>(static_cast<Io_port_entrypoint *>(this),
		                                          &md_alloc)
	{ }
};

#endif
