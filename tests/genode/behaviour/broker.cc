/* SPDX-License-Identifier: MIT */
/* Core's connection: there is a broker, or none, or none any more. */
#include <test.h>

#include <hwb/errands.h>

using namespace Stub_runtime;

static void no_broker()
{
	Test_core core;

	must(logged("Warning: hwbroker: no broker at") == 1,
	     "core says once that there is no broker");
	must(!core.io_mem("base=0xfe000000, size=0x1000, wc=no"), "no registers");
	must(!core.irq("irq_number=40, irq_type=0"), "no interrupt");
	must(!core.ports("io_port_base=64, io_port_size=4"), "no ports");

	Test_device_pd pd(core);
	Test_ram ram(core, 0x2000);
	must(ram.cap.valid(), "RAM is there");
	must(pd.attach_dma(ram.cap, 0x4000).failed(), "no DMA");
	must(!pd.assign_pci(CARD_CONFIG, 0x18), "no device");
	must(logged("hwbroker: ") == 1, "and nothing more is said");
}

static void greets()
{
	Test_with_broker test;

	must(logged("connected, as client \"core\"; DMA, legacy ports") == 1, "says who it is");
	must(logged("0000:00:03.0 8086:10d3, class 020000") == 1, "says which devices");
	must(logged("2 devices") == 1, "says how many");
	must(test.broker.times("DEVICE_LIST") == 1, "asks once");
	must(test.broker.times("acquire") == 0, "and acquires none of them");
}

static void not_admitted()
{
	Test_with_broker test{ [](Stub_broker &broker) {
		broker.refuse(HWB_HELLO, HWB_NOT_ADMITTED);
	} };

	must(logged("the test says no") == 1, "says why");
	must(!test.core.io_mem("base=0xfe000000, size=0x1000"), "no registers");
	must(!test.core.ports("io_port_base=64, io_port_size=4"), "no ports");
}

static void hangs_up()
{
	Test_with_broker test;
	auto *const held = test.core.io_mem("base=0xfe000000, size=0x1000");
	auto *const later = test.core.io_mem("base=0xd0000000, size=0x1000");
	auto *const ports = test.core.ports("io_port_base=64, io_port_size=4");
	Test_device_pd pd(test.core);
	Test_ram ram(test.core, 0x1000);

	must(held->dataspace().valid() && later && ports, "all is well");
	test.broker.hang_up();
	must(waits_for_log("the broker hung up"), "core says so");

	must(!later->dataspace().valid(), "no registers any more");
	must(ports->inb(0x40) == 0, "ports read 0");
	must(pd.attach_dma(ram.cap, 0x4000).failed(), "no DMA any more");
	must(!test.core.ports("io_port_base=64, io_port_size=4"), "no new session of ports");
	test.core.close(held);
	test.core.close(later);
	test.core.close(ports);
	must(logged("the broker hung up") == 1, "once");
}

static void policy_changes()
{
	Test_with_broker test{ [](Stub_broker &broker) { broker.list(1); } };

	must(!test.core.io_mem("base=0xd0000000, size=0x1000"), "the disk is nobody's");
	test.broker.list(2);
	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	must(waits_for_log("have changed"), "core says so");
	must(waits_for_log("2 devices"), "and what it has now");
	must(test.core.io_mem("base=0xd0000000, size=0x1000") != nullptr, "the disk is there");

	/* while the broker has not answered yet, what was given is there */
	test.broker.hold(HWB_DEVICE_LIST);
	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	must_become([&] { return test.broker.times("DEVICE_LIST") == 3; }, "core asks again");
	must(test.core.io_mem("base=0xd0000000, size=0x1000") != nullptr,
	     "the disk is still there");
	test.broker.go_on();

	test.broker.list(1);
	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	must_become([&] { return logged("1 device\n") == 2; }, "core has one device again");
	must(!test.core.io_mem("base=0xd0000000, size=0x1000"), "the disk is nobody's again");
}

static void device_changes()
{
	Test_with_broker test;
	hwb_device_event event{ test.broker.devices[Stub_broker::CARD].address, HWB_CHANGE_REVOKED,
		                0 };

	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must(waits_for_log("0000:00:03.0 8086:10d3, class 020000 was taken back"), "core says so");
	event.change = HWB_CHANGE_FREED;
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	event.change = HWB_CHANGE_ASKED_BACK;
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must(waits_for_log("is asked back"), "and that");
	must(logged("Warning: ") == 2, "but not what everybody expects");
}

/* Requests that nobody waits for, more of them than there is room for. */
static void errands()
{
	Test_with_broker test;
	static unsigned ended;

	for (unsigned i = 0; i < 200; i++)
		Core::Hwb::broker().errands().send("test", HWB_CLOSE, 77, nullptr, 0, [](void *) {
			__atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
		});
	must_become([&] { return __atomic_load_n(&ended, __ATOMIC_RELAXED) == 200; },
	            "all are answered");
	test.settle();
	must(test.broker.times("close nothing") == 200, "all came");
	must(logged("Error") == 0, "to close what is closed is no mistake");
}

Test const broker_tests[] = {
	{ "core starts without a broker", no_broker }, { "core greets the broker", greets },
	{ "core is not admitted", not_admitted },      { "the broker hangs up", hangs_up },
	{ "the policy changes", policy_changes },      { "a device is revoked", device_changes },
	{ "requests that nobody waits for", errands }, { nullptr, nullptr },
};
