/* SPDX-License-Identifier: MIT */
/*
 * IRQ session: the interrupt of a device. Opened when a handler is installed, by
 * the entrypoint "irq", and delivered from then on, since not every driver
 * acknowledges first.
 */
#ifndef _CORE__INCLUDE__IRQ_SESSION_COMPONENT_H_
#define _CORE__INCLUDE__IRQ_SESSION_COMPONENT_H_

#include <base/allocator.h>
#include <base/rpc_server.h>
#include <irq_session/irq_session.h>

#include <hwb/devices.h>
#include <hwb/events.h>

namespace Core { class Irq_session_component; }


class Core::Irq_session_component : public Rpc_object<Irq_session>
{
	private:

		/*
		 * Noncopyable
		 */
		Irq_session_component(Irq_session_component const &);
		Irq_session_component &operator = (Irq_session_component const &);

		Hwb::Device           &_device;
		bool             const _message; /* not the pin */
		unsigned               _event = Hwb::Events::NONE;
		Hwb::Device::Interrupt _interrupt { 0, -1, -1 };

		void _open(Signal_context_capability);

	public:

		/* nullptr: no device of ours */
		static Hwb::Device *device_from_args(char const *args);

		Irq_session_component(Hwb::Device &, char const *args);
		~Irq_session_component();

		void ack_irq() override;
		void sigh(Signal_context_capability) override;

		/* The broker programs the device: there is nothing for the driver to do. */
		Info info() override { return { .type = Info::Type::INVALID, .address = 0, .value = 0 }; }
};

#endif
