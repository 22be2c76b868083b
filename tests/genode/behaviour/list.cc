/* SPDX-License-Identifier: MIT */
/* The list of devices, as memory and as an interrupt, for who serves it as a ROM module. */
#include <string.h>

#include <test.h>

#include <hwb/devices_rom.h>

using namespace Stub_runtime;

namespace
{

struct Text {
	char bytes[0x10000];

	Text(Test_core &core, char const *args)
	{
		auto *const session = core.io_mem(args);

		memset(bytes, 0, sizeof(bytes));
		must(session != nullptr, "there is such memory");
		must(pread(fd_of(session->dataspace()), bytes, sizeof(bytes) - 1, 0) > 0,
		     "with something in it");
		core.close(session);
	}

	bool has(char const *words) const
	{
		return strstr(bytes, words) != nullptr;
	}

	bool complete() const
	{
		size_t const length = strlen(bytes), end = strlen(Hwb_devices_rom::END);

		return length >= end && strcmp(bytes + length - end, Hwb_devices_rom::END) == 0;
	}
};

void as_memory()
{
	static_assert(Hwb_devices_rom::ADDRESS == 0x6000000000000000);
	Test_with_broker test;
	Text const text(test.core, "base=0x6000000000000000, size=0x4000");

	must(text.complete(), "all of it");
	must(text.has("\"00:03.0\"") && text.has("\"04:00.0\""), "both devices");
	must(text.has("address=\"0x4000000000018000\""), "where their configuration spaces are");

	must(Text(test.core, "base=0x6000000000000000, size=0x80").complete(),
	     "a page is enough for it");
	must(!test.core.io_mem("base=0x6000000000000000, size=0x1000000"), "no more than there is");
	must(test.broker.times("acquire") == 0, "the devices are left alone");
}

void changes()
{
	Test_with_broker test{ [](Stub_broker &broker) { broker.list(1); } };
	auto *const session = test.core.irq("irq_number=\"hwb_devices\", "
	                                    "device_config_phys=0x6000000000000000, irq_type=1");
	Core::Signal_context_capability const sigh = signal_context();

	must(session != nullptr, "there is such an interrupt");
	session->sigh(sigh);
	must(!Text(test.core, "base=0x6000000000000000, size=0x4000").has("\"04:00.0\""),
	     "the disk is nobody's");
	test.broker.list(2);
	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	must(take_signals(sigh) >= 1, "a change is a signal");
	must(Text(test.core, "base=0x6000000000000000, size=0x4000").has("\"04:00.0\""),
	     "and the list is the new one then");
	session->ack_irq();

	test.broker.list(1);
	hwb_device_event const event{ test.broker.devices[Stub_broker::DISK].address,
		                      HWB_CHANGE_REMOVED, 0 };
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must(take_signals(sigh) >= 1, "so is a device that is removed");
	must(!Text(test.core, "base=0x6000000000000000, size=0x4000").has("\"04:00.0\""),
	     "which is not in the list any more");
	test.core.close(session);

	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	must_become([&] { return test.broker.times("DEVICE_LIST") == 4; }, "it is listed again");
	test.settle();
	must(test.broker.times("acquire") == 0, "the devices are left alone");
}

/* whoever looks after drivers can end that of a device before it is taken */
void asked_back()
{
	Test_with_broker test;
	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	hwb_device_event event{ test.broker.devices[Stub_broker::DISK].address,
		                HWB_CHANGE_ASKED_BACK, 5000 };

	must(registers->dataspace().valid(), "the disk is in use");
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must(waits_for_log("is asked back"), "core says so");
	must(waits_for_log("1 device\n"), "and has one less");
	Text const without(test.core, "base=0x6000000000000000, size=0x4000");
	must(without.has("\"00:03.0\"") && !without.has("\"04:00.0\""), "nor is it in the list");
	must(!test.core.io_mem("base=0xd0000000, size=0x1000"), "nobody opens it anew");
	test.settle();
	must(test.broker.times("close device") == 0, "who has it keeps it");
	test.core.close(registers);
	test.must_have_open(0);
	must(test.broker.times("close device") == 1, "until the end");

	event.change = HWB_CHANGE_FREED;
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	test.settle();
	must(test.broker.times("DEVICE_LIST") == 2, "it is on the bus for a moment still");
	event.change = HWB_CHANGE_ARRIVED;
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must_become([&] { return logged("2 devices\n") == 2; }, "it is plugged in again");
	must(test.core.io_mem("base=0xd0000000, size=0x1000") != nullptr, "and can be opened");

	event.change = HWB_CHANGE_ASKED_BACK;
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must_become([&] { return logged("1 device\n") == 2; }, "asked for again");
	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	must_become([&] { return logged("2 devices\n") == 3; },
	            "a policy that gives it ends that, too");
}

void dma_is_over()
{
	Test_with_broker test;
	Test_device_pd pd(test.core);
	hwb_device_event const event{ test.broker.devices[Stub_broker::DISK].address,
		                      HWB_CHANGE_ASKED_BACK, 5000 };

	must(pd.assign_pci(DISK_CONFIG, 0x400), "the disk does DMA");
	must(test.broker.saw("acquire disk into a domain"), "the disk does DMA");
	test.broker.end_dma(Stub_broker::DISK);
	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must(waits_for_log("is asked back"), "the policy gives it without that");
	must_become([&] { return logged("2 devices\n") >= 2; }, "it stays in the list");
	test.settle();
	must(logged("1 device\n") == 0, "all the time");
	must(pd.assign_pci(DISK_CONFIG + 1, 0x400), "it is given back");
	must(test.broker.saw("close device"), "and closed");
	must(pd.assign_pci(DISK_CONFIG, 0x400), "the next one has it");
	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	must(registers->dataspace().valid(), "with its registers");
	must(test.broker.times("acquire disk without a domain") == 1, "and without DMA");
}

/* with a policy that does not give it, it has left the list before it is taken */
void taken_by_policy()
{
	Test_with_broker test;
	hwb_device_event const event{ test.broker.devices[Stub_broker::DISK].address,
		                      HWB_CHANGE_REVOKED, 0 };

	test.broker.list(1);
	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	must(waits_for_log("1 device\n"), "the disk is not given any more");
	test.broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	must(waits_for_log("0000:04:00.0 1b36:0010, class 010802 was taken back"),
	     "the log has its end all the same");
}

} // namespace

Test const list_tests[] = {
	{ "the list of devices as memory", as_memory },
	{ "the list of devices changes", changes },
	{ "a device that is asked back leaves the list", asked_back },
	{ "a device that the policy takes", taken_by_policy },
	{ "a device whose DMA is over", dma_is_over },
	{ nullptr, nullptr },
};
