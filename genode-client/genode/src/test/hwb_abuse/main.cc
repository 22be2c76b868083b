/* SPDX-License-Identifier: MIT */
/*
 * A driver that asks the platform driver for what is not there, for more than there is, and
 * in the wrong order. Each is to be refused or to work; core and the platform driver go on,
 * and what this one gave them is its own again. `device' in the configuration is one that
 * the platform driver's policy gives. With `stop', it stays for ever at the step of that
 * number, for somebody to end it there.
 */
#include <base/attached_dataspace.h>
#include <base/attached_ram_dataspace.h>
#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <base/log.h>
#include <base/sleep.h>
#include <base/thread.h>
#include <hwb/device_client.h>
#include <hwb/session_attempt.h>
#include <io_mem_session/client.h>
#include <irq_session/client.h>
#include <platform_session/client.h>
#include <util/reconstructible.h>

using namespace Genode;

namespace {

	enum { SESSIONS = 64, BUFFERS = 64, ROUNDS = 2 };

	using Hwb::Result;
	using Name       = Platform::Session::Device_name;
	using Device_cap = Capability<Platform::Device_interface>;

	struct Platform_attempt : Hwb::Session_attempt
	{
		Platform::Client client { static_cap_cast<Platform::Session>(_cap) };

		Platform_attempt(Env &env, char const *quota = "ram_quota=512K, cap_quota=60")
		: Hwb::Session_attempt(env, "Platform", "label=\"\"", quota) { }

		bool given() const { return _result == Result::GIVEN; }

		/* no answer to Out_of_ram or Out_of_caps but to go without */
		Ram_dataspace_capability buffer(size_t size)
		{
			try { return client.alloc_dma_buffer(size, UNCACHED); }
			catch (Out_of_ram)  { return { }; }
			catch (Out_of_caps) { return { }; }
		}

		Device_cap device(Name const &name)
		{
			try { return client.acquire_device(name); }
			catch (Out_of_ram)  { return { }; }
			catch (Out_of_caps) { return { }; }
		}
	};

	/* Calls what is not there any more, which nothing ever answers on Linux. */
	struct Late_caller : Thread
	{
		unsigned           what;
		Device_cap         device;
		Irq_session_client irq;
		Platform::Client   client;

		Late_caller(Runtime &runtime, unsigned what, Device_cap device,
		            Irq_session_capability irq, Platform::Client const &client)
		:
			Thread(runtime, "late", Stack_size { 16*1024 }, { }), what(what), device(device),
			irq(irq), client(client)
		{ start(); }

		void entry() override
		{
			switch (what) {
			case 0:  irq.ack_irq(); break;
			case 1:  Hwb::Device_client(device).irq(0); break;
			case 2:  client.alloc_dma_buffer(4096, UNCACHED); break;
			default: client.release_device(device);
			}
			log("WRONG: an answer to call ", what);
		}
	};
}


struct Main
{
	Env &_env;

	Attached_rom_dataspace _config { _env, "config" };

	Name     const _device { _config.node().attribute_value("device", Name()) };
	unsigned const _stop   { _config.node().attribute_value("stop", 0u) };

	Signal_handler<Main> _handler { _env.ep(), *this, &Main::_handle };

	unsigned _wrong { 0 };

	Constructible<Platform_attempt>     _sessions[SESSIONS] { };
	Constructible<Late_caller> _late[4]            { };
	Ram_dataspace_capability   _buffers[BUFFERS]   { };

	void _handle() { }

	void _check(char const *what, bool ok)
	{
		log(ok ? "ok " : "WRONG ", what);
		_wrong += !ok;
	}

	void _step(unsigned number, char const *what)
	{
		if (!_stop)
			return;
		log("step ", number, ": ", what);
		if (number == _stop)
			sleep_forever();
	}

	void _names()
	{
		Platform_attempt session { _env };
		static char const * const names[] { "no such", "", "00:03", "*",
			"0123456789012345678901234567890123456789012345678901234567890" };

		for (char const *name : names)
			_check("no device of an odd name", !session.device(name).valid());
	}

	void _devices()
	{
		Platform_attempt one { _env }, two { _env };

		Device_cap const cap = one.device(_device);
		_check("the device", cap.valid());
		_check("not twice",                !one.device(_device).valid());
		_check("not in another session",   !two.device(_device).valid());
		_check("no other one",             !one.client.acquire_single_device().valid());
		if (!cap.valid())
			return;

		Hwb::Device_client device { cap };
		Hwb::Device_client::Range range { };
		_check("no interrupt of that number", !device.irq(1).valid() && !device.irq(~0U).valid());
		_check("no BAR of that number",       !device.io_mem(6, range).valid()
		                                   && !device.io_mem(~0U, range).valid());
		_check("no ports",                    !device.io_port_range(0).valid());

		two.client.release_device(cap);
		one.client.release_device(Device_cap());
		one.client.release_device(reinterpret_cap_cast<Platform::Device_interface>(one.buffer(1)));
		_check("still there after others' releases", device.io_mem(0, range).valid());

		one.client.release_device(cap);
		_check("another session's after its release", two.device(_device).valid());
	}

	void _odd_buffers()
	{
		Platform_attempt one { _env, "ram_quota=24M, cap_quota=80" }, two { _env };

		static size_t const too_much[] {
			~size_t(0), ~size_t(0) - 4094, ~size_t(0) - 4096, size_t(1) << 63, size_t(1) << 46,
			size_t(1) << 40, (size_t(1) << 32) + 1, size_t(1) << 32, 0xfffff000, size_t(1) << 30 };
		for (size_t size : too_much) {
			Ram_dataspace_capability const cap = one.buffer(size);
			if (cap.valid())
				log("WRONG: ", Hex(size), " bytes");
			_wrong += cap.valid();
		}
		_check("no DMA buffers of gigabytes and more", true);
		one.client.free_dma_buffer(one.buffer(0));

		static size_t const sizes[] { 1, 4095, 4096, 4097, 65535, 0x7777, 1 << 20, 4 << 20 };
		Ram_dataspace_capability caps[8] { };
		bool all = true;
		for (unsigned i = 0; i < 8; i++) {
			caps[i] = one.buffer(sizes[i]);
			all &= caps[i].valid() && one.client.dma_addr(caps[i]);
			if (!caps[i].valid())
				continue;
			Attached_dataspace mapped { _env.rm(), caps[i] };
			mapped.local_addr<char volatile>()[sizes[i] - 1] = 1;
		}
		_check("buffers of odd sizes", all);

		Attached_ram_dataspace const own { _env.ram(), _env.rm(), 4096 };
		Ram_dataspace_capability const foreign = two.buffer(4096);
		_check("no address of others' memory", !one.client.dma_addr(foreign)
		                                    && !one.client.dma_addr(own.cap())
		                                    && !one.client.dma_addr(Ram_dataspace_capability()));
		one.client.free_dma_buffer(foreign);
		one.client.free_dma_buffer(own.cap());
		one.client.free_dma_buffer(Ram_dataspace_capability());
		_check("still there after others' frees", two.client.dma_addr(foreign));

		addr_t const first = one.client.dma_addr(caps[0]);
		one.client.free_dma_buffer(caps[0]);
		one.client.free_dma_buffer(caps[0]);
		_check("freed once", first && !one.client.dma_addr(caps[0]));
	}

	/* The Platform session first, then what came of it. */
	void _wrong_order(bool late)
	{
		Constructible<Platform_attempt> session { };
		session.construct(_env);
		_step(1, "a session");

		Device_cap const cap = session->device(_device);
		_step(2, "a device");

		Hwb::Device_client device { cap };
		Hwb::Device_client::Range range { };
		Io_mem_session_capability const io_mem = device.io_mem(0, range);
		Attached_dataspace mapped { _env.rm(), Io_mem_session_client(io_mem).dataspace() };
		uint32_t const word = *mapped.local_addr<uint32_t volatile>();
		_step(3, "registers");

		Irq_session_capability const irq = device.irq(0);
		Irq_session_client(irq).sigh(_handler);
		Irq_session_client(irq).ack_irq();
		_step(4, "an interrupt");

		Ram_dataspace_capability const buffer = session->buffer(0x5000);
		Attached_dataspace memory { _env.rm(), buffer };
		*memory.local_addr<uint32_t volatile>() = word;
		_step(5, "a DMA buffer");

		Platform::Client const client = session->client;
		session.destruct();
		_step(6, "no session any more");

		if (late)
			for (unsigned i = 0; i < 4; i++)
				_late[i].construct(_env.runtime(), i, cap, irq, client);

		/* mappings are there until they go */
		_check("memory of a closed session", *memory.local_addr<uint32_t volatile>() == word);
	}

	/*
	 * More than there is room for, each with a device PD, which takes more than such a session
	 * brings along: the platform driver is to refuse some, and to go on.
	 */
	void _many()
	{
		unsigned given = 0, mapped = 0, sessions = 0;

		for (unsigned i = 0; i < SESSIONS; i++) {
			_sessions[i].construct(_env, "ram_quota=120K, cap_quota=30");
			if (!_sessions[i]->given())
				break;
			sessions++;
			for (unsigned k = 0; k < 3; k++) {
				Ram_dataspace_capability const cap = _sessions[i]->buffer(4096);
				given  += cap.valid();
				mapped += cap.valid() && _sessions[i]->client.dma_addr(cap);
			}
		}
		for (Constructible<Platform_attempt> &session : _sessions)
			session.destruct();
		log(sessions, " sessions at a time, ", given, " buffers");
		_check("buffers in some of many sessions", given == mapped && given >= 20
		                                        && given < SESSIONS * 3);
	}

	void _until_quota_ends()
	{
		Platform_attempt session { _env, "ram_quota=400K, cap_quota=50" };

		unsigned given = 0;
		while (given < BUFFERS && (_buffers[given] = session.buffer(8192)).valid())
			given++;
		log(given, " buffers for a session's quota");
		_check("an end of it", given && given < BUFFERS);

		session.client.free_dma_buffer(_buffers[0]);
		_check("again after a free", session.buffer(4096).valid());
	}

	void _round()
	{
		_names();
		_devices();
		_odd_buffers();
		_wrong_order(false);
		_until_quota_ends();
		_many();
	}

	Main(Env &env) : _env(env)
	{
		if (_stop)
			_wrong_order(false);

		/* the first round has this component allocate what it keeps */
		size_t ram = 0, caps = 0;
		for (unsigned i = 0; i < ROUNDS; i++) {
			_round();
			if (i == 0) {
				ram  = _env.pd().avail_ram().value;
				caps = _env.pd().avail_caps().value;
			}
		}
		log("RAM ", ram, " then ", _env.pd().avail_ram().value, ", capabilities ", caps, " then ",
		    _env.pd().avail_caps().value);
		_check("all quota is back", ram  == _env.pd().avail_ram().value
		                         && caps == _env.pd().avail_caps().value);

		_wrong_order(true);
		_devices();
		log("hwb_abuse test done, ", _wrong, " wrong");
	}
};


void Component::construct(Env &env) { static Main main { env }; }
