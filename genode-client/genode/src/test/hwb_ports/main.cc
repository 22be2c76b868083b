/* SPDX-License-Identifier: MIT */
/*
 * The PC's interval timer as a running counter: legacy ports through core.
 * Genode's pit_timer also needs the timer's interrupt, which the host keeps.
 */
#include <base/component.h>
#include <base/log.h>
#include <io_port_session/connection.h>

using namespace Genode;

enum { COUNTER_2 = 0x42, COMMAND = 0x43 };


struct Main
{
	Io_port_connection _ports;

	uint16_t _counter()
	{
		_ports.outb(COMMAND, 0x80); /* latch */
		uint16_t const low = _ports.inb(COUNTER_2);
		return uint16_t(low | _ports.inb(COUNTER_2) << 8);
	}

	Main(Env &env) : _ports(env, 0x40, 4)
	{
		/* counter 2, low and high byte, rate generator, from 65536 down */
		_ports.outb(COMMAND, 0xb4);
		_ports.outb(COUNTER_2, 0);
		_ports.outb(COUNTER_2, 0);

		unsigned differ = 0;
		uint16_t last = _counter();
		for (unsigned i = 0; i < 1000; i++) {
			uint16_t const now = _counter();
			differ += now != last;
			last = now;
		}
		log("interval timer: ", differ, " of 1000 readings differ from the one before, "
		    "the last is ", last);
		log("hwb_ports test done");
	}
};


void Component::construct(Env &env) { static Main main { env }; }
