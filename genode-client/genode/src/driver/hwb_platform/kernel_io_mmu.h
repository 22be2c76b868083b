/* SPDX-License-Identifier: MIT */
/*
 * The IOMMU that hwbrokerd has, for Genode's platform driver. A domain is a
 * device PD of core, which is a DMA domain of the broker.
 *
 * The platform driver makes a domain for each of its sessions and never destroys
 * one. So a domain has a device PD from its first buffer or device on, and up to
 * the last; then nothing is left at the broker.
 */
#ifndef _KERNEL_IO_MMU_H_
#define _KERNEL_IO_MMU_H_

#include <base/attached_ram_dataspace.h>
#include <base/env.h>
#include <base/heap.h>

#include <io_mmu.h>

namespace Driver {

	using namespace Genode;

	class Kernel_io_mmu;
}


class Driver::Kernel_io_mmu : public Io_mmu
{
	private:

		class Device_pd;
		class Broker_domain;

		Env &_env;

		/*
		 * The platform driver never destroys a domain, but drops the memory that it
		 * offers for it, with its session. A device PD in there would be one that
		 * the session's end leaves in lists of the environment. So domains are here,
		 * and those of sessions that are gone are used again.
		 */
		Heap           _domains { _env.ram(), _env.rm() };
		Broker_domain *_first   { nullptr };

		bool _said { false }; /* that a domain is not ours */

		/* whether memory has an address of its own: there is no IOMMU */
		enum class Addresses { UNKNOWN, MAPPED, MEMORY };

		mutable Addresses _addresses { Addresses::UNKNOWN };

		/*
		 * Noncopyable
		 */
		Kernel_io_mmu(Kernel_io_mmu const &);
		Kernel_io_mmu &operator = (Kernel_io_mmu const &);

	public:

		Kernel_io_mmu(Env &, Io_mmu_devices &, Device_name const &);
		~Kernel_io_mmu() override;

		bool mpu() const override;

		Io_mmu::Domain &create_domain(Allocator &, Ram_allocator &,
		                              Ram_quota_guard &, Cap_quota_guard &) override;

		void destroy_domain(Allocator &, Io_mmu::Domain &) override;

		void enregister(Device const &, Io_mmu::Domain &) override;
		void deregister(Device const &, Io_mmu::Domain &) override;
};

#endif
