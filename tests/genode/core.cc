/* SPDX-License-Identifier: MIT */
/*
 * What Genode's core does with the overlay's classes, whose constructors and functions
 * it therefore must find as it left them.
 */
#include <base/heap.h>
#include <io_mem_root.h>
#include <irq_root.h>
#include <pd_session_component.h>
#include <platform_services.h>
#include <ram_dataspace_factory.h>
#include <system_control.h>

using namespace Core;

/* as main does, in this order */
void stub_core(Runtime &runtime, Rpc_entrypoint &ep, Sliced_heap &heap, Registry<Service> &services,
               Range_allocator &io_mem, Range_allocator &ram, Range_allocator &irqs,
               Range_allocator &io_ports, Trace::Source_registry &traces, Ram_allocator &core_ram,
               Mapped_ram_allocator &mapped_ram, Local_rm &local_rm);

void stub_core(Runtime &runtime, Rpc_entrypoint &ep, Sliced_heap &heap, Registry<Service> &services,
               Range_allocator &io_mem, Range_allocator &ram, Range_allocator &irqs,
               Range_allocator &io_ports, Trace::Source_registry &traces, Ram_allocator &core_ram,
               Mapped_ram_allocator &mapped_ram, Local_rm &local_rm)
{
	init_system_control(runtime, heap, ep).control_cap({});

	static Io_mem_root io_mem_root(ep, ep, io_mem, ram, heap);
	static Irq_root irq_root(runtime, irqs, heap);
	static Core_service<Io_mem_session_component> io_mem_service(services, io_mem_root);
	static Core_service<Irq_session_component> irq_service(services, irq_root);

	platform_add_local_services(runtime, ep, heap, services, traces, core_ram, mapped_ram,
	                            local_rm, io_ports);
}

/* a PD session has three, an RM session more, and a thread is a client of its PD's */
struct Stub_address_spaces {
	Region_map_component space;
	Rm_client client;

	Stub_address_spaces(Rpc_entrypoint &ep, Allocator &memory, Platform_pd &pd)
	    : space(ep, memory, 0, 0x1000), client({}, {}, space, 0UL, {}, "thread", "label")
	{
		Pager_object &pager = client;
		(void)pager;

		space.address_space(pd);
		space.add_client(client);
		space.upgrade_ram_quota(0);
		if (space.dataspace_component())
			space.dataspace_component()->sub_rm(space.cap());
		space.remove_client(client);
	}
};

bool stub_address_spaces(Rpc_entrypoint &, Allocator &, Platform_pd &);

bool stub_address_spaces(Rpc_entrypoint &ep, Allocator &memory, Platform_pd &pd)
{
	Stub_address_spaces spaces(ep, memory, pd);
	Pd_session_component session(ep, memory, Pd_session_component::Managing_system::PERMITTED,
	                             { 0x1000, 0x1000 });

	return session.assign_pci(0, 0) && session.map({ 0, 0 }) == Pd_session::Map_result::OK &&
	       session.address_space().valid();
}
