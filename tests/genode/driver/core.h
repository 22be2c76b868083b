/* SPDX-License-Identifier: MIT */
/* Core's side of the platform driver: its device PDs, and the environment of the program. */
#ifndef GENODE_STUB_DRIVER_CORE_H
#define GENODE_STUB_DRIVER_CORE_H

#include <base/allocator.h>
#include <base/env.h>

namespace Stub_program
{

extern Genode::Env &env;
extern Genode::Ram_allocator &ram;
extern Genode::Allocator &heap;

/* Device PDs that there are. */
extern unsigned pds;

/* Core denies buffers, devices. */
extern bool dma_denied, assign_denied;

/* What the program has left. */
extern Genode::size_t ram_left, caps_left;

/* Where core says that memory is; 0: nowhere, as there is an IOMMU. */
extern Genode::addr_t memory_address;

/* Whether core was asked exactly this since the last time; a line each, in order. */
bool was_asked(char const *expected);
void print_asked();

/* Ends the test. */
void must(bool condition, char const *what);

} // namespace Stub_program

#endif
