/* SPDX-License-Identifier: MIT */
#include <hwb/host.h>
#include <hwb/legacy_line.h>

using namespace Genode;
using namespace Core::Hwb;


Legacy_line *Core::Hwb::legacy_line(unsigned number)
{
	static Legacy_line lines[Legacy_line::COUNT] { };

	return number < Legacy_line::COUNT ? &lines[number] : nullptr;
}


bool Legacy_line::open_interrupt(Interrupt_user &user, bool)
{
	Mutex::Guard guard { _mutex };

	if (_user)
		return false;

	int const timer = Host::timer(1000*1000*1000 / PER_SECOND);
	if (timer < 0)
		return false;

	_user = &user;
	user.interrupt_opened({ timer, -1 });
	return true;
}


void Legacy_line::close_interrupt(Interrupt_user &user)
{
	Mutex::Guard guard { _mutex };

	if (_user == &user)
		_user = nullptr;
}
