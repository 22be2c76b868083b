/* SPDX-License-Identifier: MIT */
/*
 * RAM as memfd: the kernel pins no pages of a file system for DMA, which is where
 * base-linux has its RAM. Fresh memory is zero, and is gone with its descriptor.
 */
#include <hwb/bus_memory.h>
#include <hwb/host.h>
#include <ram_dataspace_factory.h>

using namespace Core;


bool Ram_dataspace_factory::_export_ram_ds(Dataspace_component &ds)
{
	int const fd = Hwb::Host::memory("genode-ram", ds.size());
	if (fd < 0)
		return false;

	ds.fd(fd);
	return true;
}


void Ram_dataspace_factory::_revoke_ram_ds(Dataspace_component &ds) { Hwb::bus_memory().free(ds); }
void Ram_dataspace_factory::_clear_ds     (Dataspace_component &) { }


/*
 * In the place of Genode's (lib/mk/core-linux.mk), which tells an address that means
 * nothing on Linux.
 */
addr_t Ram_dataspace_factory::dataspace_dma_addr(Ram_dataspace_capability cap)
{
	addr_t address = 0;

	_ep.apply(cap, [&] (Dataspace_component *ds) {
		if (ds && ds->owner(*this))
			address = Hwb::bus_memory().place(*ds);
	});
	return address;
}
