/* SPDX-License-Identifier: MIT */
/*
 * Root of IO_MEM, whose sessions are served by an entrypoint of their own: to
 * open registers may take as long as the device's reset, and the rest of core
 * must not wait for that.
 *
 * Dataspaces are served by it as well. On Linux an entrypoint's list of objects is
 * changed by its own thread, for which others wait: core's main entrypoint does when it
 * opens or closes a session here. If this one then waited for that to take a dataspace,
 * neither would go on.
 */
#ifndef _CORE__INCLUDE__IO_MEM_ROOT_H_
#define _CORE__INCLUDE__IO_MEM_ROOT_H_

#include <root/component.h>

#include <hwb/broker.h>
#include <hwb/runtime.h>
#include <io_mem_session_component.h>

namespace Core {

	struct Io_mem_entrypoint;
	struct Io_mem_root;
}


struct Core::Io_mem_entrypoint : Rpc_entrypoint
{
	Io_mem_entrypoint()
	:
		Rpc_entrypoint(Hwb::runtime(), "io_mem", Genode::Thread::Stack_size { 16*1024 }, { })
	{ }
};


/* The entrypoint comes before what it serves. */
struct Core::Io_mem_root : private Io_mem_entrypoint, Root_component<Io_mem_session_component>
{
	Create_result _create_session(char const *args) override
	{
		auto const piece = Io_mem_session_component::Piece::from_args(args);
		if (piece.kind == Io_mem_session_component::Piece::Kind::NONE) {
			Hwb::broker().nobody_has("registers", args);
			return Create_error::DENIED;
		}

		return _alloc_obj(static_cast<Io_mem_entrypoint &>(*this), piece);
	}

	Io_mem_root(Rpc_entrypoint &, Rpc_entrypoint &, Range_allocator &, Range_allocator &,
	            Allocator &md_alloc)
	:
		Root_component<Io_mem_session_component>(static_cast<Io_mem_entrypoint *>(this), &md_alloc)
	{ }
};

#endif
