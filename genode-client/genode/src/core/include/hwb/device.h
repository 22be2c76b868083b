/* SPDX-License-Identifier: MIT */
/*
 * A device that the broker's policy gives to core.
 *
 * Genode's components do not acquire devices from core; they open pieces of
 * them: registers, ports, an interrupt, the address space of their DMA. So a device
 * is acquired when its first piece is used, and closed with its last.
 *
 *      CLOSED --hold, assign--> ACQUIRING --answer--> SETTLING ------> OPEN
 *         ^                         | refused            moved to the    |
 *         +-------------------------+                    domain wanted   |
 *         +--------------------------------------- last user gone -------+
 *
 * Functions that may wait for the broker say so; core's main entrypoint calls
 * the others only. Whoever receives an answer only notes it: what follows from it
 * is the thread of events' to do, in settle().
 */
#ifndef _CORE__INCLUDE__HWB__DEVICE_H_
#define _CORE__INCLUDE__HWB__DEVICE_H_

#include <base/output.h>
#include <base/stdint.h>
#include <hwb/interrupt.h>
#include <hwb/monitor.h>
#include <hwb/client.h>

namespace Core::Hwb { class Device; }


class Core::Hwb::Device : Genode::Noncopyable, public Core::Hwb::Interrupt_source
{
	public:

		using uint32_t = Genode::uint32_t;
		using addr_t   = Genode::addr_t;
		using size_t   = Genode::size_t;

	private:

		enum class State { CLOSED, ACQUIRING, SETTLING, OPEN };

		Monitor    _monitor { }; /* guards what follows; never held while asking */
		State      _state    = State::CLOSED;
		hwb_device _facts   { };
		bool       _granted  = false;
		bool       _asked_back = false;
		bool       _closing    = false;
		unsigned   _users    = 0;
		uint32_t   _handle   = 0;
		uint32_t   _wanted   = 0; /* domain of the device PD that uses it */
		uint32_t   _assigned = 0; /* domain that it is in at the broker */
		bool       _unsettled = false;
		int        _page     = -1;
		bool       _page_outdated = true; /* not of what is in its place now */
		bool       _page_genuine  = false;

		/* of its one interrupt: who wants or has it, and a close on its way */
		enum class Irq { NONE, WANTED, OPENING, OPEN };

		Irq             _irq         = Irq::NONE;
		bool            _irq_closing = false;
		bool            _irq_message = false;
		Interrupt_user *_irq_user    = nullptr;
		int             _irq_fds[HWB_FDS_MAX] { };
		hwb_interrupt   _irq_reply { };
		hwb_call        _irq_call  { };
		hwb_error       _irq_error { };

		/* of the one acquisition that is on its way */
		hwb_call          _call  { };
		hwb_error         _error { };
		hwb_acquire_reply _reply { };

		static void _acquired(void *device, hwb_call *);
		static void _irq_opened(void *device, hwb_call *);
		static void _irq_closed(void *device);

		void _acquire(uint32_t domain);
		void _move(uint32_t handle, uint32_t from, uint32_t to);
		void _answered(int result);
		void _settle_later();
		void _open_interrupt_if_wanted();
		void _interrupt_answered(int result);
		void _close_if_unused();
		bool _needs_genuine_page() const;
		bool _write_page(bool genuine);

	public:

		/* by the broker's list; at one address there may be another device than before */
		void facts(hwb_device const &);
		void granted(bool);

		hwb_device const &facts() const { return _facts; }
		bool granted()            const { return __atomic_load_n(&_granted, __ATOMIC_ACQUIRE); }

		/*
		 * The broker wants it: it is not to be opened anew. If only its DMA is over, as
		 * what is listed tells, it may, once it has been closed.
		 */
		void asked_back(bool asked) { __atomic_store_n(&_asked_back, asked, __ATOMIC_RELEASE); }
		bool asked_back(hwb_device const &listed);

		/* closed by us, and not yet reset by the broker */
		bool closing() const { return __atomic_load_n(&_closing, __ATOMIC_ACQUIRE); }
		void closed()        { __atomic_store_n(&_closing, false, __ATOMIC_RELEASE); }

		/* where Genode is told that its configuration space is */
		addr_t config_address() const;

		/* BAR that has this page, as its number; or -1 */
		int bar_of_page(addr_t) const;
		int bar_of_port(unsigned first, unsigned count) const;

		/* a user more, one less; hold() may wait, and fails if there is no device */
		bool hold();
		void let_go();

		/* a device PD's domain becomes a user; release() of another one is ignored */
		void assign(uint32_t domain);
		void release(uint32_t domain);
		void domain_closed(uint32_t domain);

		/* by the thread of events, after an answer; whether there was one */
		bool unsettled();
		void settle();

		/* the user of its interrupt holds it, too */
		bool open_interrupt (Interrupt_user &, bool message) override;
		void close_interrupt(Interrupt_user &) override;

		/* for who holds it; waits */
		int open_bar(unsigned bar, bool wc, uint32_t &session);

		/* shadow of its configuration space; may wait */
		int config_page();

		void print(Genode::Output &) const;
};

#endif
