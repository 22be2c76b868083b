/* SPDX-License-Identifier: MIT */
/* Seconds, as a timer driver counts them: a second clock beside it tells whether it is right. */
#include <base/component.h>
#include <base/log.h>
#include <timer_session/connection.h>

using namespace Genode;


struct Main
{
	enum { SECONDS = 10 };

	Timer::Connection    _timer;
	Signal_handler<Main> _handler;
	unsigned             _seconds = 0;

	void _handle_timeout()
	{
		log(++_seconds, " s, ", _timer.elapsed_ms(), " ms by the timer");

		if (_seconds < SECONDS)
			_timer.trigger_once(1000*1000);
		else
			log("hwb_timer test done");
	}

	Main(Env &env) : _timer(env), _handler(env.ep(), *this, &Main::_handle_timeout)
	{
		_timer.sigh(_handler);
		_timer.trigger_once(1000*1000);
	}
};


void Component::construct(Env &env) { static Main main { env }; }
