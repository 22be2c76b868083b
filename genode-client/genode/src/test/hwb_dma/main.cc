/* SPDX-License-Identifier: MIT */
/*
 * What a device reaches: the DMA buffers of its own Platform session, and nothing else. Two
 * `edu' of QEMU's, `one' and `two' in the configuration, in sessions of their own and then
 * in one, copy memory by their DMA engines (QEMU, docs/specs/edu). Without an IOMMU nothing
 * confines them (`confined: no'): each reaches all of memory.
 */
#include <base/attached_dataspace.h>
#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <base/log.h>
#include <hwb/device_client.h>
#include <io_mem_session/client.h>
#include <platform_session/connection.h>
#include <timer_session/connection.h>
#include <util/reconstructible.h>

using namespace Genode;

namespace {

	enum { SIZE = 0x4000, CHUNK = 1024, WAIT_MS = 3000, SPARE = 8 };

	using Name = String<64>;

	struct Buffer : Noncopyable
	{
		Platform::Connection    &platform;
		Ram_dataspace_capability cap { platform.alloc_dma_buffer(SIZE, UNCACHED) };
		Attached_dataspace       mapped;

		Buffer(Env &env, Platform::Connection &platform)
		: platform(platform), mapped(env.rm(), cap) { }

		~Buffer() { platform.free_dma_buffer(cap); }

		addr_t address() { return platform.dma_addr(cap); }

		uint8_t volatile *at(unsigned offset)
		{
			return mapped.local_addr<uint8_t volatile>() + offset;
		}

		void fill(unsigned offset, uint8_t seed)
		{
			for (unsigned i = 0; i < CHUNK; i++)
				at(offset)[i] = uint8_t(seed + i * 7);
		}

		bool has(unsigned offset, uint8_t seed)
		{
			for (unsigned i = 0; i < CHUNK; i++)
				if (at(offset)[i] != uint8_t(seed + i * 7))
					return false;
			return true;
		}
	};

	/* one that is acquired of a session, with its registers */
	struct Edu : Noncopyable
	{
		enum { SOURCE = 0x80 / 8, TARGET = 0x88 / 8, COUNT = 0x90 / 8, COMMAND = 0x98 / 8 };
		enum { RUN = 1, TO_MEMORY = 2, MEMORY_IN_DEVICE = 0x40000 };

		Platform::Connection                  &platform;
		Timer::Connection                     &timer;
		Capability<Platform::Device_interface> cap;
		Hwb::Device_client::Range              range { };
		Attached_dataspace                     mapped;

		static Io_mem_session_capability
		registers(Capability<Platform::Device_interface> cap, Hwb::Device_client::Range &range)
		{
			return Hwb::Device_client(cap).io_mem(0, range);
		}

		Edu(Env &env, Platform::Connection &platform, Timer::Connection &timer, Name const &name)
		:
			platform(platform), timer(timer), cap(platform.acquire_device(name)),
			mapped(env.rm(), Io_mem_session_client(registers(cap, range)).dataspace())
		{ }

		~Edu() { platform.release_device(cap); }

		bool copy(addr_t from, addr_t to, uint64_t command)
		{
			uint64_t volatile * const registers = mapped.local_addr<uint64_t volatile>();

			registers[SOURCE]  = from;
			registers[TARGET]  = to;
			registers[COUNT]   = CHUNK;
			registers[COMMAND] = command | RUN;

			uint64_t const start = timer.elapsed_ms();
			while (registers[COMMAND] & RUN)
				if (timer.elapsed_ms() - start > WAIT_MS)
					return false;
			return true;
		}

		bool load (addr_t from) { return copy(from, MEMORY_IN_DEVICE, 0); }
		bool store(addr_t to)   { return copy(MEMORY_IN_DEVICE, to, TO_MEMORY); }
	};
}


struct Main
{
	Env &_env;

	Attached_rom_dataspace _config { _env, "config" };
	Timer::Connection      _timer  { _env };

	Name _name(char const *attribute) const
	{
		return _config.node().attribute_value(attribute, Name());
	}

	bool const _confined { _config.node().attribute_value("confined", true) };

	unsigned _wrong { 0 };

	void _check(char const *what, bool right)
	{
		log(right ? "ok " : "WRONG ", what);
		_wrong += !right;
	}

	void _in_sessions_of_their_own()
	{
		Platform::Connection first { _env }, second { _env };

		Edu    one { _env, first,  _timer, _name("one") };
		Edu    two { _env, second, _timer, _name("two") };
		Buffer a   { _env, first };
		Buffer b   { _env, second };

		a.fill(0, 1);
		a.fill(CHUNK, 2);
		_check("a device copies within its session's buffer",
		       one.load(a.address()) && one.store(a.address() + CHUNK) && a.has(CHUNK, 1));

		b.fill(0, 3);
		_check("so does the other", two.load(b.address())
		       && two.store(b.address() + 3 * CHUNK) && b.has(3 * CHUNK, 3));

		/* both sessions begin at the same address: one where only the other has something */
		Constructible<Buffer> more[SPARE];
		for (Constructible<Buffer> &buffer : more)
			buffer.construct(_env, second);

		Buffer &last = *more[SPARE - 1];
		last.fill(0, 4);
		log("buffers at ", Hex(a.address()), ", ", Hex(b.address()), ", and up to ",
		    Hex(last.address()));

		_check("a write to the other session's buffer ends",
		       one.load(a.address()) && one.store(last.address()));
		_check(_confined ? "and reaches nothing" : "and reaches it, without an IOMMU",
		       last.has(0, _confined ? 4 : 1));

		last.fill(0, 4);
		one.load(last.address());
		one.store(a.address() + CHUNK);
		_check(_confined ? "nor is it read" : "which is read as well",
		       a.has(CHUNK, 4) != _confined);

		_check("whose own device reaches it",
		       two.load(b.address()) && two.store(last.address()) && last.has(0, 3));

		if (!_confined)
			return;

		addr_t const gone = last.address();
		more[SPARE - 1].destruct();
		_check("until it is freed", two.store(gone));
		_check("which harms nobody", two.load(b.address())
		       && two.store(b.address() + CHUNK) && b.has(CHUNK, 3));
	}

	void _in_one_session()
	{
		Platform::Connection both { _env };

		Edu    one { _env, both, _timer, _name("one") };
		Edu    two { _env, both, _timer, _name("two") };
		Buffer buffer { _env, both };

		buffer.fill(0, 6);
		_check("two devices of one session reach one buffer",
		       one.load(buffer.address()) && one.store(buffer.address() + CHUNK)
		       && two.load(buffer.address() + CHUNK) && two.store(buffer.address() + 2 * CHUNK)
		       && buffer.has(2 * CHUNK, 6));
	}

	Main(Env &env) : _env(env)
	{
		unsigned const rounds = _config.node().attribute_value("rounds", 1U);

		for (unsigned i = 0; i < rounds; i++) {
			_in_sessions_of_their_own();
			_in_one_session();
		}
		log("hwb_dma test done, ", _wrong, " wrong");
	}
};


void Component::construct(Env &env) { static Main main { env }; }
