/* SPDX-License-Identifier: MIT */
#include <util/arg_string.h>

#include <hwb/broker.h>
#include <hwb/host.h>
#include <hwb/legacy_line.h>
#include <hwb/devices_rom.h>
#include <irq_args.h>
#include <irq_session_component.h>

using namespace Core;


Hwb::Interrupt_source *Irq_session_component::source_from_args(char const *args)
{
	addr_t const config = Arg_string::find_arg(args, "device_config_phys").ulong_value(0);

	if (config == Hwb_devices_rom::ADDRESS)
		return &Hwb::devices().changes();

	if (Irq_args(args).msi())
		return Hwb::devices().by_config(config);

	uint32_t const number = uint32_t(Irq_args(args).irq_number());

	if (Hwb::Device * const device = Hwb::devices().by_irq(number))
		return device;

	return Hwb::legacy_line(number);
}


void Irq_session_component::interrupt_opened(Hwb::Interrupt const &interrupt)
{
	Mutex::Guard guard { _mutex };

	_interrupt = interrupt;
	_event     = Hwb::events().add(interrupt.trigger, _sigh);
}


void Irq_session_component::sigh(Signal_context_capability cap)
{
	{
		Mutex::Guard guard { _mutex };

		_sigh = cap;
		Hwb::events().sigh(_event, cap);
	}
	/* again, if it was refused before */
	if (cap.valid())
		_source.open_interrupt(*this, _message);
}


void Irq_session_component::ack_irq()
{
	Mutex::Guard guard { _mutex };

	/* only a pin has it */
	if (_interrupt.unmask >= 0)
		Hwb::Host::signal(_interrupt.unmask);
}


Irq_session_component::Irq_session_component(Hwb::Interrupt_source &source, char const *args)
:
	_source(source), _message(Irq_args(args).msi())
{ }


Irq_session_component::~Irq_session_component()
{
	/* afterwards nobody tells of it any more */
	_source.close_interrupt(*this);

	Hwb::events().remove(_event);
	Hwb::Host::close(_interrupt.trigger);
	Hwb::Host::close(_interrupt.unmask);
}
