/* SPDX-License-Identifier: MIT */
/* Registers and configuration space as dataspaces. */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include <test.h>

using namespace Stub_runtime;
using Core::Io_mem_session_component;

namespace
{

Core::Dataspace_component &dataspace(Io_mem_session_component *session)
{
	auto *const ds = dynamic_cast<Core::Dataspace_component *>(object_of(session->dataspace()));

	must(ds != nullptr, "there is a dataspace");
	return *ds;
}

/* four bytes of what is behind it */
bool begins_with(Io_mem_session_component *session, char const *text, long offset = 0)
{
	char there[4];

	return pread(fd_of(session->dataspace()), there, 4, offset) == 4 &&
	       memcmp(there, text, 4) == 0;
}

void by_address()
{
	Test_with_broker test;
	auto *const session = test.core.io_mem("base=0xfe000000, size=0x20000, wc=no, label=\"x\"");

	must(session != nullptr, "the BAR is found");
	must(test.broker.times("acquire") == 0, "nothing is acquired before it is used");
	must(begins_with(session, "BAR0"), "it is the BAR");
	must(test.broker.times("acquire card without a domain") == 1, "its device was acquired");
	must(test.broker.times("bar 0 of card from 0 uncached") == 1, "its BAR was opened");

	Core::Dataspace_component &ds = dataspace(session);
	must(ds.size() == 0x20000 && ds.writeable(), "all of it, to be written");
	must(ds.stub_cache() == Core::UNCACHED, "uncached");
	must(ds.phys_addr() == 0xfe000000, "where it is");
	must(session->dataspace() == session->dataspace(), "the same each time");
	must(test.broker.times("bar 0") == 1, "not opened again");

	test.core.close(session);
	test.must_have_open(0);
	must(test.broker.saw("close bar\nclose device\n"), "registers first, then the device");
}

/* to take an object, Genode's entrypoints wait for each other: core's does for that of registers */
void own_entrypoint()
{
	Test_with_broker test;
	auto *const session = test.core.io_mem("base=0xfe000000, size=0x20000, wc=no");
	bool core_has_it = true;

	must(session->dataspace().valid(), "there is a dataspace");
	test.core.ep.apply(session->dataspace(),
	                   [&](Core::Dataspace_component *ds) { core_has_it = ds != nullptr; });
	must(!core_has_it, "which core's own entrypoint had not to be waited for to have");
	test.core.close(session);
}

/* whoever opens or closes a session waits for its entrypoint, which may wait for a device's reset
 */
void devices_apart()
{
	Test_with_broker test;
	auto entrypoint = [](auto const &cap) { return cap.stub_data()->entrypoint; };
	auto *const card = test.core.io_mem("base=0xfe000000, size=0x20000");
	auto *const same = test.core.io_mem("base=0x4000000000018000, size=0x1000");
	auto *const disk = test.core.io_mem("base=0xd0000000, size=0x1000");
	auto *const list = test.core.io_mem("base=0x6000000000000000, size=0x1000");

	must(card && same && disk && list, "two devices and the list of them");
	must(entrypoint(card->cap()) != entrypoint(disk->cap()), "devices have their own");
	must(entrypoint(list->cap()) != entrypoint(card->cap()) &&
	             entrypoint(list->cap()) != entrypoint(disk->cap()),
	     "and the list is in line behind none");
	must(entrypoint(card->dataspace()) == entrypoint(card->cap()),
	     "a dataspace as its session");
	must(entrypoint(same->cap()) == entrypoint(card->cap()), "a device has one");
	Io_mem_session_component *const all[]{ card, same, disk, list };
	for (auto *session : all) {
		Genode::Untyped_capability const cap = session->cap();

		test.core.close(session);
		must(object_of(cap) == nullptr, "who is closed is not called any more");
	}
	test.must_have_open(0);
}

void write_combined()
{
	Test_with_broker test;
	auto *const session = test.core.io_mem("base=0xd0000000, size=0x4000, wc=yes");

	must(dataspace(session).stub_cache() == Core::WRITE_COMBINED, "by the dataspace");
	must(test.broker.times("bar 0 of disk from 0 wc") == 1, "by the broker");
}

/* BAR 1 of the card starts at 0x800 in its page, and Genode adds that itself */
void unaligned()
{
	Test_with_broker test;
	auto *const session = test.core.io_mem("base=0xfe100800, size=0x100, wc=no");

	must(session != nullptr, "the BAR is found");
	must(begins_with(session, "BAR1"), "it is the BAR");
	must(dataspace(session).size() == 0x1000, "a page");
	must(dataspace(session).phys_addr() == 0xfe100000, "from its start");
}

void refused()
{
	Test_with_broker test;
	static char const *const wrong[] = {
		"base=0xfe000000, size=0",          "base=0xfe000000, size=0x20001",
		"base=0xfe100800, size=0x801",      "base=0xffffffffffff0000, size=0x20000",
		"base=0xc0000000, size=0x1000",     "base=0xff000, size=0x2000",
		"base=0xfdfff000, size=0x2000",     "base=0x4000000000018000, size=0x2000",
		"base=0x4000000000020000, size=16", "base=0xfe000000, size=0xffffffff02000000",
		"base=0xffffffffffffffff, size=1",
	};

	for (char const *args : wrong)
		must(!test.core.io_mem(args), args);
	must(test.broker.times("acquire") == 0, "and nothing is asked for");
	must(logged("Warning: hwbroker: none of the devices has these registers: ") > 0, "says so");
}

void shared_device()
{
	Test_with_broker test;
	auto *const first = test.core.io_mem("base=0xfe000000, size=0x1000");
	auto *const second = test.core.io_mem("base=0xfe000000, size=0x20000");
	auto *const third = test.core.io_mem("base=0xfe100800, size=0x100");

	must(begins_with(first, "BAR0") && begins_with(second, "BAR0") &&
	             begins_with(third, "BAR1"),
	     "all are there");
	must(test.broker.times("acquire") == 1, "one device");
	must(fd_of(first->dataspace()) != fd_of(second->dataspace()), "a descriptor each");

	test.core.close(first);
	test.core.close(third);
	test.must_have_open(2);
	must(test.broker.times("close device") == 0, "the device is still in use");
	test.core.close(second);
	test.must_have_open(0);
	must(test.broker.times("close device") == 1, "until the last one goes");

	auto *const again = test.core.io_mem("base=0xfe000000, size=0x1000");
	must(begins_with(again, "BAR0"), "it can be had again");
}

void acquire_refused()
{
	Test_with_broker test;
	auto *const session = test.core.io_mem("base=0xfe000000, size=0x1000");

	test.broker.refuse(HWB_DEVICE_ACQUIRE, HWB_BUSY);
	must(!session->dataspace().valid(), "no dataspace");
	must(logged("the test says no (BUSY)") == 1, "says why");
	must(session->dataspace().valid(), "the next call asks again");
	test.core.close(session);
	test.must_have_open(0);
}

void registers_refused()
{
	Test_with_broker test;
	auto *const session = test.core.io_mem("base=0xfe000000, size=0x1000");

	test.broker.refuse(HWB_IO_MEM_OPEN_BAR, HWB_DENIED);
	must(!session->dataspace().valid(), "no dataspace");
	must(logged("registers: the test says no (DENIED)") == 1, "says why");
	test.core.close(session);
	test.must_have_open(0);
}

void configuration_page()
{
	Test_with_broker test;
	auto *const session = test.core.io_mem("base=0x4000000000018000, size=0x1000");
	static char const ids[] = { '\x86', '\x80', '\xd3', '\x10' };

	must(begins_with(session, ids), "it has the device's ids");
	must(test.broker.times("acquire") == 0, "the host keeps the device");
	must(dataspace(session).size() == 0x1000 && dataspace(session).writeable(), "a page");
	test.core.close(session);

	/* of a device in use, the page has what is in the device */
	auto *const registers = test.core.io_mem("base=0xfe000000, size=0x1000");
	must(registers->dataspace().valid(), "the device is in use");
	auto *const genuine = test.core.io_mem("base=0x4000000000018000, size=0x1000");
	must(begins_with(genuine, "\0\xee\xff\xc0", 0x80), "then it is a copy");
	must(begins_with(genuine, ids), "with the device's ids");
	test.core.close(genuine);
	test.core.close(registers);
	test.must_have_open(0);
}

/* what is plugged in where another device was has its own page, also for who had the other's */
void configuration_of_another()
{
	Test_with_broker test;
	static char const ids[] = { '\x36', '\x1b', '\x10', '\0' }, network[] = "\xf4\x1a\x41\x10";
	hwb_device_event event{ test.broker.devices[Stub_broker::DISK].address, HWB_CHANGE_REMOVED,
		                0 };
	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	auto *const page = test.core.io_mem("base=0x4000000000400000, size=0x1000");

	must(registers->dataspace().valid(), "the disk is in use");
	must(begins_with(page, ids), "the disk's");
	must(begins_with(page, "\0\xee\xff\xc0", 0x80), "as it is");
	test.core.close(registers);
	test.core.close(page);

	test.broker.list(1);
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must(waits_for_log("1 device\n"), "the disk is gone");
	test.broker.plug_in(Stub_broker::DISK, 0x1af4, 0x1041);
	test.broker.list(2);
	event.change = HWB_CHANGE_ARRIVED;
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must_become([&] { return logged("2 devices\n") == 2; }, "a network card is in its place");
	auto *const other = test.core.io_mem("base=0x4000000000400000, size=0x1000");
	must(begins_with(other, network), "which has its own ids");
	must(test.broker.times("acquire disk") == 2, "and was looked at, as it is of virtio");
	test.core.close(other);
	test.must_have_open(0);
}

uint32_t word_of(Io_mem_session_component *session, long offset)
{
	uint32_t word = 0;

	must(pread(fd_of(session->dataspace()), &word, sizeof(word), offset) == sizeof(word),
	     "it has memory");
	return word;
}

/* what runs a BIOS writes to it: a copy each */
void below_1_mib()
{
	Test_with_broker test;
	auto *const rom = test.core.io_mem("base=0xc0000, size=0x9000");
	auto *const again = test.core.io_mem("base=0xc0000, size=0x1000");
	auto *const vectors = test.core.io_mem("base=0x10, size=0x400");
	uint32_t const mine = 0x12345678;

	must(rom && again && vectors, "the policy is asked later");
	must(word_of(rom, 0) == 0xc0000 && word_of(rom, 0x8ffc) == 0xc8ffc, "a copy of ROMs");
	must(word_of(vectors, 0) == 0 && word_of(vectors, 0xffc) == 0xffc, "and by requests");
	must(test.broker.times("memory 0x0+0x1000") + test.broker.times("memory 0+0x1000") == 1,
	     "whole pages");
	must(dataspace(rom).writeable() && dataspace(rom).size() == 0x9000, "it may be written to");
	must(pwrite(fd_of(rom->dataspace()), &mine, sizeof(mine), 0) == sizeof(mine), "written");
	must(word_of(again, 0) == 0xc0000, "by its owner alone");
	test.settle();
	test.must_have_open(0);
	test.core.close(rom);
	test.core.close(again);
	test.core.close(vectors);
}

void is_vga_card(Stub_broker &broker)
{
	broker.devices[Stub_broker::CARD].class_code = 0x030000;
}

/* a card is taken from the host before its BIOS is run, and stays as long as that is open */
void bios_of_a_card()
{
	Test_with_broker test(is_vga_card);
	auto *const vectors = test.core.io_mem("base=0, size=0x1000");

	must(vectors->dataspace().valid() && test.broker.times("acquire") == 0, "not of a card");
	auto *const bios = test.core.io_mem("base=0xc0000, size=0x1000");
	must(word_of(bios, 0) == 0xc0000, "a copy");
	must(test.broker.times("acquire card") == 1, "of a card that it has");
	auto *const ports = test.core.ports("io_port_base=0x3c4, io_port_size=2");
	must(ports && ports->inb(0x3c4) == 0x12, "and its ports");
	must(test.broker.times("acquire card") == 1, "it is the same card");
	test.core.close(bios);
	test.core.close(vectors);
	test.settle();
	must(test.broker.times("close device") == 0, "the card is in use");
	test.core.close(ports);
	test.must_have_open(0);

	auto *const refused = test.core.io_mem("base=0xc0000, size=0x1000");
	test.broker.refuse(HWB_DEVICE_ACQUIRE, HWB_BUSY);
	must(!refused->dataspace().valid(), "none of a card that is not to be had");
}

void not_below_1_mib()
{
	Test_with_broker test;
	auto *const window = test.core.io_mem("base=0xa0000, size=0x1000");
	auto *const forced = test.core.io_mem("base=0x9f000, size=0x1000");
	auto *const rom = test.core.io_mem("base=0xc0000, size=0x1000");

	must(!window->dataspace().valid(), "not the window");
	must(logged("the VGA window has no descriptor") == 1, "says so");
	must(!forced->dataspace().valid(), "not a descriptor of all memory");
	must(logged("`access = fd'") == 1, "says so");
	test.broker.refuse(HWB_IO_MEM_OPEN, HWB_DENIED);
	must(!rom->dataspace().valid(), "not what the policy does not give");
	must(logged("legacy memory: the test says no (DENIED)") == 1, "says why");
	test.broker.refuse(HWB_IO_MEM_BATCH, HWB_GONE);
	auto *const vectors = test.core.io_mem("base=0, size=0x1000");
	must(!vectors->dataspace().valid(), "not what is taken meanwhile");
	test.settle();
	test.must_have_open(0);
}

void no_leak()
{
	Test_with_broker test;
	int const before = dup(0);
	::close(before);

	for (unsigned i = 0; i < 50; i++) {
		auto *const session = test.core.io_mem("base=0xfe000000, size=0x1000");
		must(session->dataspace().valid(), "it opens");
		test.core.close(session);
		test.must_have_open(0);
	}
	int const after = dup(0);
	must(after == before, "no descriptor is left");
}

int registers;
unsigned sent, sent_with_registers;

void look_for_registers()
{
	sent++;
	sent_with_registers += fcntl(registers, F_GETFD) >= 0;
}

/* who still has some keeps the device from everybody */
void registers_first()
{
	Test_with_broker test;
	auto *const session = test.core.io_mem("base=0xfe000000, size=0x1000");

	registers = fd_of(session->dataspace());
	must(registers >= 0, "it opens");
	before_send = look_for_registers;
	test.core.close(session);
	before_send = nullptr;
	must(sent == 2, "registers and device are given back");
	must(sent_with_registers == 0, "and core had no descriptor of them any more");
}

void *waiting(void *session)
{
	return static_cast<Io_mem_session_component *>(session)->dataspace().valid() ? session
	                                                                             : nullptr;
}

/* the entrypoint of registers waits for the reset, and the rest of core does not */
void slow_device()
{
	Test_with_broker test;
	auto *const session = test.core.io_mem("base=0xd0000000, size=0x1000");
	auto *const other = test.core.io_mem("base=0xfe000000, size=0x1000");
	Test_device_pd pd(test.core);
	pthread_t thread;
	void *got = nullptr;

	test.broker.hold(HWB_DEVICE_ACQUIRE);
	must(pd.assign_pci(DISK_CONFIG, 0x400), "assigned, as far as the driver knows");
	must(test.broker.saw("acquire disk into a domain"), "but the broker still works on it");
	pthread_create(&thread, nullptr, waiting, session);
	usleep(50000);
	must(test.broker.times("bar") == 0, "registers wait");
	must(test.core.ports("io_port_base=64, io_port_size=4") != nullptr, "others are served");

	test.broker.go_on();
	pthread_join(thread, &got);
	must(got == session, "then they are there");
	must(other->dataspace().valid(), "and others, too");
	must(test.broker.times("acquire disk") == 1, "it was acquired once");
}

} // namespace

Test const io_mem_tests[] = {
	{ "registers by address", by_address },
	{ "registers do not wait for core's entrypoint", own_entrypoint },
	{ "a device's registers do not wait for another's", devices_apart },
	{ "registers, write-combined", write_combined },
	{ "registers that start within a page", unaligned },
	{ "registers that no device has", refused },
	{ "registers of one device, opened several times", shared_device },
	{ "a device that the broker refuses", acquire_refused },
	{ "registers that the broker refuses", registers_refused },
	{ "configuration space as a page", configuration_page },
	{ "configuration space of a device in another's place", configuration_of_another },
	{ "what is below 1 MiB, as copies", below_1_mib },
	{ "what is below 1 MiB, of a VGA card", bios_of_a_card },
	{ "what is not to be had of that", not_below_1_mib },
	{ "registers leave no descriptor behind", no_leak },
	{ "registers are closed before they are given back", registers_first },
	{ "a slow device does not stop core", slow_device },
	{ nullptr, nullptr },
};
