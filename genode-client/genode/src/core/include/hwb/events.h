/* SPDX-License-Identifier: MIT */
/*
 * The one thread of core that waits for what comes by itself: the broker's
 * messages, and interrupts. For an interrupt the broker is not involved: the
 * kernel signals an eventfd, this thread submits the signal.
 *
 * An RPC entrypoint could not do it, as it would take an eventfd for a socket;
 * and as core's threads never end, there cannot be one per interrupt.
 */
#ifndef _CORE__INCLUDE__HWB__EVENTS_H_
#define _CORE__INCLUDE__HWB__EVENTS_H_

#include <base/mutex.h>
#include <base/signal.h>
#include <base/thread.h>

namespace Core::Hwb {

	using namespace Genode;

	class Events;

	Events &events();
}


class Core::Hwb::Events : Noncopyable
{
	public:

		enum { MAX_INTERRUPTS = 256, NONE = MAX_INTERRUPTS };

	private:

		enum { BROKER = MAX_INTERRUPTS, WORK };

		/*
		 * Most of what comes from the broker are answers, which the thread that asked
		 * takes off the socket itself; to be woken by each would cost more than the
		 * answer. So the socket is left alone for a moment, in milliseconds, when this
		 * thread was woken for nothing. What comes meanwhile and nobody else receives is
		 * late by as much.
		 */
		enum { UNWATCHED_MS = 10 };

		struct Source
		{
			int                       fd   = -1;
			Signal_context_capability sigh { };
		};

		struct Loop;

		Mutex  _mutex { };                   /* guards the sources */
		Source _sources[MAX_INTERRUPTS] { };
		int    _epoll  = -1;
		int    _socket = -1;
		int    _work   = -1;                 /* an eventfd */
		bool   _relist = false;

		void _interrupt(unsigned id);
		bool _broker(); /* whether there was anything */
		void _do_work();
		void _run();

	public:

		/* broker_socket: -1 if there is none */
		bool start(Runtime &, int broker_socket);

		/*
		 * From now on `fd`, which stays the caller's, leads to signals. Returns
		 * its number, or NONE.
		 */
		unsigned add(int fd, Signal_context_capability);

		void sigh(unsigned id, Signal_context_capability);

		/* before `fd` is closed; a signal may still be on its way */
		void remove(unsigned id);

		/*
		 * For whoever is in the middle of receiving, and must not wait: devices are to
		 * be settled, or listed anew.
		 */
		void work();
		void list_devices();
};

#endif
