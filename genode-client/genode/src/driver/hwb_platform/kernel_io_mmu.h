/* SPDX-License-Identifier: MIT */
/*
 * The IOMMU that hwbrokerd has, for Genode's platform driver. A domain is a
 * device PD of core, which is a DMA domain of the broker.
 *
 * The platform driver makes a domain for each of its sessions and never destroys
 * one. So a domain has a device PD from its first buffer or device on, and up to
 * the last. An unused PD waits a second for the next domain, as some drivers
 * allocate and free a buffer at a time; then nothing is left at the broker.
 */
#ifndef _KERNEL_IO_MMU_H_
#define _KERNEL_IO_MMU_H_

#include <base/env.h>
#include <base/heap.h>
#include <timer_session/connection.h>

#include <io_mmu.h>

namespace Driver {

	using namespace Genode;

	class Kernel_io_mmu;
}


class Driver::Kernel_io_mmu : public Io_mmu
{
	private:

		class Device_pd;
		class Lent_domain;

		Env                            &_env;
		Heap                            _heap   { _env.ram(), _env.rm() };
		Device_pd                      *_unused { nullptr };
		bool                            _said   { false }; /* that a domain is not ours */
		Constructible<Timer::Connection> _timer { };
		Signal_handler<Kernel_io_mmu>   _timeout { _env.ep(), *this,
		                                           &Kernel_io_mmu::_close_unused };

		Device_pd &_lend();
		void       _take_back(Device_pd &);
		void       _close_unused();

		/*
		 * Noncopyable
		 */
		Kernel_io_mmu(Kernel_io_mmu const &);
		Kernel_io_mmu &operator = (Kernel_io_mmu const &);

	public:

		Kernel_io_mmu(Env &, Io_mmu_devices &, Device_name const &);

		Io_mmu::Domain &create_domain(Allocator &, Ram_allocator &,
		                              Ram_quota_guard &, Cap_quota_guard &) override;

		void destroy_domain(Allocator &, Io_mmu::Domain &) override;

		void enregister(Device const &, Io_mmu::Domain &) override;
		void deregister(Device const &, Io_mmu::Domain &) override;
};

#endif
