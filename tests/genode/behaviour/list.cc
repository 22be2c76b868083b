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

} // namespace

Test const list_tests[] = {
	{ "the list of devices as memory", as_memory },
	{ "the list of devices changes", changes },
	{ nullptr, nullptr },
};
