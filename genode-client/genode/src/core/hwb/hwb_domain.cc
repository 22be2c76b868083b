/* SPDX-License-Identifier: MIT */
#include <hwb/broker.h>
#include <hwb/devices.h>
#include <hwb/domain.h>

using namespace Genode;
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


bool Domain::attach(int memory, size_t size, addr_t at)
{
	if (!_open())
		return false;

	/* without an IOMMU the memory is where it is, and `at` as well */
	bool const fixed = !devices().without_iommu();

	hwb_dma_map_request request { };
	request.size  = size;
	request.iova  = fixed ? at : 0;
	request.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES;
	if (fixed)
		request.flags |= HWB_DMA_FIXED;

	hwb_dma_reply reply { };
	hwb_error     error { };
	if (!broker().complain("DMA buffer",
	                       hwb_dma_map(&broker().client(), _handle, &request, memory,
	                                   &reply, &error), error))
		return false;

	if (reply.iova == at)
		return true;

	detach(addr_t(reply.iova));
	return false;
}


void Domain::detach(addr_t at)
{
	if (!_handle)
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
