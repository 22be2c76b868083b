/* SPDX-License-Identifier: MIT */
/* Stands for Genode's platform_services.h: where a platform adds services to core. */
#ifndef GENODE_STUB_PLATFORM_SERVICES_H
#define GENODE_STUB_PLATFORM_SERVICES_H

#include <base/ram_allocator.h>
#include <core_service.h>
#include <types.h>

namespace Genode
{

class Runtime;
class Rpc_entrypoint;
struct Sliced_heap;
struct Range_allocator;

} // namespace Genode

namespace Core
{

namespace Trace
{
class Source_registry;
}

class Mapped_ram_allocator;

void platform_add_local_services(Runtime &, Rpc_entrypoint &, Sliced_heap &, Registry<Service> &,
                                 Trace::Source_registry &, Ram_allocator &, Mapped_ram_allocator &,
                                 Local_rm &, Range_allocator &io_ports);

} // namespace Core

#endif
