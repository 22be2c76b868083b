/* SPDX-License-Identifier: MIT */
/* The overlay's IOMMU for the platform driver. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <core.h>
#include <device.h>
#include <runtime.h>

using namespace Genode;
using namespace Stub_program;

template <typename UNIT> class Genode::Quota_guard
{
};

static char const *running; /* the test */

void Stub_program::must(bool condition, char const *what)
{
	if (condition)
		return;
	printf("    does not hold: %s\n", what);
	print_asked();
	printf("    log:\n");
	Stub_runtime::print_log();
	printf("not ok %s\n", running);
	exit(1);
}

namespace
{

void must_ask(char const *expected, char const *what)
{
	must(was_asked(expected), what);
}

Driver::Device const card{ "00:03.0", { 0xa000, 0, 3, 0 } };

struct Test_io_mmu {
	Driver::Io_mmu_devices all{};
	Driver::Kernel_io_mmu own{ env, all, "kernel_io_mmu" };
	Driver::Io_mmu &io_mmu = own;
	Ram_quota_guard sessions[2]; /* which are told apart by that */
	Cap_quota_guard cap_quota;
	unsigned created = 0;

	Driver::Io_mmu::Domain &create_for(unsigned session, Allocator &alloc)
	{
		return io_mmu.create_domain(alloc, ram, sessions[session], cap_quota);
	}

	Driver::Io_mmu::Domain &create()
	{
		return create_for(created++, heap);
	}
};

bool add(Driver::Io_mmu::Domain &domain, addr_t at)
{
	return domain.add_range({ at, 0x1000 }, 0, {}).ok();
}

void remove(Driver::Io_mmu::Domain &domain, addr_t at)
{
	domain.remove_range({ at, 0x1000 });
}

void life()
{
	Test_io_mmu test;
	Driver::Io_mmu::Domain &domain = test.create();

	must_ask("", "a domain that nobody uses is nothing to core");
	must(add(domain, 0x4000), "a buffer");
	must_ask("open\nattach 0x4000\n", "the first buffer opens a device PD");
	test.io_mmu.enregister(card, domain);
	must_ask("assign 0xa000 0x18\n", "a device joins it");
	remove(domain, 0x4000);
	must_ask("detach 0x4000\n", "a buffer goes, the device is still there");
	test.io_mmu.deregister(card, domain);
	must_ask("assign 0xa001 0x18\nclose\n",
	         "the device is given back, by its address plus 1, and the PD goes at once");

	test.io_mmu.enregister(card, domain);
	must_ask("open\nassign 0xa000 0x18\n", "the first device opens another one");
	must(add(domain, 0x5000), "a buffer");
	test.io_mmu.deregister(card, domain);
	must_ask("attach 0x5000\nassign 0xa001 0x18\n", "which stays for the buffer's sake");
	remove(domain, 0x5000);
	must_ask("detach 0x5000\nclose\n", "and goes with the last one");
	test.io_mmu.destroy_domain(heap, domain);
	must_ask("", "the domain has nothing left at core");
}

void two_domains()
{
	Test_io_mmu test;
	Driver::Io_mmu::Domain &first = test.create(), &second = test.create();

	must(add(first, 0x5000), "a buffer");
	must(add(second, 0x5000), "one of another domain, at the same address");
	must_ask("open\nattach 0x5000\nopen\nattach 0x5000\n", "each gets a PD of its own");
	remove(first, 0x5000);
	must_ask("detach 0x5000\nclose\n", "one goes");
	must(pds == 1, "the other stays");
	test.io_mmu.destroy_domain(heap, second);
	must_ask("close\n", "a domain that is destroyed takes its PD along");
	test.io_mmu.destroy_domain(heap, first);
	must_ask("", "once");
}

/* the driver removes what could not be added, too */
void denied()
{
	Test_io_mmu test;
	Driver::Io_mmu::Domain &domain = test.create();

	dma_denied = true;
	must(!add(domain, 0x6000), "core denies a buffer");
	remove(domain, 0x6000);
	dma_denied = false;
	must_ask("open\nattach 0x6000\ndetach 0x6000\nclose\n", "and nothing is left of it");

	assign_denied = true;
	test.io_mmu.enregister(card, domain);
	must(Stub_runtime::logged("Error: hwbroker: core has no device 00:03.0") == 1, "says so");
	test.io_mmu.deregister(card, domain);
	assign_denied = false;
	must_ask("open\nassign 0xa000 0x18\nassign 0xa001 0x18\nclose\n",
	         "nor of a device that core denies");

	remove(domain, 0x7000);
	test.io_mmu.deregister(card, domain);
	must_ask("", "what was never added is no matter for core");
	test.io_mmu.destroy_domain(heap, domain);
}

void no_domain_needed()
{
	Test_io_mmu test;
	Driver::Io_mmu::Domain &domain = test.create();
	Driver::Device const uart{ "uart" };

	test.io_mmu.enregister(uart, domain);
	must_ask("", "a device that is no PCI function has no DMA");
	must(add(domain, 0x8000), "a buffer");
	test.io_mmu.deregister(uart, domain);
	must_ask("open\nattach 0x8000\n", "the device was no user of the PD");
	remove(domain, 0x8000);
	must_ask("detach 0x8000\nclose\n", "the buffer was the only one");
	test.io_mmu.destroy_domain(heap, domain);
}

/*
 * The platform driver drops a session's memory with all that is in it, and tells nobody. That
 * it has gone is seen by another one in its place.
 */
void session_ends()
{
	struct : Allocator {
		void *stub_alloc(size_t) override
		{
			must(false, "nothing of a domain is in the session's memory");
			return nullptr;
		}

		void free(void *, size_t) override
		{
		}
	} session;
	Test_io_mmu test;
	auto create = [&](unsigned place) { return &test.create_for(place, session); };
	Driver::Io_mmu::Domain *const first = create(0), *const second = create(1);

	must(first != second, "two sessions have two domains");
	test.io_mmu.enregister(card, *first);
	must(add(*second, 0x4000), "a buffer");
	must_ask("open\nassign 0xa000 0x18\nopen\nattach 0x4000\n", "both are used");
	must(create(0) == first, "another session in the place of the first has its domain");
	must_ask("close\n", "of which nothing is left");
	must(add(*first, 0x5000), "a buffer");
	remove(*first, 0x5000);
	must_ask("open\nattach 0x5000\ndetach 0x5000\nclose\n", "nobody else counts");
	test.io_mmu.destroy_domain(session, *second);
	must_ask("close\n", "who does destroy a domain ends it");
	must(create(1) == second, "and it is used again");
	must_ask("", "as if it were new");
}

/* To ask the parent for more would be to wait, with all clients. */
void program_has_little()
{
	using Result = Driver::Io_mmu::Domain::Result;
	using Error = Driver::Io_mmu::Domain::Error;

	Test_io_mmu test;
	Driver::Io_mmu::Domain &domain = test.create();
	auto fails_with = [&](Error expected) {
		Result const result = domain.add_range({ 0x4000, 0x1000 }, 0, {});
		bool const failed = result.convert<bool>([](Ok) { return false; },
		                                         [&](Error e) { return e == expected; });
		remove(domain, 0x4000);
		return failed;
	};
	size_t const ram_before = ram_left, caps_before = caps_left;

	ram_left = Pd_session::RAM_QUOTA;
	must(fails_with(Error::OUT_OF_RAM), "the client is asked for RAM");
	test.io_mmu.enregister(card, domain);
	must(Stub_runtime::logged("Error: hwbroker: no DMA for 00:03.0: the platform driver needs "
	                          "more RAM or capabilities") == 1,
	     "a device's client cannot be asked");
	test.io_mmu.deregister(card, domain);
	ram_left = ram_before;

	caps_left = Pd_session::CAP_QUOTA;
	must(fails_with(Error::OUT_OF_CAPS), "the client is asked for capabilities");
	must_ask("", "core is asked for nothing");
	caps_left = caps_before;

	must(add(domain, 0x4000), "then there is enough");
	must_ask("open\nattach 0x4000\n", "for a device PD");
	ram_left = caps_left = 0;
	must(add(domain, 0x5000), "which is enough for all that follows");
	remove(domain, 0x5000);
	remove(domain, 0x4000);
	ram_left = ram_before;
	caps_left = caps_before;
	must_ask("attach 0x5000\ndetach 0x5000\ndetach 0x4000\nclose\n",
	         "those who were refused do not count");
	test.io_mmu.destroy_domain(heap, domain);
}

/* of a session that is older than its first device: a domain of the driver's own */
void foreign_domain()
{
	Test_io_mmu test;
	Driver::Io_mmu::Domain foreign{ heap };
	Driver::Device const disk{ "00:04.0", { 0xb000, 0, 4, 0 } };

	test.io_mmu.enregister(card, foreign);
	test.io_mmu.enregister(disk, foreign);
	test.io_mmu.deregister(disk, foreign);
	test.io_mmu.deregister(card, foreign);
	must_ask("", "it is nothing to core");
	must(Stub_runtime::logged("Warning: hwbroker: 00:03.0: no DMA in a Platform session") == 1,
	     "but it is said");
	must(Stub_runtime::logged("Warning") == 1, "once");
}

void addresses_with_iommu()
{
	Test_io_mmu test;

	must_ask("", "core is not asked before there is a device");
	must(!test.io_mmu.mpu(), "the platform driver chooses addresses");
	must(!test.io_mmu.mpu(), "always");
	must_ask("address\n", "core is asked once");
	must(Stub_runtime::logged("no IOMMU") == 0, "as it should be");
}

void addresses_without_iommu()
{
	Test_io_mmu test;

	memory_address = 0x12345000;
	must(test.io_mmu.mpu(), "memory has an address of its own");
	must(test.io_mmu.mpu(), "always");
	memory_address = 0;
	must_ask("address\n", "core is asked once");
	must(Stub_runtime::logged("Warning: hwbroker: no IOMMU: devices reach all of memory") == 1,
	     "it is said once");
}

struct {
	char const *name;
	void (*run)();
} const tests[] = {
	{ "a DMA domain of the platform driver", life },
	{ "two DMA domains of the platform driver", two_domains },
	{ "DMA that core denies to the platform driver", denied },
	{ "devices of the platform driver that need no DMA", no_domain_needed },
	{ "a DMA domain of a session that ends", session_ends },
	{ "a platform driver that has little left", program_has_little },
	{ "a DMA domain that is not the broker's", foreign_domain },
	{ "addresses of the platform driver's own choice", addresses_with_iommu },
	{ "addresses without an IOMMU", addresses_without_iommu },
};

} // namespace

/* driver [PART OF A NAME] */
int main(int argc, char **argv)
{
	for (auto const &test : tests) {
		running = test.name;
		if (argc > 1 && !strstr(running, argv[1]))
			continue;
		test.run();
		must(pds == 0, "no device PD is left");
		printf("ok %s\n", running);
	}
	return 0;
}
