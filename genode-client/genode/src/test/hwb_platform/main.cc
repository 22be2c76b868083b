/* SPDX-License-Identifier: MIT */
/*
 * Life cycle of what the platform driver gives out: sessions, a device with its
 * registers and interrupt, DMA buffers. Genode's own test of this kind invents
 * its devices, which a broker does not grant.
 */
#include <base/attached_dataspace.h>
#include <base/component.h>
#include <base/log.h>
#include <hwb/device_client.h>
#include <io_mem_session/client.h>
#include <irq_session/client.h>
#include <platform_session/connection.h>

using namespace Genode;

namespace {

	enum { SESSIONS = 20, OPENS = 10, BUFFERS = 1000, BUFFER_SIZE = 0x4000 };
}


struct Main
{
	Env &_env;

	struct Handler
	{
		Signal_handler<Handler> handler;

		Handler(Env &env) : handler(env.ep(), *this, &Handler::handle) { }
		void handle() { }
	} _irq { _env };

	/* what the first BAR begins with, and whether there was an interrupt */
	bool _use_device(Platform::Connection &platform, uint32_t &word)
	{
		Capability<Platform::Device_interface> const cap = platform.acquire_device();
		if (!cap.valid()) {
			error("no device");
			return false;
		}
		bool irq_ok = false;
		{
			Hwb::Device_client device { cap };
			Hwb::Device_client::Range range { };

			Io_mem_session_client io_mem { device.io_mem(0, range) };
			Attached_dataspace    registers { _env.rm(), io_mem.dataspace() };
			word = *registers.local_addr<uint32_t volatile>();

			Irq_session_capability const irq_cap = device.irq(0);
			irq_ok = irq_cap.valid();
			if (irq_ok) {
				Irq_session_client irq { irq_cap };
				irq.sigh(_irq.handler);
				irq.ack_irq();
			}
		}
		platform.release_device(cap);
		return irq_ok;
	}

	unsigned _map(Platform::Connection &platform)
	{
		unsigned mapped = 0;

		for (unsigned i = 0; i < BUFFERS; i++) {

			Ram_dataspace_capability const ds = platform.alloc_dma_buffer(BUFFER_SIZE, UNCACHED);
			if (!ds.valid() || !platform.dma_addr(ds))
				return mapped;
			mapped++;
			platform.free_dma_buffer(ds);
		}
		return mapped;
	}

	Main(Env &env) : _env(env)
	{
		uint32_t word = 0;
		unsigned used = 0;

		for (unsigned i = 0; i < SESSIONS; i++) {
			Platform::Connection platform { env };
			used += _use_device(platform, word);
		}
		log(used, " sessions, each with a device, registers (first word ", Hex(word),
		    ") and an interrupt");

		Platform::Connection platform { env };

		used = 0;
		for (unsigned i = 0; i < OPENS; i++)
			used += _use_device(platform, word);
		log(used, " times the device in one session");

		log(_map(platform), " DMA buffers mapped and unmapped");

		/* again with something mapped all the time, so that the domain stays */
		Ram_dataspace_capability const kept = platform.alloc_dma_buffer(BUFFER_SIZE, UNCACHED);
		log(_map(platform), " DMA buffers mapped and unmapped beside one at ",
		    Hex(platform.dma_addr(kept)));
		platform.free_dma_buffer(kept);

		log("hwb_platform test done");
	}
};


void Component::construct(Env &env) { static Main main { env }; }
