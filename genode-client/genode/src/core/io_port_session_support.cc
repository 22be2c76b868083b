/* SPDX-License-Identifier: MIT */
/* One access, one request or instruction: Genode's interface has no batches. */
#include <hwb/broker.h>
#include <hwb/native_ports.h>
#include <io_port_session_component.h>

using namespace Core;


uint32_t Io_port_session_component::_access(uint8_t action, unsigned short port, uint8_t width,
                                            uint32_t value)
{
	if (port < _ports.base || port + width > _ports.base + _ports.size || !_usable())
		return 0;

	if (_ports.native) {
		if (action == HWB_PORT_IN)
			return Hwb::native_in(port, width);

		Hwb::native_out(port, width, value);
		return 0;
	}
	hwb_port_op op { port, action, width, value };
	hwb_error   error { };
	int const   result = hwb_io_port_batch(&Hwb::broker().client(), _ports.session,
	                                       &op, 1, &error);

	return Hwb::broker().complain("port access", result, error) ? op.value : 0;
}


unsigned char Io_port_session_component::inb(unsigned short port)
{
	return (unsigned char)_access(HWB_PORT_IN, port, 1, 0);
}


unsigned short Io_port_session_component::inw(unsigned short port)
{
	return (unsigned short)_access(HWB_PORT_IN, port, 2, 0);
}


unsigned Io_port_session_component::inl(unsigned short port)
{
	return _access(HWB_PORT_IN, port, 4, 0);
}


void Io_port_session_component::outb(unsigned short port, unsigned char value)
{
	_access(HWB_PORT_OUT, port, 1, value);
}


void Io_port_session_component::outw(unsigned short port, unsigned short value)
{
	_access(HWB_PORT_OUT, port, 2, value);
}


void Io_port_session_component::outl(unsigned short port, unsigned value)
{
	_access(HWB_PORT_OUT, port, 4, value);
}
