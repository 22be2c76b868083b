/* SPDX-License-Identifier: MIT */
#include <util/arg_string.h>

#include <hwb/broker.h>
#include <hwb/native_ports.h>
#include <io_port_session_component.h>

using namespace Core;


using Ports = Io_port_session_component::Ports;


static unsigned number(char const *args, char const *key)
{
	return unsigned(min(Arg_string::find_arg(args, key).ulong_value(0), 0x10000UL));
}


Ports Ports::from_args(char const *args)
{
	unsigned const base = number(args, "io_port_base"), size = number(args, "io_port_size");

	if (size == 0)
		return { base, size, nullptr, 0, false };

	/* those of old of a VGA card are used with the card, as those in its BARs are */
	Hwb::Device *device = Hwb::devices().by_port(base, size);
	if (!device)
		device = Hwb::devices().vga_by_port(base, size);

	return { base, size, device, 0, Hwb::native_ports(base, size) };
}


bool Ports::open()
{
	if (native)
		return true;

	if (!Hwb::broker().up())
		return false;

	hwb_error error { };
	return Hwb::broker().complain("ports", hwb_io_port_open(&Hwb::broker().client(), base, size,
	                                                        &session, &error), error);
}


void Ports::close()
{
	if (session)
		Hwb::broker().errands().send("close of ports", HWB_CLOSE, session, nullptr, 0);
}


/* At the first access, as it may wait, and the entrypoint is then that of ports. */
bool Io_port_session_component::_usable()
{
	if (!_tried && _ports.device) {
		_held = _ports.device->hold();
		if (_held)
			_ports.open();
	}
	_tried = true;

	return _ports.session || (_ports.native && (_held || !_ports.device));
}


Io_port_session_component::~Io_port_session_component()
{
	_ports.close();
	if (_held)
		_ports.device->let_go();
}
