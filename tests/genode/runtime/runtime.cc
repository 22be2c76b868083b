/* SPDX-License-Identifier: MIT */
/* Capabilities, entrypoints, threads, signals and memory for objects. */
#include <pthread.h>
#include <stdlib.h>

#include <runtime.h>

#include <base/heap.h>

using namespace Genode;

namespace
{

pthread_mutex_t capabilities = PTHREAD_MUTEX_INITIALIZER;

struct Locked {
	Locked()
	{
		pthread_mutex_lock(&capabilities);
	}
	~Locked()
	{
		pthread_mutex_unlock(&capabilities);
	}
};

} // namespace

/* ---- capabilities ---- */

Native_capability::Native_capability()
{
}

Native_capability::Native_capability(Data *data) : _data(data)
{
	Locked locked;
	if (_data)
		_data->references++;
}

Native_capability::Native_capability(Native_capability const &other)
    : Native_capability(other._data)
{
}

Native_capability &Native_capability::operator=(Native_capability const &other)
{
	if (this != &other) {
		this->~Native_capability();
		new (Stub_place{ this }) Native_capability(other);
	}
	return *this;
}

Native_capability::~Native_capability()
{
	Locked locked;
	if (_data && --_data->references == 0) {
		if (_data->fd >= 0)
			close(_data->fd);
		delete _data;
	}
	_data = nullptr;
}

bool Native_capability::valid() const
{
	return _data != nullptr;
}

Rpc_object_base *Stub_runtime::object_of(Untyped_capability const &cap)
{
	return cap.valid() ? cap.stub_data()->object : nullptr;
}

/* ---- threads and what they wait for ---- */

/* a futex word is all the room that the stub has: free, held, held and waited for */
void Mutex::acquire()
{
	int state = 0;

	if (__atomic_compare_exchange_n(&_state, &state, 1, false, __ATOMIC_ACQUIRE,
	                                __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&_state, 2, __ATOMIC_ACQUIRE) != 0)
		syscall(SYS_futex, &_state, FUTEX_WAIT, 2, nullptr);
}

void Mutex::release()
{
	if (__atomic_exchange_n(&_state, 0, __ATOMIC_RELEASE) == 2)
		syscall(SYS_futex, &_state, FUTEX_WAKE, 1, nullptr);
}

Thread::Thread(Runtime &, Name const &name, Stack_size, Location) : name(name)
{
}

Thread::~Thread()
{
}

Thread::Start_result Thread::start()
{
	pthread_t thread;
	pthread_attr_t attributes;
	auto const enter = [](void *self) -> void * {
		static_cast<Thread *>(self)->entry();
		return nullptr;
	};

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	return pthread_create(&thread, &attributes, enter, this) == 0 ? Start_result::OK
	                                                              : Start_result::DENIED;
}

Rpc_entrypoint::Rpc_entrypoint(Runtime &runtime, Name const &name, Stack_size stack,
                               Location location)
    : Thread(runtime, name, stack, location)
{
}

Rpc_entrypoint::~Rpc_entrypoint()
{
}

/* tests call objects themselves */
void Rpc_entrypoint::entry()
{
}

void Rpc_entrypoint::_manage(Rpc_object_base &object)
{
	auto *const data = new Native_capability::Data();

	data->object = &object;
	data->entrypoint = this;
	object.cap(Untyped_capability(data));
}

void Rpc_entrypoint::_dissolve(Rpc_object_base &object)
{
	Untyped_capability const cap = object.cap();

	if (cap.valid())
		cap.stub_data()->object = nullptr;
	object.cap(Untyped_capability());
}

Rpc_object_base *Rpc_entrypoint::_lookup(Untyped_capability const &cap)
{
	bool const ours = cap.valid() && cap.stub_data()->entrypoint == this;

	return ours ? Stub_runtime::object_of(cap) : nullptr;
}

/* ---- signals ---- */

Signal_context_capability Stub_runtime::signal_context()
{
	return reinterpret_cap_cast<Signal_context>(
	        Untyped_capability(new Native_capability::Data()));
}

void Signal_transmitter::submit(unsigned count)
{
	if (_context.valid())
		__atomic_add_fetch(&_context.stub_data()->signals, count, __ATOMIC_RELEASE);
}

unsigned Stub_runtime::signals(Signal_context_capability const &cap)
{
	return __atomic_load_n(&cap.stub_data()->signals, __ATOMIC_ACQUIRE);
}

unsigned Stub_runtime::take_signals(Signal_context_capability const &cap)
{
	for (int waited = 0; waited < PATIENCE; waited += STEP) {
		unsigned const count =
		        __atomic_exchange_n(&cap.stub_data()->signals, 0, __ATOMIC_ACQUIRE);
		if (count)
			return count;
		usleep(STEP);
	}
	return 0;
}

/* ---- memory ---- */

Heap::Heap(Ram_allocator &, Local::Constrained_region_map &)
{
}

void *Heap::stub_alloc(size_t size)
{
	return malloc(size);
}

void Heap::free(void *at, size_t)
{
	::free(at);
}

Sliced_heap::Sliced_heap(Ram_allocator &, Local::Constrained_region_map &)
{
}

void *Sliced_heap::stub_alloc(size_t size)
{
	return malloc(size);
}

void Sliced_heap::free(void *at, size_t)
{
	::free(at);
}

void *operator new(__SIZE_TYPE__ size, Genode::Allocator &from)
{
	return from.stub_alloc(size);
}

void operator delete(void *at, Genode::Allocator &to)
{
	to.free(at, 0);
}
