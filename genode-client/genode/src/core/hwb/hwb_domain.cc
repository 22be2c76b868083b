/* SPDX-License-Identifier: MIT */
#include <base/internal/capability_space_tpl.h>

#include <hwb/broker.h>
#include <hwb/bus_memory.h>
#include <hwb/devices.h>
#include <hwb/domain.h>

using namespace Core;
using namespace Core::Hwb;

enum { GIVE_BACK = 1 };


bool Domain::_open()
{
	if (_handle)
		return true;

	if (!broker().up())
		return false;

	hwb_error error { };
	return broker().complain("DMA domain",
	                         hwb_domain_open(&broker().client(), &_handle, &error), error);
}


Domain::~Domain()
{
	if (!_handle)
		return;

	/* devices that nobody else uses go first, so that they are reset once */
	devices().domain_closed(_handle);
	broker().errands().send("close of a DMA domain", HWB_CLOSE, _handle, nullptr, 0);
}


bool Domain::attach(Dataspace_component &ds, addr_t at)
{
	/* every device reaches it where it is, and nowhere else */
	if (devices().without_iommu())
		return bus_memory().address(ds) == at;

	if (!_open())
		return false;

	hwb_dma_map_request request { };
	request.size  = ds.size();
	request.iova  = at;
	request.flags = HWB_DMA_FIXED | HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES;

	int const memory = Capability_space::ipc_cap_data(ds.fd()).dst.socket.value;

	hwb_dma_reply reply { };
	hwb_error     error { };
	return broker().complain("DMA buffer",
	                         hwb_dma_map(&broker().client(), _handle, &request, memory,
	                                     &reply, &error), error);
}


void Domain::detach(addr_t at)
{
	if (!_handle || devices().without_iommu())
		return;

	hwb_error error { };
	broker().complain("end of a DMA buffer",
	                  hwb_dma_unmap(&broker().client(), _handle, at, &error), error);
}


bool Domain::assign(addr_t config)
{
	Device * const device = devices().by_config(config & ~addr_t(GIVE_BACK));
	if (!device)
		return false;

	if (config & GIVE_BACK) {
		device->release(_handle);
		return true;
	}
	/* given without DMA: its driver has it all the same, outside of any domain */
	if (!(device->facts().flags & HWB_DEVICE_MAY_DMA))
		return true;

	if (!_open())
		return false;

	device->assign(_handle);
	return true;
}
