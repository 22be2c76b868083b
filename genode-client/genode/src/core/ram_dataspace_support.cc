/* SPDX-License-Identifier: MIT */
/*
 * RAM as memfd: the kernel pins no pages of a file system for DMA, which is where
 * base-linux has its RAM. Fresh memory is zero, and is gone with its descriptor.
 */
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


void Ram_dataspace_factory::_revoke_ram_ds(Dataspace_component &) { }
void Ram_dataspace_factory::_clear_ds     (Dataspace_component &) { }
