/* SPDX-License-Identifier: MIT */
/*
 * IRQ session: the interrupt of a device, or of a changed list of them. It is asked
 * for when a handler is installed, and delivered from the broker's answer on, since
 * not every driver acknowledges first. Served by the entrypoint "irq", which never
 * waits for a device: all others' interrupts are acknowledged there.
 */
#ifndef _CORE__INCLUDE__IRQ_SESSION_COMPONENT_H_
#define _CORE__INCLUDE__IRQ_SESSION_COMPONENT_H_

#include <base/allocator.h>
#include <base/mutex.h>
#include <base/rpc_server.h>
#include <irq_session/irq_session.h>

#include <hwb/devices.h>
#include <hwb/events.h>

namespace Core { class Irq_session_component; }


class Core::Irq_session_component : public Rpc_object<Irq_session>,
                                    private Hwb::Interrupt_user
{
	private:

		/*
		 * Noncopyable
		 */
		Irq_session_component(Irq_session_component const &);
		Irq_session_component &operator = (Irq_session_component const &);

		Hwb::Interrupt_source &_source;
		bool             const _message; /* not the pin */

		Mutex                     _mutex { }; /* guards what follows */
		Signal_context_capability _sigh  { };
		unsigned                  _event = Hwb::Events::NONE;
		Hwb::Interrupt            _interrupt { -1, -1 };

		void interrupt_opened(Hwb::Interrupt const &) override;

	public:

		/* nullptr: it is of no device of ours */
		static Hwb::Interrupt_source *source_from_args(char const *args);

		Irq_session_component(Hwb::Interrupt_source &, char const *args);
		~Irq_session_component();

		void ack_irq() override;
		void sigh(Signal_context_capability) override;

		/* The broker programs the device: there is nothing for the driver to do. */
		Info info() override { return { .type = Info::Type::INVALID, .address = 0, .value = 0 }; }
};

#endif
