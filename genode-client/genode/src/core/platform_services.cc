/* SPDX-License-Identifier: MIT */
/*
 * The first place in core where threads, signals and the log work, and the last
 * before init starts: here the broker is called. And IO_PORT becomes a service.
 */
#include <base/heap.h>
#include <base/service.h>

#include <hwb/broker.h>
#include <io_port_root.h>
#include <platform_services.h>


void Core::platform_add_local_services(Runtime &runtime, Rpc_entrypoint &, Sliced_heap &heap,
                                       Registry<Service> &services, Trace::Source_registry &,
                                       Ram_allocator &, Mapped_ram_allocator &, Local_rm &,
                                       Range_allocator &ports)
{
	Hwb::broker().connect(runtime);

	static Io_port_root root { runtime, ports, heap };
	static Core_service<Io_port_session_component> service { services, root };
}
