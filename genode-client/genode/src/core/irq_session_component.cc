/* SPDX-License-Identifier: MIT */
#include <util/arg_string.h>

#include <hwb/broker.h>
#include <hwb/host.h>
#include <irq_args.h>
#include <irq_session_component.h>

using namespace Core;


Hwb::Device *Irq_session_component::device_from_args(char const *args)
{
	addr_t const config = Arg_string::find_arg(args, "device_config_phys").ulong_value(0);

	if (Irq_args(args).msi())
		return Hwb::devices().by_config(config);

	return Hwb::devices().by_irq(uint32_t(Irq_args(args).irq_number()));
}


void Irq_session_component::_open(Signal_context_capability cap)
{
	if (!_device.hold())
		return;

	if (!_device.open_interrupt(_message, _interrupt)) {
		_device.let_go();
		return;
	}
	_event = Hwb::events().add(_interrupt.trigger, cap);

	hwb_error error { };
	Hwb::broker().complain("interrupt",
	                       hwb_irq_enable(&Hwb::broker().client(), _interrupt.handle, &error),
	                       error);
}


void Irq_session_component::sigh(Signal_context_capability cap)
{
	if (_interrupt.handle)
		Hwb::events().sigh(_event, cap);
	else if (cap.valid())
		_open(cap);
}


void Irq_session_component::ack_irq()
{
	/* only a pin has it */
	if (_interrupt.unmask >= 0)
		Hwb::Host::signal(_interrupt.unmask);
}


Irq_session_component::Irq_session_component(Hwb::Device &device, char const *args)
:
	_device(device), _message(Irq_args(args).msi())
{ }


Irq_session_component::~Irq_session_component()
{
	if (!_interrupt.handle)
		return;

	Hwb::events().remove(_event);
	_device.close_interrupt(_interrupt);
	_device.let_go();
}
