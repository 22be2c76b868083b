/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/mutex.h: mutual exclusion. */
#ifndef GENODE_STUB_BASE_MUTEX_H
#define GENODE_STUB_BASE_MUTEX_H

#include <base/stdint.h>
#include <util/noncopyable.h>

namespace Genode
{
class Mutex;
}

class Genode::Mutex : Noncopyable
{
	int _state = 0;

      public:
	Mutex()
	{
	}

	void acquire();
	void release();

	class Guard
	{
		Mutex &_mutex;

	      public:
		explicit Guard(Mutex &mutex) : _mutex(mutex)
		{
			_mutex.acquire();
		}
		~Guard()
		{
			_mutex.release();
		}
	};
};

#endif
