/* SPDX-License-Identifier: MIT */
/* I/O ports by requests. */
#include <test.h>

using namespace Stub_runtime;

namespace
{

void legacy()
{
	Test_with_broker test;
	auto *const session = test.core.ports("io_port_base=64, io_port_size=4");

	must(session != nullptr && test.broker.times("ports 0x40+4") == 1, "asked for at once");
	must(session->inb(0x40) == 0x12 && session->inw(0x40) == 0x1234 &&
	             session->inl(0x40) == 0x12345678,
	     "what the broker reads");
	session->outb(0x43, 0xb4);
	session->outw(0x42, 0xabcd);
	session->outl(0x40, 0x87654321);
	must(test.broker.times("out 8 at 0x43: 0xb4\nout 16 at 0x42: 0xabcd\n"
	                       "out 32 at 0x40: 0x87654321\n") == 1,
	     "what the driver writes, in order");
	test.core.close(session);
	test.must_have_open(0);
}

void out_of_range()
{
	Test_with_broker test;
	auto *const session = test.core.ports("io_port_base=64, io_port_size=4");

	must(session->inb(0x3f) == 0 && session->inb(0x44) == 0, "a port beside it reads 0");
	must(session->inw(0x43) == 0 && session->inl(0x41) == 0, "so does one that ends beside it");
	session->outb(0x44, 1);
	test.settle();
	must(test.broker.times(" at 0x") == 0, "and nobody is asked");
}

/* the broker knows which there are, if it hears of what the driver wants as it is */
void wrong()
{
	Test_with_broker test;
	static struct {
		char const *args, *request;
	} const wrong[] = {
		{ "io_port_base=64, io_port_size=0", "ports 0x40+0\n" },
		{ "io_port_base=65535, io_port_size=2", "ports 0xffff+2\n" },
		{ "io_port_base=65536, io_port_size=1", "ports 0x10000+1\n" },
		{ "io_port_base=0x100000040, io_port_size=4", "ports 0x10000+4\n" },
		{ "io_port_base=64, io_port_size=0x100000004", "ports 0x40+65536\n" },
	};

	for (auto const &[args, request] : wrong) {
		test.broker.refuse(HWB_IO_PORT_OPEN, HWB_INVALID);
		must(!test.core.ports(args), args);
		must(test.broker.times(request) == 1, request);
	}
}

void refused()
{
	Test_with_broker test;

	test.broker.refuse(HWB_IO_PORT_OPEN, HWB_DENIED);
	must(!test.core.ports("io_port_base=112, io_port_size=2"), "the driver hears of it");
	must(logged("ports: the test says no (DENIED)") == 1, "and the log says why");
	must(test.core.ports("io_port_base=112, io_port_size=2") != nullptr,
	     "the next one is asked for");

	auto *const session = test.core.ports("io_port_base=64, io_port_size=4");
	test.broker.refuse(HWB_IO_PORT_BATCH, HWB_GONE);
	must(session->inb(0x40) == 0, "a refused access reads 0");
}

void bar()
{
	Test_with_broker test;
	auto *const session = test.core.ports("io_port_base=49152, io_port_size=32");

	must(session != nullptr, "the BAR is found");
	must(test.broker.times("acquire") == 0 && test.broker.times("ports") == 0,
	     "nothing is acquired before it is used");
	must(session->inb(0xc000) == 0x12, "the first access works");
	must(test.broker.times("acquire card without a domain\n") == 1, "and acquires the device");
	must(session->inb(0xc01f) == 0x12, "the last port");
	must(test.broker.times("acquire") == 1, "once");
	test.core.close(session);
	test.must_have_open(0);
	must(test.broker.times("close device") == 1, "the device goes with the session");
}

} // namespace

Test const port_tests[] = {
	{ "legacy ports", legacy },
	{ "ports out of range", out_of_range },
	{ "ports that there are not", wrong },
	{ "ports that the broker refuses", refused },
	{ "ports of a device", bar },
	{ nullptr, nullptr },
};
