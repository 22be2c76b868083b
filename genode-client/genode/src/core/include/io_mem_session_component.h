/* SPDX-License-Identifier: MIT */
/*
 * IO_MEM session: registers of a device as a dataspace, the shadow page of its
 * configuration space, the list of devices, or a copy of what is below 1 MiB.
 *
 * The device is found when the session is created, but only dataspace(), which
 * has an entrypoint of its own, acquires it and waits for that.
 */
#ifndef _CORE__INCLUDE__IO_MEM_SESSION_COMPONENT_H_
#define _CORE__INCLUDE__IO_MEM_SESSION_COMPONENT_H_

#include <base/allocator.h>
#include <base/rpc_server.h>
#include <io_mem_session/io_mem_session.h>
#include <util/reconstructible.h>

#include <dataspace_component.h>
#include <hwb/devices.h>

namespace Core { class Io_mem_session_component; }


class Core::Io_mem_session_component : public Rpc_object<Io_mem_session>
{
	public:

		struct Piece
		{
			enum class Kind { NONE, REGISTERS, CONFIG, LIST, LEGACY };

			Kind         kind;   /* NONE: nobody has it, or not in this form */
			Hwb::Device *device; /* nullptr with NONE and LIST; may be with LEGACY */
			addr_t       page;
			size_t       size;   /* whole pages */
			unsigned     bar;    /* of REGISTERS */
			bool         wc;

			static Piece from_args(char const *args);
		};

	private:

		/*
		 * Noncopyable
		 */
		Io_mem_session_component(Io_mem_session_component const &);
		Io_mem_session_component &operator = (Io_mem_session_component const &);

		Rpc_entrypoint                    &_ep;
		Piece const                        _piece;
		Constructible<Dataspace_component> _ds      { };
		Io_mem_dataspace_capability        _ds_cap  { };
		bool                               _held    = false;
		uint32_t                           _session = 0; /* handle of the registers */

		int _open();

	public:

		Io_mem_session_component(Rpc_entrypoint &, Piece const &);
		~Io_mem_session_component();

		/* which serves the session and its dataspace */
		Rpc_entrypoint &entrypoint() { return _ep; }

		/* invalid if the broker refuses; the next call asks again */
		Io_mem_dataspace_capability dataspace() override;
};

#endif
