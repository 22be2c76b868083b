/* SPDX-License-Identifier: MIT */
/* Stands for Genode's block_session/connection.h: a session of the service Block, by jobs. */
#ifndef GENODE_STUB_BLOCK_SESSION_CONNECTION_H
#define GENODE_STUB_BLOCK_SESSION_CONNECTION_H

#include <base/allocator.h>
#include <base/env.h>
#include <block_session/block_session.h>

namespace Block
{

struct Stub_connection;
template <typename> struct Connection;

} // namespace Block

/* what is the same for all types of jobs */
struct Block::Stub_connection : Session {
	Stub_connection(Genode::Env &, Genode::Range_allocator *, Genode::size_t buffer);
	~Stub_connection();

	void sigh(Genode::Signal_context_capability);
	Info info() const;

      protected:
	void *_next_job();
	void _enqueue(void *job, Operation);
};

template <typename JOB> struct Block::Connection : Stub_connection {
	class Job;

	Connection(Genode::Env &env, Genode::Range_allocator *alloc,
	           Genode::size_t buffer = 128 * 1024)
	    : Stub_connection(env, alloc, buffer)
	{
	}

	/* calls the policy for what was done and is to be done; whether there was any */
	bool update_jobs(auto &policy)
	{
		char *const bytes = nullptr;
		bool any = false;

		while (void *const next = _next_job()) {
			JOB &job = *static_cast<JOB *>(next);
			policy.produce_write_content(job, off_t(0), bytes, Genode::size_t(0));
			policy.consume_read_result(job, off_t(0), static_cast<char const *>(bytes),
			                           Genode::size_t(0));
			policy.completed(job, true);
			any = true;
		}
		return any;
	}
};

template <typename JOB> class Block::Connection<JOB>::Job : Genode::Noncopyable
{
      public:
	Job(Connection &connection, Operation operation)
	{
		connection._enqueue(this, operation);
	}
};

#endif
