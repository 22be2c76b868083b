/* SPDX-License-Identifier: MIT */
/* Stands for Genode's os/dynamic_rom_session.h: a ROM module that a program makes. */
#ifndef GENODE_STUB_OS_DYNAMIC_ROM_SESSION_H
#define GENODE_STUB_OS_DYNAMIC_ROM_SESSION_H

#include <base/env.h>
#include <base/rpc_server.h>
#include <rom_session/rom_session.h>
#include <util/attempt.h>

namespace Genode
{
class Dynamic_rom_session;
}

class Genode::Dynamic_rom_session : public Rpc_object<Rom_session>
{
      public:
	struct Content_producer : Interface {
		using Result = Attempt<Ok, Buffer_error>;

		virtual Result produce_content(Byte_range_ptr const &) = 0;
	};

	Dynamic_rom_session(Entrypoint &, Ram_allocator &, Local::Constrained_region_map &,
	                    Content_producer &);
	~Dynamic_rom_session();

	void trigger_update();

	Rom_dataspace_capability dataspace() override;
	bool update() override;
	void sigh(Signal_context_capability) override;
};

#endif
