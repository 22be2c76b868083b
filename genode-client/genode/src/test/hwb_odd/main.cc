/* SPDX-License-Identifier: MIT */
/*
 * Asks core for what no driver asks for: registers at odd places and of odd sizes,
 * ports and interrupts of others, more sessions than there is room for. Each is to be
 * refused, or to work, and core is to go on. The configuration names a device that the
 * policy gives (`bar', `size', `config') and an address that it does not (`foreign',
 * `foreign_config'). With `storm_line', the interrupt number of an `edu' of QEMU's that
 * is given without DMA, it has that raise its line without an end instead.
 */
#include <base/attached_dataspace.h>
#include <base/attached_ram_dataspace.h>
#include <base/attached_rom_dataspace.h>
#include <base/component.h>
#include <base/log.h>
#include <hwb/address_space.h>
#include <hwb/session_attempt.h>
#include <io_mem_session/client.h>
#include <irq_session/client.h>
#include <pd_session/client.h>
#include <util/reconstructible.h>

using namespace Genode;

namespace {

	/* core has room for 255 copies of one capability, such as a signal handler's */
	enum { PAGE = 0x1000, MANY = 200, ROUNDS = 300, BUFFERS = 48 };

	using Hwb::Session_attempt;
	using Args = Session_attempt::Args;
	using Hwb::Result;
}


struct Main
{
	Env &_env;

	Attached_rom_dataspace _config { _env, "config" };

	addr_t _number(char const *name) const
	{
		return _config.node().attribute_value(name, addr_t(0));
	}

	addr_t const _bar            { _number("bar") };
	addr_t const _config_page    { _number("config") };
	addr_t const _foreign        { _number("foreign") };
	addr_t const _foreign_config { _number("foreign_config") };
	size_t const _size           { _number("size") };

	Signal_handler<Main> _handler { _env.ep(), *this, &Main::_handle };
	Signal_handler<Main> _stormy  { _env.ep(), *this, &Main::_handle_storm };

	unsigned _wrong { 0 };
	unsigned _storm { 0 };

	Constructible<Session_attempt>     _sessions[MANY]   { };
	Constructible<Attached_ram_dataspace> _buffers[BUFFERS] { };

	void _handle() { }

	/*
	 * An `edu' of QEMU's that raises its line, which this driver acknowledges to Genode
	 * but not to the device: it is raised again at once.
	 */
	struct Storm
	{
		enum { RAISE = 0x60 / 4, LOWER = 0x64 / 4, END = 3000 };

		Session_attempt io_mem;
		Session_attempt irq;
		Attached_dataspace mapped;

		uint32_t volatile *registers() { return mapped.local_addr<uint32_t volatile>(); }

		Irq_session_client session()
		{
			return Irq_session_client(static_cap_cast<Irq_session>(irq._cap));
		}

		Storm(Env &env, Args const &bar, Args const &line, Signal_context_capability sigh)
		:
			io_mem(env, "IO_MEM", bar), irq(env, "IRQ", line),
			mapped(env.rm(), Io_mem_session_client(
				static_cap_cast<Io_mem_session>(io_mem._cap)).dataspace())
		{
			session().sigh(sigh);
			session().ack_irq();
			registers()[RAISE] = 1;
		}
	};

	Constructible<Storm> _edu { };

	void _handle_storm()
	{
		if (++_storm < Storm::END) {
			_edu->session().ack_irq();
			return;
		}
		_edu->registers()[Storm::LOWER] = 1;
		_edu->session().ack_irq();
		log("storm: ", _storm, " interrupts");
		log("hwb_odd test done, ", _wrong, " wrong");
	}

	void _say(char const *what, Args const &args, Result result, bool expected)
	{
		static char const * const names[] { "denied", "no quota", "no dataspace", "given" };

		log(expected ? "ok " : "WRONG ", what, " ", args, ": ", names[unsigned(result)]);
		_wrong += !expected;
	}

	/* Registers are read where they are mapped, at the last word of what was asked for. */
	Result _io_mem(addr_t base, size_t size, bool wc)
	{
		Args const args("base=", Hex(base), ", size=", Hex(size), ", wc=", wc ? "yes" : "no");
		Session_attempt io_mem { _env, "IO_MEM", args };
		if (io_mem._result != Result::GIVEN)
			return io_mem._result;

		Io_mem_session_client session { static_cap_cast<Io_mem_session>(io_mem._cap) };
		Io_mem_dataspace_capability const ds = session.dataspace();
		if (!ds.valid())
			return Result::EMPTY;

		Attached_dataspace mapped { _env.rm(), ds };
		size_t const offset = ((base & (PAGE - 1)) + size - 1) & ~size_t(3);
		(void)*(uint32_t volatile *)(mapped.local_addr<char>() + offset);
		return Result::GIVEN;
	}

	void _check_io_mem(addr_t base, size_t size, bool wc, bool given)
	{
		Result const result = _io_mem(base, size, wc);
		_say("IO_MEM", Args(Hex(base), " ", Hex(size), wc ? " wc" : ""), result,
		     (result == Result::GIVEN) == given);
	}

	void _registers()
	{
		for (unsigned i = 0; i < 2; i++) {
			bool const wc = i;
			_check_io_mem(_bar, _size, wc, true);
			_check_io_mem(_bar, 1, wc, true);
			_check_io_mem(_bar + 0xffd, 3, wc, true);
			_check_io_mem(_bar + 0xffd, 4, wc, _size > PAGE);
		}
		_check_io_mem(_bar, 0, false, false);
		_check_io_mem(_bar, _size + PAGE, false, false);
		_check_io_mem(_bar - 1, 2, false, false);
		_check_io_mem(_bar + _size, 1, false, false);
		_check_io_mem(_bar, ~size_t(0), false, false);
		_check_io_mem(_bar, ~size_t(0) - _bar + 1, false, false);
		_check_io_mem(0, ~size_t(0), false, false);
		_check_io_mem(~addr_t(0), 1, false, false);
		_check_io_mem(0x100000, PAGE, false, false);
		_check_io_mem(_foreign, PAGE, false, false);
		_check_io_mem(_foreign_config, PAGE, false, false);
		_check_io_mem(_config_page, PAGE, false, true);
		_check_io_mem(_config_page, PAGE + 1, false, false);
		_check_io_mem(_config_page + 4, 4, false, true);
	}

	void _ports()
	{
		static char const * const refused[] {
			"io_port_base=0xcf8, io_port_size=8", "io_port_base=0x80, io_port_size=1",
			"io_port_base=0x60, io_port_size=0",  "io_port_base=0xffff, io_port_size=2",
			"io_port_base=65536, io_port_size=1", "io_port_base=0, io_port_size=65536",
			"io_port_base=18446744073709551615, io_port_size=2", "io_port_size=1", "" };

		for (char const *args : refused) {
			Session_attempt ports { _env, "IO_PORT", args };
			_say("IO_PORT", args, ports._result, ports._result == Result::DENIED);
		}
	}

	void _irq(Args const &args, bool given)
	{
		Session_attempt irq { _env, "IRQ", args };
		if (irq._result == Result::GIVEN) {
			Irq_session_client session { static_cap_cast<Irq_session>(irq._cap) };
			session.ack_irq();
			session.sigh(_handler);
			session.sigh(_handler);
			session.ack_irq();
			session.sigh(Signal_context_capability());
			session.ack_irq();
		}
		_say("IRQ", args, irq._result, (irq._result == Result::GIVEN) == given);
	}

	static Args _msi(addr_t page, unsigned number)
	{
		return Args("irq_number=", number, ", irq_type=1, device_config_phys=", Hex(page),
		            ", bdf=0x18");
	}

	void _interrupts()
	{
		_irq(_msi(_foreign_config, 11), false);
		_irq(_msi(0, 11), false);
		_irq(_msi(~addr_t(0), 11), false);
		_irq(_msi(_config_page + 1, 11), false);
		_irq("irq_number=255, irq_type=0", false);
		_irq("irq_number=4294967295, irq_type=0", false);
		_irq("irq_number=-5, irq_type=0", false);
		_irq(_msi(_config_page, 11), true);

		/* two at a time: the second one hears nothing, and is in nobody's way */
		Session_attempt one { _env, "IRQ", _msi(_config_page, 11) };
		if (one._result == Result::GIVEN)
			Irq_session_client(static_cap_cast<Irq_session>(one._cap)).sigh(_handler);
		_irq(_msi(_config_page, 11), true);
		_irq(_msi(_config_page, 12), true);
	}

	/* As many at a time as core has room for, and all again afterwards. */
	void _many(char const *service, Args const &args)
	{
		unsigned given = 0;
		for (unsigned i = 0; i < MANY; i++) {
			_sessions[i].construct(_env, service, args);
			if (_sessions[i]->_result != Result::GIVEN)
				break;
			given++;
			auto const &cap = _sessions[i]->_cap;
			if (service[1] == 'O')
				Io_mem_session_client(static_cap_cast<Io_mem_session>(cap)).dataspace();
			else
				Irq_session_client(static_cap_cast<Irq_session>(cap)).sigh(_handler);
		}
		log(given, " sessions of ", service, " at a time");
		for (unsigned i = 0; i < min(given + 1, unsigned(MANY)); i++)
			_sessions[i].destruct();
	}

	/* Up to what this component has itself; all of it is back afterwards. */
	void _until_quota_ends(char const *service, Args const &args, char const *quota)
	{
		size_t const ram = _env.pd().avail_ram().value, caps = _env.pd().avail_caps().value;

		unsigned given = 0;
		for (; given < MANY; given++) {
			_sessions[given].construct(_env, service, args, quota);
			if (_sessions[given]->_result != Result::GIVEN)
				break;
		}
		bool const ended = given < MANY && _sessions[given]->_result == Result::QUOTA;
		for (Constructible<Session_attempt> &session : _sessions)
			session.destruct();

		bool const back = _env.pd().avail_ram().value == ram
		               && _env.pd().avail_caps().value == caps;
		log(ended && back ? "ok " : "WRONG ", given, " sessions of ", service, " with ", quota,
		    ended ? ", then no quota" : "", back ? ", all of it back" : ", not all of it back");
		_wrong += !ended || !back;
	}

	void _quota()
	{
		struct { char const *service; Args args; } const services[] {
			{ "IO_MEM", Args("base=", Hex(_bar), ", size=", Hex(_size), ", wc=no") },
			{ "IRQ",    _msi(_config_page, 11) },
		};
		static char const * const quotas[] {
			"ram_quota=3M, cap_quota=12", "ram_quota=32K, cap_quota=400",
			"ram_quota=18446744073709551615, cap_quota=12",
			"ram_quota=32K, cap_quota=18446744073709551615", "ram_quota=0, cap_quota=0",
			"quota=?" };

		for (auto const &service : services)
			for (char const *quota : quotas)
				_until_quota_ends(service.service, service.args, quota);
	}

	/* Device PDs by hand, as only the platform driver does. */
	void _domains()
	{
		Session_attempt pd_session { _env, "PD",
			"label=\"odd\", virt_space=0, managing_system=yes", "ram_quota=256K, cap_quota=40" };
		if (pd_session._result != Result::GIVEN) {
			_say("PD", "", pd_session._result, false);
			return;
		}
		Pd_session_client pd { static_cap_cast<Pd_session>(pd_session._cap) };

		bool const foreign = pd.assign_pci(_foreign_config, 0x20);
		_say("assign of a foreign device", "", foreign ? Result::GIVEN : Result::DENIED, !foreign);
		bool const own = pd.assign_pci(_config_page, 0x18);
		_say("assign", "", own ? Result::GIVEN : Result::DENIED, own);

		auto attach = [&] (Dataspace_capability ds, addr_t at) {
			return pd.attach_dma(ds, at).convert<bool>(
				[&] (Genode::Ok) { return true; }, [&] (auto) { return false; }); };
		auto check = [&] (char const *what, Dataspace_capability ds, addr_t at, bool expected) {
			bool const given = attach(ds, at);
			_say("DMA", what, given ? Result::GIVEN : Result::DENIED, given == expected); };

		check("of no dataspace", Dataspace_capability(), 0x100000, false);
		{
			Session_attempt io_mem { _env, "IO_MEM",
				Args("base=", Hex(_bar), ", size=", Hex(_size), ", wc=no") };
			if (io_mem._result == Result::GIVEN)
				check("of registers", Io_mem_session_client(
					static_cap_cast<Io_mem_session>(io_mem._cap)).dataspace(), 0x100000, false);
		}
		unsigned mapped = 0;
		addr_t at = 0x200000;
		for (unsigned i = 0; i < BUFFERS; i++) {
			size_t const size = (i % 12 + 1) * (i % 5 == 0 ? 0x7000 : 1111);
			_buffers[i].construct(_env.ram(), _env.rm(), size);
			mapped += attach(_buffers[i]->cap(), at);
			at += 0x100000;
		}
		log(mapped, " of ", unsigned(BUFFERS), " buffers of odd sizes mapped");
		_wrong += mapped != BUFFERS;

		check("at a place that is taken", _buffers[0]->cap(), 0x200000, false);
		check("at an odd place",          _buffers[0]->cap(), 0x200004 + BUFFERS * 0x100000, false);
		check("at the end of all",        _buffers[0]->cap(), ~addr_t(0) & ~addr_t(0xfff), false);
#ifdef __x86_64__
		check("where interrupts are",     _buffers[0]->cap(), 0xfee00000, false);
#endif

		/* half is unmapped; of the rest the memory goes first, then the device PD */
		Hwb::Address_space space { pd.address_space() };
		for (unsigned i = 0; i < BUFFERS; i += 2)
			space.detach(0x200000 + i * 0x100000);
		space.detach(0x200000);
		space.detach(0x12345678);
		for (Constructible<Attached_ram_dataspace> &buffer : _buffers)
			buffer.destruct();
	}

	Main(Env &env) : _env(env)
	{
		unsigned const line = unsigned(_number("storm_line"));
		if (line) {
			_edu.construct(_env, Args("base=", Hex(_bar), ", size=", Hex(_size), ", wc=no"),
			               Args("irq_number=", line, ", irq_type=0"), _stormy);
			return;
		}
		_registers();
		_ports();
		_interrupts();
		_domains();
		_quota();

		_many("IO_MEM", Args("base=", Hex(_bar), ", size=", Hex(_size), ", wc=no"));
		_many("IRQ", _msi(_config_page, 11));
		for (unsigned i = 0; i < ROUNDS; i++) {
			Session_attempt irq { _env, "IRQ", _msi(_config_page, 11) };
			if (irq._result == Result::GIVEN && i % 3)
				Irq_session_client(static_cap_cast<Irq_session>(irq._cap)).sigh(_handler);
		}
		_registers();
		_domains();
		_interrupts();

		log("hwb_odd test done, ", _wrong, " wrong");
	}
};


void Component::construct(Env &env) { static Main main { env }; }
