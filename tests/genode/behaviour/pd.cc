/* SPDX-License-Identifier: MIT */
/* Device PDs as DMA domains, and RAM that can be mapped there. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <test.h>

using namespace Stub_runtime;

namespace
{

void ram()
{
	Test_core core;
	Test_ram ram(core, 0x3000);
	int const fd = fd_of(ram.cap);
	struct stat status;

	must(fd >= 0 && fstat(fd, &status) == 0 && status.st_size == 0x3000, "it has its size");
	must((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "components do not inherit it");
	int const seals = fcntl(fd, F_GET_SEALS);
	must((seals & F_SEAL_SHRINK) && (seals & F_SEAL_GROW), "it keeps its size");
	must((seals & F_SEAL_SEAL) && !(seals & F_SEAL_WRITE), "and stays to be written");

	ram.factory.free_ram(ram.cap);
	ram.cap = {};
	must(fcntl(fd, F_GETFD) < 0, "it goes when it is freed");
}

void life()
{
	Test_with_broker test;
	Test_ram ram(test.core, 0x4000);
	{
		Test_device_pd pd(test.core);

		must(pd.address_space().valid(), "its address space can be called");
		must(test.broker.times("DOMAIN_OPEN") == 0, "a domain is opened when it is needed");
		must(pd.attach_dma(ram.cap, 0x10000).ok(), "memory, before there is a device");
		must(pd.attach_dma(ram.cap, 0x20000).ok(), "and again");
		must(test.broker.times("DOMAIN_OPEN") == 1, "one domain");
		must(test.broker.times("map 0x10000+0x4000 flags 7 with memory") == 1,
		     "at that address, for both directions");

		must(pd.assign_pci(DISK_CONFIG, 0x400), "a device");
		must(test.broker.saw("acquire disk into a domain"), "which is acquired into it");
		must(test.broker.times("assign") == 0, "by the same request");

		auto *const space =
		        dynamic_cast<Core::Region_map_component *>(object_of(pd.address_space()));
		must(space != nullptr, "the address space is the overlay's");
		space->detach(0x10000);
		must(test.broker.times("unmap 0x10000\n") == 1,
		     "memory goes before detach returns");

		must(pd.assign_pci(DISK_CONFIG + 1, 0x400), "the device is given back");
		test.must_have_open(1);
		must(test.broker.times("close device") == 1, "and closed, as nobody else uses it");
		must(pd.assign_pci(DISK_CONFIG, 0x400), "the device again");
		must_become([&] { return test.broker.times("acquire disk into a domain") == 2; },
		            "is acquired again");
		auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
		must(registers->dataspace().valid(), "once its registers are there, it is ready");
		test.core.close(registers);
	}
	test.must_have_open(0);
	must(test.broker.times("close domain") == 1, "all goes with the PD");
	must(test.broker.times("close device\nclose domain") == 1, "devices first");
	must(logged("Error") == 0, "without complaint");
}

/* the PD goes while the broker still resets the device for it */
void ends_early()
{
	Test_with_broker test;
	{
		Test_device_pd pd(test.core);

		test.broker.hold(HWB_DEVICE_ACQUIRE);
		must(pd.assign_pci(DISK_CONFIG, 0x400), "a device");
		must(test.broker.saw("acquire disk into a domain"), "is on its way");
	}
	must(test.broker.saw("close domain"), "the domain goes");
	test.broker.go_on();
	test.must_have_open(0);
	must(test.broker.times("close device") == 1, "and the device, once it is there");

	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	must(registers->dataspace().valid(), "it can be had again");
	test.core.close(registers);
	test.must_have_open(0);
}

/* what the platform driver asks for to choose no address itself */
void address_with_iommu()
{
	Test_with_broker test;
	Test_ram ram(test.core, 0x1000);

	must(ram.factory.dataspace_dma_addr(ram.cap) == 0, "memory has none");
	must(test.broker.times("DOMAIN_OPEN") == 0, "the broker is not asked");
}

struct Test_without_iommu : Test_with_broker {
	Test_without_iommu() : Test_with_broker([](Stub_broker &stub) { stub.without_iommu(); })
	{
	}

	void freed(unsigned device)
	{
		hwb_device_event const event{ broker.devices[device].address, HWB_CHANGE_FREED, 0 };
		broker.tell(HWB_EVENT_DEVICE, &event, sizeof(event), 0);
	}
};

void without_iommu()
{
	Test_without_iommu test;
	Test_ram ram(test.core, 0x3000), other(test.core, 0x1000);
	Core::Ram_dataspace_factory stranger{ test.core.ep };
	int const fd = fd_of(ram.cap);
	char text[4] = {};

	must(test.broker.times("DOMAIN_OPEN") == 0, "ordinary RAM is core's own");
	must(stranger.dataspace_dma_addr(ram.cap) == 0, "it is told to its owner");
	unsigned long const at = ram.factory.dataspace_dma_addr(ram.cap);
	must(at == test.broker.placed(), "it is where the broker says");
	must(test.broker.saw("alloc 0x3000 below 0xffffffff flags 3\n"),
	     "both directions, at addresses that the platform driver has");
	must(ram.factory.dataspace_dma_addr(ram.cap) == at, "and stays there");
	must(test.broker.times("alloc") == 1, "it is asked for once");
	must(fd_of(ram.cap) == fd && pread(fd, text, 4, 0) == 4 && strcmp(text, "DMA") == 0,
	     "the dataspace is that memory");
	must((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "components do not inherit it");
	{
		Test_device_pd pd(test.core);

		must(pd.attach_dma(ram.cap, at).ok(), "a device gets it");
		must(pd.attach_dma(ram.cap, at + 0x1000).failed(), "there and nowhere else");
		must(pd.attach_dma(other.cap, ~0ul - 0xfff).failed(), "other memory does not");
		auto *const space =
		        dynamic_cast<Core::Region_map_component *>(object_of(pd.address_space()));
		space->detach(at);
		must(test.broker.times("map") == 0, "without the broker, as nothing confines it");
	}
	test.broker.refuse(HWB_DMA_ALLOC, HWB_NO_MEMORY);
	must(other.factory.dataspace_dma_addr(other.cap) == ~0ul, "no address is one of those");
	must(logged("DMA memory without an IOMMU: the test says no (NO_MEMORY)") == 1, "says why");
	must(other.factory.dataspace_dma_addr(other.cap) == test.broker.placed(),
	     "the next one is");
	other.factory.free_ram(other.cap);
	other.cap = {};
	char words[32];
	snprintf(words, sizeof(words), "unmap %#lx\n", test.broker.placed());
	must(test.broker.times(words) == 1, "it is given back at once");
}

/* a device that was closed reaches memory until it has been reset */
void freed_before_the_reset()
{
	Test_without_iommu test;
	Test_ram ram(test.core, 0x1000);
	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	char words[32];

	must(registers->dataspace().valid(), "a device");
	unsigned long const at = ram.factory.dataspace_dma_addr(ram.cap);
	snprintf(words, sizeof(words), "unmap %#lx\n", at);
	test.core.close(registers);
	ram.factory.free_ram(ram.cap);
	ram.cap = {};
	test.settle();
	must(test.broker.times(words) == 0, "its memory is kept");
	test.freed(Stub_broker::DISK);
	must(test.broker.saw(words), "until it has been reset");
}

void no_device_pd()
{
	Test_with_broker test;
	Test_ram ram(test.core, 0x1000);
	Core::Pd_session_component ordinary(test.core.ep, test.core.heap,
	                                    Core::Pd_session_component::Managing_system::PERMITTED,
	                                    { 0, 0x7fffffff000 });
	Test_device_pd not_permitted(test.core, Test_device_pd::Managing_system::DENIED);

	must(!ordinary.address_space().valid(), "components have their own");
	must(ordinary.attach_dma(ram.cap, 0x10000).failed(), "and no DMA");
	must(!ordinary.assign_pci(DISK_CONFIG, 0x400), "and no device");
	must(not_permitted.attach_dma(ram.cap, 0x10000).failed(), "nor has who may not manage");
	must(!not_permitted.assign_pci(DISK_CONFIG, 0x400), "the system");
	must(test.broker.times("DOMAIN_OPEN") == 0 && test.broker.times("acquire") == 0,
	     "the broker is not asked");
}

void wrong()
{
	Test_with_broker test;
	Test_device_pd pd(test.core);
	Test_ram ram(test.core, 0x1000);

	must(!pd.assign_pci(0x4000000000420000, 0x420), "no device there");
	must(!pd.assign_pci(0, 0), "nor there");
	must(pd.attach_dma({}, 0x10000).failed(), "no memory");
	must(pd.attach_dma(Core::reinterpret_cap_cast<Core::Dataspace>(pd.address_space()), 0x10000)
	             .failed(),
	     "an object of another kind");
	test.broker.refuse(HWB_DMA_MAP, HWB_QUOTA);
	must(pd.attach_dma(ram.cap, 0x10000).failed(), "too much");
	must(logged("DMA buffer: the test says no (QUOTA)") == 1, "says why");
	must(pd.attach_dma(ram.cap, 0x10000).ok(), "the next one is asked for");
}

void domain_refused()
{
	Test_with_broker test;
	Test_device_pd pd(test.core);
	Test_ram ram(test.core, 0x1000);

	test.broker.refuse(HWB_DOMAIN_OPEN, HWB_UNSUPPORTED);
	must(pd.attach_dma(ram.cap, 0x10000).failed(), "no domain, no DMA");
	must(logged("DMA domain: the test says no (UNSUPPORTED)") == 1, "says why");
	must(test.broker.times("map") == 0, "and memory is not asked for");

	test.broker.refuse(HWB_DOMAIN_OPEN, HWB_UNSUPPORTED);
	must(!pd.assign_pci(DISK_CONFIG, 0x400), "nor is there a domain for a device");
	must(pd.assign_pci(DISK_CONFIG + 1, 0x400), "which the platform driver gives back, too");
	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	must(registers->dataspace().valid(), "others have it");
	test.must_have_open(2);
	test.core.close(registers);
	test.must_have_open(0);
}

void device_without_dma()
{
	Test_with_broker test;
	Test_device_pd pd(test.core);

	must(pd.assign_pci(CARD_CONFIG, 0x18), "the platform driver enables it");
	auto *const registers = test.core.io_mem("base=0xfe000000, size=0x1000");
	must(registers->dataspace().valid(), "its driver has its registers");
	must(test.broker.times("acquire card without a domain") == 1, "and no domain");
	must(pd.assign_pci(CARD_CONFIG + 1, 0x18), "the platform driver disables it");
	test.core.close(registers);
	test.must_have_open(0);
	must(logged("Error") == 0, "without complaint");
}

/* the platform driver forgets a device that is not in its list any more */
void device_leaves()
{
	Test_with_broker test;
	Test_device_pd pd(test.core);

	must(pd.assign_pci(DISK_CONFIG, 0x400), "a device");
	must(test.broker.saw("acquire disk into a domain"), "is acquired");
	test.broker.list(1);
	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	test.must_have_open(1);
	must(test.broker.times("close device") == 1, "it goes by itself, the domain stays");
	must(!pd.assign_pci(DISK_CONFIG, 0x400), "and cannot be had again");
}

/* ... but what its driver has open stays, up to the last of it */
void device_leaves_in_use()
{
	Test_with_broker test;
	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	Test_device_pd pd(test.core);

	must(pd.assign_pci(DISK_CONFIG, 0x400) && registers->dataspace().valid(), "a device");
	test.broker.list(1);
	test.broker.tell(HWB_EVENT_POLICY, nullptr, 0, 0);
	must(waits_for_log("have changed"), "leaves the list");
	must(waits_for_log("1 device\n"), "leaves the list");
	test.settle();
	must(test.broker.times("close device") == 0, "its driver still has its registers");
	test.core.close(registers);
	test.must_have_open(1);
	must(test.broker.times("close device") == 1, "with them it goes");
}

void device_in_use()
{
	Test_with_broker test;
	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");

	must(registers->dataspace().valid(), "the device is in use");
	{
		Test_device_pd pd(test.core);

		must(pd.assign_pci(DISK_CONFIG, 0x400), "a domain for it");
		must(test.broker.saw("assign disk"), "it is moved there");
		must(pd.assign_pci(DISK_CONFIG, 0x400), "twice is once");
		test.settle();
		must(test.broker.times("assign disk") == 1 && test.broker.times("acquire") == 1,
		     "without more requests");

		must(pd.assign_pci(DISK_CONFIG + 1, 0x400), "given back");
		test.settle();
		must(test.broker.times("close device") == 0, "but registers are still in use");
	}
	test.core.close(registers);
	test.must_have_open(0);
	must(test.broker.times("close device") == 1, "with them it goes");
}

void *waiting(void *session)
{
	auto *const registers = static_cast<Core::Io_mem_session_component *>(session);

	return registers->dataspace().valid() ? session : nullptr;
}

/* whoever wants the device's registers waits until it is in the domain */
void device_on_its_way()
{
	Test_with_broker test;
	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	Test_device_pd pd(test.core);
	pthread_t thread;
	void *got = nullptr;

	test.broker.hold(HWB_DEVICE_ACQUIRE);
	pthread_create(&thread, nullptr, waiting, registers);
	must(test.broker.saw("acquire disk without a domain\n"), "the device is on its way");
	must(pd.assign_pci(DISK_CONFIG, 0x400), "a domain for it");
	test.settle();
	must(test.broker.times("assign") == 0, "which has to wait");
	test.broker.go_on();
	pthread_join(thread, &got);
	must(got == registers, "the registers are there");
	must(test.broker.saw("assign disk\nbar 0 of disk"), "after the domain");
	must(test.broker.times("acquire") == 1 && test.broker.times("deassign") == 0,
	     "without more requests");
}

void device_refused()
{
	Test_with_broker test;
	Test_device_pd pd(test.core);

	test.broker.refuse(HWB_DEVICE_ACQUIRE, HWB_DENIED);
	must(pd.assign_pci(DISK_CONFIG, 0x400), "core does not wait for the answer");
	must(waits_for_log("device: the test says no (DENIED)"), "which is in the log");
	test.must_have_open(1);

	auto *const registers = test.core.io_mem("base=0xd0000000, size=0x1000");
	must(registers->dataspace().valid(), "it can be had later");
	test.core.close(registers);
	test.must_have_open(1);
	must(test.broker.times("close device") == 1, "and nobody uses it in secret");
}

void two_domains()
{
	Test_with_broker test;
	Test_device_pd first(test.core), second(test.core);

	must(first.assign_pci(DISK_CONFIG, 0x400), "in one domain");
	must(test.broker.saw("acquire disk into a domain"), "in one domain");
	must(second.assign_pci(DISK_CONFIG, 0x400), "in the next");
	must(test.broker.saw("deassign disk\nassign disk\n"), "out of the first, into the second");
	must(first.assign_pci(DISK_CONFIG + 1, 0x400), "the first one knows nothing of that");
	test.settle();
	must(test.broker.times("close device") == 0, "and takes it from nobody");
	must(second.assign_pci(DISK_CONFIG + 1, 0x400), "the second gives it back");
	must(test.broker.saw("close device"), "and it is closed");
}

} // namespace

Test const pd_tests[] = {
	{ "RAM can be mapped for DMA", ram },
	{ "a device PD is a domain", life },
	{ "memory's address with an IOMMU", address_with_iommu },
	{ "memory's address without an IOMMU", without_iommu },
	{ "memory without an IOMMU that is freed before the reset", freed_before_the_reset },
	{ "a device PD that ends before its device is there", ends_early },
	{ "other PDs are none", no_device_pd },
	{ "a device PD's mistakes", wrong },
	{ "a domain that the broker refuses", domain_refused },
	{ "a domain for a device in use", device_in_use },
	{ "a domain for a device that is on its way", device_on_its_way },
	{ "a domain for a device that the broker refuses", device_refused },
	{ "a device goes from domain to domain", two_domains },
	{ "a device that may not do DMA", device_without_dma },
	{ "a device in a domain leaves the list", device_leaves },
	{ "a device in use leaves the list", device_leaves_in_use },
	{ nullptr, nullptr },
};
