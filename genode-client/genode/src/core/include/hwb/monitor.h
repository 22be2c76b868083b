/* SPDX-License-Identifier: MIT */
/*
 * A mutex with a place to wait, which Genode's core has not: its own Blockade
 * lets one thread through per wake-up.
 */
#ifndef _CORE__INCLUDE__HWB__MONITOR_H_
#define _CORE__INCLUDE__HWB__MONITOR_H_

#include <base/mutex.h>
#include <hwb/host.h>

namespace Core::Hwb { class Monitor; }


class Core::Hwb::Monitor : Genode::Noncopyable
{
	private:

		Genode::Mutex _mutex { };

		int _turn = 0; /* another at each wake_all */

	public:

		void acquire() { _mutex.acquire(); }
		void release() { _mutex.release(); }

		/* with the monitor held, which is let go of meanwhile */
		void wait()
		{
			int const turn = _turn;

			_mutex.release();
			Host::futex_wait(_turn, turn);
			_mutex.acquire();
		}

		/* with the monitor held */
		void wake_all()
		{
			__atomic_add_fetch(&_turn, 1, __ATOMIC_RELAXED);
			Host::futex_wake(_turn);
		}

		struct Guard
		{
			Monitor &_monitor;

			explicit Guard(Monitor &monitor) : _monitor(monitor) { _monitor.acquire(); }
			~Guard() { _monitor.release(); }
		};
};

#endif
