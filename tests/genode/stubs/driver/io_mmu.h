/* SPDX-License-Identifier: MIT */
/* Stands for Genode's io_mmu.h: the platform driver's IOMMUs. */
#ifndef GENODE_STUB_IO_MMU_H
#define GENODE_STUB_IO_MMU_H

#include <base/allocator.h>
#include <base/quota_guard.h>
#include <base/registry.h>
#include <pci/types.h>
#include <platform_session/platform_session.h>
#include <util/attempt.h>
#include <util/string.h>

namespace Genode
{

enum class Page_table_error { OUT_OF_RAM, OUT_OF_CAPS, DENIED, INVALID_RANGE };

}

namespace Driver
{

using namespace Genode;

using Device_name = String<64>;

class Device;
class Io_mmu;

using Io_mmu_devices = Registry<Io_mmu>;

} // namespace Driver

class Driver::Io_mmu : private Registry<Io_mmu>::Element
{
	Device_name const _name;

      public:
	using Range = Platform::Device_interface::Range;

	class Domain
	{
		Allocator &_memory;

	      public:
		using Error = Page_table_error;
		using Result = Attempt<Ok, Error>;

		Domain(Allocator &memory) : _memory(memory)
		{
		}
		virtual ~Domain()
		{
		}

		Allocator &md_alloc()
		{
			return _memory;
		}

		virtual Result add_range(Range const &, addr_t const, Dataspace_capability const)
		{
			return Ok();
		}

		virtual void remove_range(Range const &)
		{
		}
	};

	Io_mmu(Io_mmu_devices &devices, Device_name const &name)
	    : Registry<Io_mmu>::Element(devices, *this), _name(name)
	{
	}
	virtual ~Io_mmu()
	{
	}

	virtual bool mpu() const
	{
		return false;
	}
	virtual Domain &create_domain(Allocator &, Ram_allocator &, Ram_quota_guard &,
	                              Cap_quota_guard &) = 0;
	virtual void destroy_domain(Allocator &, Domain &) = 0;

	virtual void enregister(Device const &, Domain &)
	{
	}
	virtual void deregister(Device const &, Domain &)
	{
	}
};

#endif
