/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/thread.h: threads. */
#ifndef GENODE_STUB_BASE_THREAD_H
#define GENODE_STUB_BASE_THREAD_H

#include <base/mutex.h>
#include <cpu_session/cpu_session.h>
#include <util/string.h>

namespace Genode
{

class Runtime;
class Thread;

} // namespace Genode

class Genode::Thread
{
      public:
	using Location = Affinity::Location;
	using Name = Cpu_session::Name;

	struct Stack_size {
		size_t num_bytes;
	};

	enum class Start_result { OK, DENIED };

	Name const name;

      private:
	Thread(Thread const &);
	Thread &operator=(Thread const &);

      public:
	Thread(Runtime &, Name const &, Stack_size, Location);
	virtual ~Thread();

	virtual void entry() = 0;
	virtual Start_result start();

	void join();
};

#endif
