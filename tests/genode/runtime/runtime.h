/* SPDX-License-Identifier: MIT */
/*
 * What the stubs declare, as an ordinary program on POSIX threads, so that the overlay runs
 * without Genode; and how a test looks into it.
 */
#ifndef GENODE_STUB_RUNTIME_H
#define GENODE_STUB_RUNTIME_H

#include <base/signal.h>
#include <base/thread.h>
#include <dataspace_component.h>

class Genode::Runtime
{
};

/* What a capability stands for. It goes with the last capability, and its descriptor with it. */
class Genode::Native_capability::Data
{
      public:
	int references = 0;
	/* who serves the object, and alone finds it */
	Rpc_entrypoint const *entrypoint = nullptr;
	int fd = -1;
	Rpc_object_base *object = nullptr;
	unsigned signals = 0; /* submitted and not taken */
};

/* Core's environment: empty, until a test gives it one. */
extern char **lx_environ;

namespace Stub_runtime
{

/* The path that a connection to HWB_SOCKET_PATH goes to. */
extern char const *socket_path;

/* Is called before each packet that core sends, if the test says so. */
extern void (*before_send)();

/* How often this was in a line of the log so far; waits until it is at least once. */
unsigned logged(char const *words);
bool waits_for_log(char const *words);
void print_log();

/* A signal context; how many signals it has; waits for some, and takes them all. */
Genode::Signal_context_capability signal_context();
unsigned signals(Genode::Signal_context_capability const &);
unsigned take_signals(Genode::Signal_context_capability const &);

/* The descriptor of a dataspace, which stays its own; -1: there is none. */
int fd_of(Genode::Untyped_capability const &);

/* The object behind a capability; nullptr: it is gone. */
Genode::Rpc_object_base *object_of(Genode::Untyped_capability const &);

/* How long a test waits for what must come, and a step of that: microseconds. */
enum { PATIENCE = 20 * 1000 * 1000, STEP = 2000 };

} // namespace Stub_runtime

#endif
