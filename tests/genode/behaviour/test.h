/* SPDX-License-Identifier: MIT */
/*
 * Tests of the overlay's core: each is a process in which core starts, with a broker or
 * without, and the test is whoever opens sessions.
 */
#ifndef GENODE_STUB_TEST_H
#define GENODE_STUB_TEST_H

/* the C library's first: core's system-call header leaves no size_t to it */
#include <pthread.h>
#include <stddef.h>

#include <base/heap.h>
#include <broker.h>
#include <hwb/broker.h>
#include <io_mem_session_component.h>
#include <io_port_session_component.h>
#include <irq_session_component.h>
#include <pd_session_component.h>
#include <platform_services.h>
#include <ram_dataspace_factory.h>
#include <runtime.h>

/* Ends the test. */
void must(bool condition, char const *what);

/* Repeats it until it holds. */
void must_become(auto const &condition, char const *what)
{
	for (int waited = 0; waited < Stub_runtime::PATIENCE; waited += Stub_runtime::STEP) {
		if (condition())
			return;
		usleep(Stub_runtime::STEP);
	}
	must(false, what);
}

extern char const *broker_path;

/* Genode's core around the overlay, started. */
struct Test_core {
	Genode::Runtime runtime{};
	Core::Rpc_entrypoint ep{ runtime, "entrypoint", { 20 * 1024 }, {} };
	Genode::Registry<Genode::Service> services{};
	Core::Sliced_heap &heap;

	Test_core();

	/* nullptr: no such session for these arguments */
	template <typename SESSION> SESSION *open(char const *args)
	{
		SESSION *opened = nullptr;

		factory<SESSION>().create(args, {}).template convert<bool>(
		        [&](SESSION &session) {
			        opened = &session;
			        return true;
		        },
		        [&](Genode::Session_error) { return false; });
		return opened;
	}

	template <typename SESSION> void close(SESSION *session)
	{
		factory<SESSION>().destroy(*session);
	}

	Core::Io_mem_session_component *io_mem(char const *args)
	{
		return open<Core::Io_mem_session_component>(args);
	}

	Core::Irq_session_component *irq(char const *args)
	{
		return open<Core::Irq_session_component>(args);
	}

	Core::Io_port_session_component *ports(char const *args)
	{
		return open<Core::Io_port_session_component>(args);
	}

      private:
	template <typename SESSION> typename Genode::Local_service<SESSION>::Factory &factory()
	{
		typename Genode::Local_service<SESSION>::Factory *found = nullptr;

		services.for_each([&](Genode::Service &service) {
			auto *const same = dynamic_cast<Genode::Local_service<SESSION> *>(&service);
			if (same)
				found = &same->stub_factory;
		});
		must(found != nullptr, "core has the service");
		return *found;
	}
};

/* The same, with a broker that it is connected to. */
struct Test_with_broker {
	Stub_broker &broker;
	Test_core core{};

	Test_with_broker();
	explicit Test_with_broker(void (*prepare)(Stub_broker &));

	/* Everything that was requested before is done, and what was closed is closed. */
	void settle();
	void must_have_open(unsigned handles);
};

/* What the platform driver opens for a device's DMA; and RAM. */
struct Test_device_pd : Core::Pd_session_component {
	Test_device_pd(Test_core &core, Managing_system system = Managing_system::PERMITTED)
	    : Core::Pd_session_component(core.ep, core.heap, system, { 0x1000, 0x7fffffff000 })
	{
	}
};

struct Test_ram {
	Core::Ram_dataspace_factory factory;
	Genode::Ram_dataspace_capability cap;

	Test_ram(Test_core &core, unsigned long size);
};

/* What configuration space, registers and interrupts are called in sessions' arguments. */
constexpr Genode::addr_t CARD_CONFIG = (1ul << 62) + (3 << 15),
                         DISK_CONFIG = (1ul << 62) + (4 << 20);

struct Test {
	char const *name;
	void (*run)();
};

extern Test const io_mem_tests[], irq_tests[], list_tests[], port_tests[], native_port_tests[],
        pd_tests[], broker_tests[];

#endif
