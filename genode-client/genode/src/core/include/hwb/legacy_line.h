/* SPDX-License-Identifier: MIT */
/*
 * An interrupt line of the machine itself: timer, keyboard, serial port. It is the
 * host kernel's, and nobody passes it on. Drivers of such devices find out from the
 * device what there is to do; so they are told to look, at a steady rate, as long as
 * an IRQ session is open. No broker is needed for that.
 */
#ifndef _CORE__INCLUDE__HWB__LEGACY_LINE_H_
#define _CORE__INCLUDE__HWB__LEGACY_LINE_H_

#include <base/mutex.h>
#include <util/noncopyable.h>

#include <hwb/interrupt.h>

namespace Core::Hwb {

	class Legacy_line;

	/* nullptr: there is none of this number */
	Legacy_line *legacy_line(unsigned number);
}


class Core::Hwb::Legacy_line : Genode::Noncopyable, public Core::Hwb::Interrupt_source
{
	private:

		Genode::Mutex   _mutex { };
		Interrupt_user *_user  = nullptr;

	public:

		enum { COUNT = 16, PER_SECOND = 100 };

		bool open_interrupt (Interrupt_user &, bool message) override;
		void close_interrupt(Interrupt_user &) override;
};

#endif
