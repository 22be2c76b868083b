/* SPDX-License-Identifier: MIT */
/* Stands for Genode's timer_session/connection.h: a session of the service Timer. */
#ifndef GENODE_STUB_TIMER_SESSION_CONNECTION_H
#define GENODE_STUB_TIMER_SESSION_CONNECTION_H

#include <base/env.h>
#include <base/session_label.h>
#include <util/reconstructible.h>

namespace Timer
{
class Connection;
}

class Timer::Connection : Genode::Noncopyable
{
      public:
	Connection(Genode::Env &, Genode::Session_label const & = Genode::Session_label());
	~Connection();

	void sigh(Genode::Signal_context_capability);
	Genode::uint64_t elapsed_us() const;
	Genode::uint64_t elapsed_ms() const;
	void msleep(Genode::uint64_t milliseconds);
	void usleep(Genode::uint64_t microseconds);
	void trigger_once(Genode::uint64_t microseconds);
};

#endif
