/* SPDX-License-Identifier: MIT */
/*
 * DMA buffers of a host without an IOMMU, where a device finds memory at the memory's
 * own address. Such memory is the broker's, in one piece: a RAM dataspace is put there
 * once the platform driver asks for its address, which it does before anybody maps it.
 *
 * Nothing but its reset keeps a device from memory that was freed, and a device that is
 * closed is reset a little later. So memory that is freed meanwhile is kept until then.
 */
#ifndef _CORE__INCLUDE__HWB__BUS_MEMORY_H_
#define _CORE__INCLUDE__HWB__BUS_MEMORY_H_

#include <base/mutex.h>
#include <util/noncopyable.h>

#include <dataspace_component.h>

namespace Core::Hwb {

	class Bus_memory;

	Bus_memory &bus_memory();
}


class Core::Hwb::Bus_memory : Genode::Noncopyable
{
	private:

		enum { MAX = 1024 };

		struct Piece
		{
			enum class State { NONE, USED, FREED, GOING };

			State                      state   = State::NONE;
			Dataspace_component const *ds      = nullptr;
			addr_t                     address = 0;
		};

		Mutex    _mutex { }; /* guards the pieces */
		Piece    _pieces[MAX] { };
		uint32_t _domain = 0;

		Piece *_find(Piece::State, Dataspace_component const *);

		addr_t _allocate(Dataspace_component &);

	public:

		/* what stands for an address where there is none to be had */
		static constexpr addr_t NOWHERE = ~addr_t(0);

		/* its address on the bus; 0: there is an IOMMU, or no device */
		addr_t place(Dataspace_component &);

		/* as it was placed; NOWHERE: it was not */
		addr_t address(Dataspace_component const &);

		/* it is about to go; nothing if it was not placed */
		void free(Dataspace_component const &);

		/* gives back what no device reaches any more; waits for the broker */
		void flush();
};

#endif
