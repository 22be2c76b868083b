/* SPDX-License-Identifier: MIT */
#include <base/internal/capability_space_tpl.h>
#include <base/log.h>

#include <hwb/broker.h>
#include <hwb/bus_memory.h>
#include <hwb/devices.h>
#include <hwb/host.h>

using namespace Core;
using namespace Core::Hwb;

/* the platform driver gives away addresses of 32 bits only */
enum : uint64_t { LIMIT = 0xffffffff };


Bus_memory &Core::Hwb::bus_memory()
{
	static Bus_memory memory { };
	return memory;
}


Bus_memory::Piece *Bus_memory::_find(Piece::State state, Dataspace_component const *ds)
{
	for (Piece &piece : _pieces)
		if (piece.state == state && piece.ds == ds)
			return &piece;

	return nullptr;
}


/* The descriptor of the dataspace becomes one of the broker's memory. */
addr_t Bus_memory::_allocate(Dataspace_component &ds)
{
	hwb_client &client = broker().client();
	hwb_error   error { };

	if (!_domain && !broker().complain("DMA domain", hwb_domain_open(&client, &_domain, &error),
	                                   error))
		return NOWHERE;

	hwb_dma_alloc_request request { };
	request.size  = ds.size();
	request.limit = LIMIT;
	request.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES;

	hwb_dma_reply reply { };
	int fd = -1;
	if (!broker().complain("DMA memory without an IOMMU",
	                       hwb_dma_alloc(&client, _domain, &request, &reply, &fd, &error), error))
		return NOWHERE;

	if (Host::replace(Capability_space::ipc_cap_data(ds.fd()).dst.socket.value, fd) < 0) {
		hwb_dma_unmap(&client, _domain, reply.iova, nullptr);
		return NOWHERE;
	}
	return addr_t(reply.iova);
}


addr_t Bus_memory::place(Dataspace_component &ds)
{
	if (!devices().without_iommu())
		return 0;

	flush();

	Piece *piece;
	{
		Mutex::Guard guard { _mutex };

		if ((piece = _find(Piece::State::USED, &ds)))
			return piece->address;

		piece = _find(Piece::State::NONE, nullptr);
		if (!piece) {
			Genode::error("hwbroker: more than ", unsigned(MAX), " DMA buffers");
			return NOWHERE;
		}
		*piece = { Piece::State::GOING, &ds, 0 };
	}
	addr_t const address = _allocate(ds);

	Mutex::Guard guard { _mutex };

	*piece = address == NOWHERE ? Piece() : Piece { Piece::State::USED, &ds, address };
	return address;
}


addr_t Bus_memory::address(Dataspace_component const &ds)
{
	Mutex::Guard guard { _mutex };

	Piece const * const piece = _find(Piece::State::USED, &ds);
	return piece ? piece->address : NOWHERE;
}


void Bus_memory::free(Dataspace_component const &ds)
{
	{
		Mutex::Guard guard { _mutex };

		Piece * const piece = _find(Piece::State::USED, &ds);
		if (!piece)
			return;

		/* another dataspace may be at the same place in core soon */
		piece->state = Piece::State::FREED;
		piece->ds    = nullptr;
	}
	flush();
}


void Bus_memory::flush()
{
	for (;;) {
		Piece *piece;
		{
			Mutex::Guard guard { _mutex };

			piece = _find(Piece::State::FREED, nullptr);
			if (!piece || devices().closing())
				return;

			piece->state = Piece::State::GOING;
		}
		hwb_error error { };
		broker().complain("end of DMA memory",
		                  hwb_dma_unmap(&broker().client(), _domain, piece->address, &error),
		                  error);

		Mutex::Guard guard { _mutex };

		*piece = { };
	}
}
