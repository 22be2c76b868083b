/* SPDX-License-Identifier: MIT */
/*
 * An interrupt as an IRQ session sees it, whatever it is of. Nothing here waits for a
 * device: the entrypoint of interrupts also acknowledges those of all others.
 */
#ifndef _CORE__INCLUDE__HWB__INTERRUPT_H_
#define _CORE__INCLUDE__HWB__INTERRUPT_H_

#include <util/interface.h>

namespace Core::Hwb {

	/* descriptors of an open interrupt; -1: none */
	struct Interrupt { int trigger; int unmask; };

	struct Interrupt_user;
	struct Interrupt_source;
}


/* Is told by whoever receives the broker's answer. */
struct Core::Hwb::Interrupt_user : Genode::Interface
{
	/* from now on the owner of its descriptors */
	virtual void interrupt_opened(Interrupt const &) = 0;
};


struct Core::Hwb::Interrupt_source : Genode::Interface
{
	/*
	 * Enabled as soon as it is open. Does not wait: `user` is told. Only one at a
	 * time has that of a device; false: there is one, or this user has it. `message`:
	 * not the pin.
	 */
	virtual bool open_interrupt(Interrupt_user &user, bool message) = 0;

	/* waits only for an answer that is about to come; does nothing for others */
	virtual void close_interrupt(Interrupt_user &user) = 0;
};

#endif
