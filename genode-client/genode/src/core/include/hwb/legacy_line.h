/* SPDX-License-Identifier: MIT */
/*
 * An interrupt line of the machine itself: timer, keyboard, serial port. It is the host
 * kernel's. What the policy says of it is the broker's to do: the interrupts of a UIO
 * device, or a clock of some rate. Where the broker gives none, or there is no broker,
 * the clock is our own: drivers of such devices find out from the device what there is
 * to do, so to look at a steady rate does as well.
 *
 * Devices may share a line, as the first and the third serial port do, so each session
 * of it is told. The broker gives it once: to the first, and the others have our clock.
 */
#ifndef _CORE__INCLUDE__HWB__LEGACY_LINE_H_
#define _CORE__INCLUDE__HWB__LEGACY_LINE_H_

#include <util/noncopyable.h>

#include <hwb/client.h>
#include <hwb/interrupt.h>
#include <hwb/monitor.h>

namespace Core::Hwb {

	class Legacy_line;

	/* nullptr: there is none of this number */
	Legacy_line *legacy_line(unsigned number);
}


class Core::Hwb::Legacy_line : Genode::Noncopyable, public Core::Hwb::Interrupt_source
{
	public:

		enum { COUNT = 16, PER_SECOND = 100, USERS = 4 };

	private:

		struct Place
		{
			Legacy_line    *line   = nullptr;
			Interrupt_user *user   = nullptr; /* nullptr: free */
			bool            asking = false;
			uint32_t        handle = 0;       /* 0: not the broker's */
			hwb_call        call   { };
			hwb_error       error  { };
			hwb_line        reply  { };
			int             fds[2] { };
		};

		Monitor  _monitor { }; /* guards what follows */
		unsigned _number = 0;
		Place    _places[USERS] { };

		friend Legacy_line *legacy_line(unsigned);

		/* nullptr: a free one; if there is none, nullptr */
		Place *_place_of(Interrupt_user const *);

		void _begin(Place &);
		void _answered(Place &, int result);

		static void _received(void *place, hwb_call *);

	public:

		bool open_interrupt (Interrupt_user &, bool message) override;
		void close_interrupt(Interrupt_user &) override;
};

#endif
