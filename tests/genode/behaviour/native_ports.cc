/* SPDX-License-Identifier: MIT */
/* I/O ports by instructions, where a launcher says that core may. */
#include <test.h>

#include <hwb/native_ports.h>
#include <port_instructions.h>

using namespace Stub_runtime;
using Core::Hwb::ports_in_list;

namespace
{

char const *const PIT = "io_port_base=64, io_port_size=4";

/* before core starts */
struct Launcher {
	char *environment[4]{};

	explicit Launcher(char const *ports)
	{
		static char other[] = "HWB_NATIVE_PORT=0x0-0xffff",
		            another[] = "PATH=HWB_NATIVE_PORTS=0x0-0xffff";
		static char variable[100];

		Genode::copy_cstring(variable, "HWB_NATIVE_PORTS=", sizeof(variable));
		Genode::copy_cstring(variable + strlen(variable), ports,
		                     sizeof(variable) - strlen(variable));
		environment[0] = other;
		environment[1] = another;
		environment[2] = variable;
		lx_environ = environment;
		catch_port_instructions();
	}

	Launcher(Launcher const &) = delete;
	Launcher &operator=(Launcher const &) = delete;
};

void lists()
{
	char const *const usual = "0x40-0x43,0x61";

	must(ports_in_list(usual, 0x40, 4) && ports_in_list(usual, 0x43, 1), "a range");
	must(ports_in_list(usual, 0x61, 1), "a port alone");
	must(!ports_in_list(usual, 0x3f, 2) && !ports_in_list(usual, 0x43, 2), "not those beside");
	must(!ports_in_list(usual, 0x60, 2) && !ports_in_list(usual, 0x62, 1), "of a port alone");
	must(!ports_in_list(usual, 0x40, 0x22), "nor what is between");

	must(ports_in_list("40-43,Cf8-cFf", 0xcf8, 8), "hexadecimal as anybody writes it");
	must(ports_in_list("0x61,0x40-0x43", 0x40, 4), "in any order");
	must(ports_in_list("0x42-0x43,0x40-0x41", 0x40, 4), "one range named in parts");
	must(ports_in_list("0x41-0x50,0x30-0x42", 0x40, 4), "parts that overlap");
	must(ports_in_list("0-0xffff", 0, 0x10000), "all there are");
	must(!ports_in_list("0-0xffff", 1, 0x10000), "and no more");
}

void bad_lists()
{
	static char const *const bad[] = {
		"",         ",",          "0x",         "-",         "-0x40",      "0x40-",
		"0x40--43", "0x40-43-5",  "0x40-0x43;", "0x43-0x40", "ports",      " 0x40",
		"0x40 ",    "0x40g",      "0X40",       "0x100040",  "0x0x40",     "0x40:0x43",
		",0x40",    "0x41,,0x40", "0x41,x40",   "0x41;0x40", "0x30-0x50x", "\xb4\xb0",
	};

	for (char const *list : bad)
		must(!ports_in_list(list, 0x40, 1), list);
	must(ports_in_list("0x40-0x43,,0x61", 0x40, 4), "what comes before a mistake counts");
	must(!ports_in_list("0x40-0x43,,0x61", 0x61, 1), "what is behind it does not");
}

void by_instructions()
{
	Launcher launcher("0x40-0x43,0x61");
	Test_with_broker test;
	auto *const session = test.core.ports(PIT);

	must(session != nullptr, "core has the ports");
	must(session->inb(0x40) == 0x12 && session->inw(0x40) == 0x1234 &&
	             session->inl(0x40) == 0x12345678,
	     "what the machine reads");
	session->outb(0x43, 0xb4);
	session->outw(0x42, 0xabcd);
	session->outl(0x40, 0x87654321);
	must(port_instructions("in 8 at 0x40\nin 16 at 0x40\nin 32 at 0x40\n"
	                       "out 8 at 0x43: 0xb4\nout 16 at 0x42: 0xabcd\n"
	                       "out 32 at 0x40: 0x87654321\n") == 1,
	     "an instruction each, in order");

	must(session->inb(0x44) == 0 && session->inw(0x43) == 0, "a port beside them reads 0");
	session->outb(0x61, 1);
	must(port_instructions("at 0x") == 6, "and is left alone, even where core may");
	test.core.close(session);
	test.settle();
	must(test.broker.times("ports") == 0 && test.broker.times(" at 0x") == 0,
	     "the broker is not asked");
	must(logged("Error") == 0 && logged("Warning") == 0, "nor is there a complaint");
}

void without_broker()
{
	Launcher launcher("0x40-0x43");
	Test_core core;
	auto *const session = core.ports(PIT);

	must(session && session->inb(0x43) == 0x12, "no broker is needed");
	must(port_instructions("in 8 at 0x43") == 1, "for an instruction");
	must(!core.ports("io_port_base=97, io_port_size=1"), "but for a request");
}

/* all of a session's ports, or none of them */
void others_by_requests()
{
	Launcher launcher("0x40-0x42,0x61");
	Test_with_broker test;
	auto *const session = test.core.ports(PIT);
	auto *const speaker = test.core.ports("io_port_base=97, io_port_size=1");

	must(test.broker.times("ports 0x40+4\n") == 1, "one port is not in the list");
	must(session->inb(0x40) == 0x12, "what the broker reads");
	session->outb(0x43, 0x34);
	must(test.broker.times("in 8 at 0x40: 0\nout 8 at 0x43: 0x34\n") == 1, "by the broker");
	must(port_instructions("at 0x") == 0, "without an instruction");

	must(speaker->inb(0x61) == 0x12, "a session whose ports are");
	must(port_instructions("in 8 at 0x61\n") == 1, "has the instruction");
	test.core.close(session);
	test.core.close(speaker);
	test.must_have_open(0);
	must(test.broker.times("ports") == 2, "one was opened and closed");
}

void bad_variable()
{
	Launcher launcher("ports");
	Test_with_broker test;
	auto *const session = test.core.ports(PIT);

	must(session && session->inb(0x40) == 0x12, "core goes on");
	must(test.broker.times("in 8 at 0x40") == 1, "by the broker");
	must(port_instructions("at 0x") == 0, "without an instruction");
}

/* a port of a device is there only while core has the device */
void bar()
{
	Launcher launcher("0xc000-0xc01f");
	Test_with_broker test;
	auto *const session = test.core.ports("io_port_base=49152, io_port_size=32");
	auto *const refused = test.core.ports("io_port_base=49152, io_port_size=32");

	test.broker.refuse(HWB_DEVICE_ACQUIRE, HWB_BUSY);
	must(refused->inb(0xc000) == 0, "a refused device reads 0");
	must(port_instructions("at 0x") == 0, "and is left alone");

	must(session->inb(0xc01f) == 0x12, "one that core has");
	must(test.broker.times("acquire card without a domain\n") == 2, "is acquired first");
	must(port_instructions("in 8 at 0xc01f\n") == 1, "and then needs no request");
	must(test.broker.times("ports") == 0, "and then needs no request");
	test.core.close(session);
	test.core.close(refused);
	test.must_have_open(0);
	must(test.broker.times("close device") == 1, "the device goes with the session");
}

} // namespace

Test const native_port_tests[] = {
	{ "lists of native ports", lists },
	{ "bad lists of native ports", bad_lists },
	{ "native ports", by_instructions },
	{ "native ports without a broker", without_broker },
	{ "ports that are not native", others_by_requests },
	{ "a bad list of native ports leaves the broker", bad_variable },
	{ "native ports of a device", bar },
	{ nullptr, nullptr },
};
