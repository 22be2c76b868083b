/* SPDX-License-Identifier: MIT */
/*
 * All devices that the broker's policy gives or gave to core, by the addresses
 * and numbers that Genode knows them by.
 */
#ifndef _CORE__INCLUDE__HWB__DEVICES_H_
#define _CORE__INCLUDE__HWB__DEVICES_H_

#include <base/mutex.h>
#include <hwb/device.h>

namespace Core::Hwb {

	using namespace Genode;

	class Devices;

	Devices &devices();
}


class Core::Hwb::Devices : Noncopyable
{
	private:

		enum { MAX = 256 };

		Device   _devices[MAX] { };
		unsigned _count = 0;

		/* as the broker lists them, by which interrupts are numbered */
		Mutex      _mutex { };
		hwb_device _listed[MAX] { };
		unsigned   _listed_count = 0;
		bool       _without_iommu = false;

		/* of the update that is on its way */
		Mutex      _updating { };
		hwb_list   _list { };

		/* somebody wants to know when the list changes */
		struct Changes : Interrupt_source
		{
			Mutex           _mutex { };
			int             _event = -1;
			Interrupt_user *_user  = nullptr;

			void signal();

			bool open_interrupt (Interrupt_user &, bool) override;
			void close_interrupt(Interrupt_user &) override;
		};

		Changes _changes { };

		void _add(hwb_device const &);

		/* whether it is granted or not */
		Device *_known(hwb_pci_address const &);

		Device *_vga();

		Device *_find(auto const &matches)
		{
			unsigned const count = __atomic_load_n(&_count, __ATOMIC_ACQUIRE);

			for (unsigned i = 0; i < count; i++)
				if (_devices[i].granted() && matches(_devices[i]))
					return &_devices[i];
			return nullptr;
		}

	public:

		/* asks the broker */
		void update();

		unsigned index(Device const &device) const { return unsigned(&device - _devices); }

		void print();

		/* by the thread of events */
		void settle();

		/* one changed, or what is given, says the broker; in the middle of receiving */
		void changed(hwb_device_event const &);
		void policy_changed();

		void domain_closed(uint32_t domain);

		/* whether a device was listed that has DMA without an IOMMU, as all have then */
		bool without_iommu() const { return __atomic_load_n(&_without_iommu, __ATOMIC_ACQUIRE); }

		/* whether the broker has one still to reset that we have closed */
		bool closing();

		/* as memory of `size` bytes: Genode's `devices' ROM module; below 0: error */
		int list_as_text(size_t size);

		Interrupt_source &changes() { return _changes; }

		/* nullptr: there is none */
		Device *by_config(addr_t page);
		Device *by_page  (addr_t page);
		Device *by_port  (unsigned first, unsigned count);
		Device *by_irq   (uint32_t number);

		/*
		 * The VGA card of whom wants memory or ports that such had before there were
		 * BARs; nullptr: they are of no card, or there is none
		 */
		Device *vga_by_page(addr_t page);
		Device *vga_by_port(unsigned first, unsigned count);
};

#endif
