/* SPDX-License-Identifier: MIT */
/*
 * Core's one connection to hwbrokerd. Without a broker core works as ever, just
 * without devices.
 */
#ifndef _CORE__INCLUDE__HWB__BROKER_H_
#define _CORE__INCLUDE__HWB__BROKER_H_

#include <base/thread.h>
#include <hwb/errands.h>
#include <hwb/monitor.h>
#include <hwb/client.h>

namespace Core::Hwb {

	class Broker;

	Broker &broker();
}


class Core::Hwb::Broker : Genode::Noncopyable
{
	private:

		int        _socket  = -1;
		bool       _up      = false;
		hwb_client _client  { };
		Monitor    _monitor { };
		Errands    _errands { };

		bool _connect();
		void _greet();

	public:

		/*
		 * To be called once, before all else. Says in the log what came of it,
		 * and starts the thread that receives events and interrupts.
		 */
		void connect(Genode::Runtime &);

		/* whether there are devices to ask for */
		bool up() const { return _up; }

		/* the broker hung up: all later requests fail by themselves */
		void lost(int error);

		hwb_client &client()       { return _client; }
		Errands    &errands()      { return _errands; }
		int         socket() const { return _socket; }

		/* logs why a request failed, if it did; returns whether it went well */
		bool complain(char const *what, int result, hwb_error const &) const;

		/* logs that no device of ours has what a session is asked for */
		void nobody_has(char const *what, char const *args) const;
};

#endif
