/* SPDX-License-Identifier: MIT */
/* What a component is told of the list of devices, and when. */
#include <hwb/devices.h>
#include <hwb/devices_rom.h>
#include <hwb/host.h>
#include <util/misc_math.h>

using namespace Genode;
using namespace Core::Hwb;


/* For the one thread that serves IO_MEM sessions of no device: it has no stack for such a text. */
int Devices::list_as_text(size_t size)
{
	static char text[Hwb_devices_rom::MAX_SIZE];

	size_t length;
	{
		Mutex::Guard guard { _mutex };

		length = hwb_genode_devices(_listed, _listed_count, nullptr, 0, text,
		                            min(size, sizeof(text)));
	}
	int const memory = Host::memory("hwbroker-devices", size);
	if (memory < 0)
		return memory;

	if (!Host::write_at(memory, text, min(length, size - 1), 0)) {
		Host::close(memory);
		return -1;
	}
	return memory;
}


void Devices::Changes::signal()
{
	Mutex::Guard guard { _mutex };

	if (_user)
		Host::signal(_event);
}


bool Devices::Changes::open_interrupt(Interrupt_user &user, bool)
{
	Mutex::Guard guard { _mutex };

	if (_user)
		return false;

	_event = Host::counter();
	if (_event < 0)
		return false;

	_user = &user;
	user.interrupt_opened({ _event, -1 });
	return true;
}


void Devices::Changes::close_interrupt(Interrupt_user &user)
{
	Mutex::Guard guard { _mutex };

	if (_user == &user)
		_user = nullptr;
}
