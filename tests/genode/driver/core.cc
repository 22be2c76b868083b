/* SPDX-License-Identifier: MIT */
#include <core.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/attached_ram_dataspace.h>
#include <base/heap.h>
#include <pd_session/connection.h>
#include <runtime.h>

using namespace Genode;
using namespace Stub_program;

bool Stub_program::dma_denied, Stub_program::assign_denied;
unsigned Stub_program::pds;
Genode::size_t Stub_program::ram_left = 1 << 20, Stub_program::caps_left = 100;
addr_t Stub_program::memory_address;

namespace
{

char notes[1 << 16];

void note(char const *format, ...)
{
	size_t const length = ::strlen(notes);
	va_list list;

	va_start(list, format);
	vsnprintf(notes + length, sizeof(notes) - length, format, list);
	va_end(list);
}

} // namespace

/* ---- what tests see of it ---- */

void Stub_program::print_asked()
{
	printf("    core was asked:\n%s", notes);
}

bool Stub_program::was_asked(char const *expected)
{
	if (::strcmp(notes, expected) != 0)
		return false;
	notes[0] = '\0';
	return true;
}

/* ---- device PDs ---- */

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

Ram_quota Pd_session::avail_ram() const
{
	return { ram_left };
}

Cap_quota Pd_session::avail_caps() const
{
	return { caps_left };
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

Attached_ram_dataspace::Attached_ram_dataspace(Ram_allocator &, Local::Constrained_region_map &,
                                               size_t size)
{
	must(size == 4096, "a page is enough");
}

Attached_ram_dataspace::~Attached_ram_dataspace()
{
}

Ram_dataspace_capability Attached_ram_dataspace::cap() const
{
	return reinterpret_cap_cast<Ram_dataspace>(
	        Untyped_capability(new Native_capability::Data()));
}

/* ---- the environment of programs ---- */

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

Heap heap_of_program{ ram_of_program, map_of_program };

struct : Pd_session {
	bool assign_pci(addr_t, uint16_t) override
	{
		return false;
	}
	Map_result map(Virt_range) override
	{
		return Map_result::OK;
	}
	Capability<Region_map> address_space() override
	{
		return {};
	}
	Ref_account_result ref_account(Capability<Pd_account>) override
	{
		return Ref_account_result::OK;
	}
	addr_t dma_addr(Ram_dataspace_capability memory) override
	{
		must(memory.valid(), "it is the address of memory");
		note("address\n");
		return memory_address;
	}
	Attach_dma_result attach_dma(Dataspace_capability, addr_t) override
	{
		return Attach_dma_error::DENIED;
	}
} pd_of_program;

struct : Env {
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
	Pd_session &pd() override
	{
		return pd_of_program;
	}
	Pd_session_capability pd_session_cap() override
	{
		return {};
	}
	Runtime &runtime() override
	{
		return own;
	}
} env_of_program;

} // namespace

Env &Stub_program::env = env_of_program;
Ram_allocator &Stub_program::ram = ram_of_program;
Allocator &Stub_program::heap = heap_of_program;
