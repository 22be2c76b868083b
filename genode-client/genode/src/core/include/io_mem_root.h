/* SPDX-License-Identifier: MIT */
/*
 * Root of IO_MEM, whose sessions are served by entrypoints of their own: to
 * open registers may take as long as the device's reset, and the rest of core
 * must not wait for that.
 *
 * Nor must those who open other devices' registers. On Linux an entrypoint's list of
 * objects is changed by its own thread, for which others wait: core's main entrypoint does
 * when it opens or closes a session. So there is one for each few devices, and what
 * belongs to no device is never in line behind one. Dataspaces are served by their
 * session's: if that waited for core's main entrypoint to take one, neither would go on.
 */
#ifndef _CORE__INCLUDE__IO_MEM_ROOT_H_
#define _CORE__INCLUDE__IO_MEM_ROOT_H_

#include <root/component.h>
#include <util/reconstructible.h>

#include <hwb/broker.h>
#include <hwb/runtime.h>
#include <io_mem_session_component.h>

namespace Core {

	struct Io_mem_entrypoint;
	class  Io_mem_entrypoints;
	struct Io_mem_root;
}


struct Core::Io_mem_entrypoint : Rpc_entrypoint
{
	Io_mem_entrypoint()
	:
		Rpc_entrypoint(Hwb::runtime(), "io_mem", Genode::Thread::Stack_size { 16*1024 }, { })
	{ }
};


class Core::Io_mem_entrypoints
{
	private:

		/* core has room for some 250 threads */
		enum { FOR_DEVICES = 16 };

		Constructible<Io_mem_entrypoint> _for_devices[FOR_DEVICES] { };

	protected:

		Io_mem_entrypoint _common { };

		Rpc_entrypoint &_entrypoint(Hwb::Device const *device)
		{
			if (!device)
				return _common;

			auto &entrypoint = _for_devices[Hwb::devices().index(*device) % FOR_DEVICES];
			if (!entrypoint.constructed())
				entrypoint.construct();

			return *entrypoint;
		}
};


/* The entrypoints come before what they serve. */
struct Core::Io_mem_root : private Io_mem_entrypoints, Root_component<Io_mem_session_component>
{
	Create_result _create_session(char const *args) override
	{
		auto const piece = Io_mem_session_component::Piece::from_args(args);
		if (piece.kind == Io_mem_session_component::Piece::Kind::NONE) {
			Hwb::broker().nobody_has("registers", args);
			return Create_error::DENIED;
		}

		Rpc_entrypoint &entrypoint = _entrypoint(piece.device);

		return _alloc_obj(entrypoint, piece).convert<Create_result>(
			[&] (Io_mem_session_component &session) -> Io_mem_session_component & {
				entrypoint.manage(&session);
				return session; },
			[&] (Create_error e) { return e; });
	}

	/* not by the capability, which Root_component knows only of its own entrypoint */
	void destroy(Io_mem_session_component &session) override
	{
		session.entrypoint().dissolve(&session);
		_destroy_session(session);
	}

	Io_mem_root(Rpc_entrypoint &, Rpc_entrypoint &, Range_allocator &, Range_allocator &,
	            Allocator &md_alloc)
	:
		Root_component<Io_mem_session_component>(&_common, &md_alloc)
	{ }
};

#endif
