/* SPDX-License-Identifier: MIT */
/*
 * The overlay's IOMMU for the platform driver, on core's side of device PDs that this test
 * makes up: what core is asked is noted, in order.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <device.h>
#include <pd_session/connection.h>
#include <runtime.h>
#include <timer_session/connection.h>

using namespace Genode;

namespace
{

char notes[1 << 16];
bool dma_denied, assign_denied;
unsigned pds;
Signal_context_capability timer;
uint64_t timeout;

void note(char const *format, ...)
{
	size_t const length = ::strlen(notes);
	va_list list;

	va_start(list, format);
	vsnprintf(notes + length, sizeof(notes) - length, format, list);
	va_end(list);
}

void must(bool condition, char const *what)
{
	if (condition)
		return;
	printf("    does not hold: %s\n    core was asked:\n%s    log:\n", what, notes);
	Stub_runtime::print_log();
	printf("not ok overlay: DMA domains of the platform driver\n");
	exit(1);
}

/* What core was asked since the last time. */
void must_ask(char const *expected, char const *what)
{
	must(::strcmp(notes, expected) == 0, what);
	notes[0] = '\0';
}

/* the timer's time is over */
void time_passes()
{
	Native_capability::Data &handler = *timer.stub_data();

	must(timeout != 0, "a timer runs");
	timeout = 0;
	handler.dispatch(*handler.context);
}

} // namespace

/* ---- core, the timer and the program's environment ---- */

Pd_connection::Pd_connection(Env &, Device_pd)
{
	pds++;
	note("open\n");
}

Pd_connection::~Pd_connection()
{
	pds--;
	note("close\n");
}

bool Pd_connection::assign_pci(addr_t config, uint16_t rid)
{
	note("assign %#lx %#x\n", config, rid);
	return !assign_denied;
}

Pd_session::Map_result Pd_connection::map(Virt_range)
{
	return Map_result::OK;
}

Capability<Region_map> Pd_connection::address_space()
{
	return reinterpret_cap_cast<Region_map>(Untyped_capability(new Native_capability::Data()));
}

Pd_session::Ref_account_result Pd_connection::ref_account(Capability<Pd_account>)
{
	return Ref_account_result::OK;
}

addr_t Pd_connection::dma_addr(Ram_dataspace_capability)
{
	return 0;
}

Pd_session::Attach_dma_result Pd_connection::attach_dma(Dataspace_capability, addr_t at)
{
	note("attach %#lx\n", at);
	if (dma_denied)
		return Attach_dma_error::DENIED;
	return Ok();
}

template <>
void Rpc_function<Region_map::Rpc_detach, void, addr_t>::call(Native_capability const &cap,
                                                              addr_t at)
{
	must(cap.valid(), "the address space is that of the PD");
	note("detach %#lx\n", at);
}

Timer::Connection::Connection(Env &, Session_label const &)
{
}

Timer::Connection::~Connection()
{
}

void Timer::Connection::sigh(Signal_context_capability cap)
{
	timer = cap;
}

void Timer::Connection::trigger_once(uint64_t microseconds)
{
	timeout = microseconds;
}

Signal_context_capability Entrypoint::_manage(Signal_context &context,
                                              void (*dispatch)(Signal_context &))
{
	auto *const data = new Native_capability::Data();

	data->context = &context;
	data->dispatch = dispatch;
	return reinterpret_cap_cast<Signal_context>(Untyped_capability(data));
}

void Entrypoint::stub_dissolve(Signal_context &)
{
}

namespace
{

struct : Ram_allocator {
	void stub_ram() override
	{
	}
} ram_of_program;

struct : Local::Constrained_region_map {
	void stub_map() override
	{
	}
} map_of_program;

struct Test_env : Env {
	Entrypoint entrypoint{};
	Runtime own{};

	Parent &parent() override
	{
		must(false, "an IOMMU has no business with the parent");
		abort();
	}
	Local_rm &rm() override
	{
		return map_of_program;
	}
	Ram_allocator &ram() override
	{
		return ram_of_program;
	}
	Entrypoint &ep() override
	{
		return entrypoint;
	}
	Pd_session_capability pd_session_cap() override
	{
		return {};
	}
	Runtime &runtime() override
	{
		return own;
	}
} env;

} // namespace

template <typename UNIT> class Genode::Quota_guard
{
};

int main(int argc, char **argv)
{
	static char const name[] = "DMA domains of the platform driver";
	if (argc > 1 && !strstr(name, argv[1]))
		return 0;

	Driver::Io_mmu_devices io_mmus;
	Ram_quota_guard ram_quota;
	Cap_quota_guard cap_quota;
	Heap heap{ ram_of_program, map_of_program };
	Driver::Kernel_io_mmu own{ env, io_mmus, "kernel_io_mmu" };
	Driver::Io_mmu &io_mmu = own;
	Driver::Device const card{ "00:03.0", { 0xa000, 0, 3, 0 } };
	auto const create = [&]() -> Driver::Io_mmu::Domain & {
		return io_mmu.create_domain(heap, ram_of_program, ram_quota, cap_quota);
	};

	Driver::Io_mmu::Domain &first = create();
	must_ask("", "a domain that nobody uses is nothing to core");

	must(first.add_range({ 0x4000, 0x1000 }, 0, {}).ok(), "a buffer");
	must_ask("open\nattach 0x4000\n", "the first buffer opens a device PD");
	io_mmu.enregister(card, first);
	must_ask("assign 0xa000 0x18\n", "a device joins it");
	first.remove_range({ 0x4000, 0x1000 });
	must_ask("detach 0x4000\n", "a buffer goes, the device is still there");
	io_mmu.deregister(card, first);
	must_ask("assign 0xa001 0x18\n", "the device is given back, by its address plus 1");
	must(pds == 1 && timeout == 1000 * 1000, "the PD waits a second");

	must(first.add_range({ 0x5000, 0x1000 }, 0, {}).ok(), "a buffer meanwhile");
	must_ask("attach 0x5000\n", "gets the same PD");
	Driver::Io_mmu::Domain &second = create();
	must(second.add_range({ 0x5000, 0x1000 }, 0, {}).ok(), "a buffer of another domain");
	must_ask("open\nattach 0x5000\n", "gets a PD of its own");
	time_passes();
	must_ask("", "a PD in use stays");

	first.remove_range({ 0x5000, 0x1000 });
	second.remove_range({ 0x5000, 0x1000 });
	must_ask("detach 0x5000\ndetach 0x5000\nclose\n", "one PD at a time waits");
	time_passes();
	must_ask("close\n", "and a second later nothing is left");
	must(pds == 0, "nothing is left");

	/* the driver removes what could not be added, too */
	dma_denied = true;
	must(first.add_range({ 0x6000, 0x1000 }, 0, {}).failed(), "core denies");
	first.remove_range({ 0x6000, 0x1000 });
	dma_denied = false;
	must_ask("open\nattach 0x6000\ndetach 0x6000\n", "a denied buffer is no user");
	assign_denied = true;
	io_mmu.enregister(card, first);
	must(Stub_runtime::logged("Error: hwbroker: core has no device 00:03.0") == 1, "says so");
	io_mmu.deregister(card, first);
	assign_denied = false;
	must_ask("assign 0xa000 0x18\nassign 0xa001 0x18\n", "a denied device is no user");
	time_passes();
	must_ask("close\n", "so nothing is left");

	/* what was never added */
	second.remove_range({ 0x7000, 0x1000 });
	io_mmu.deregister(card, second);
	must_ask("", "is no matter for core");

	Driver::Device const uart{ "uart" };
	io_mmu.enregister(uart, second);
	io_mmu.deregister(uart, second);
	must_ask("", "nor is a device of another bus");

	/* of a session that is older than its first device */
	Driver::Io_mmu::Domain foreign{ heap };
	io_mmu.enregister(card, foreign);
	io_mmu.deregister(card, foreign);
	must_ask("", "nor is the driver's own domain");
	must(Stub_runtime::logged("Warning: hwbroker: 00:03.0: no DMA in a Platform session") == 1,
	     "but it is said");

	must(second.add_range({ 0x8000, 0x1000 }, 0, {}).ok(), "a buffer");
	io_mmu.destroy_domain(heap, second);
	time_passes();
	must(pds == 0, "a domain that is destroyed takes its PD along");
	io_mmu.destroy_domain(heap, first);

	printf("ok overlay: %s\n", name);
	return 0;
}
