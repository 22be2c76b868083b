/* SPDX-License-Identifier: MIT */
/* Capabilities, entrypoints, threads, signals, dataspaces and system calls. */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runtime.h>

#include <base/heap.h>
#include <hwbroker/protocol.h>
#include <ram_dataspace_factory.h>

using namespace Genode;

char const *Stub_runtime::socket_path;

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

Capability_space::Ipc_cap_data Capability_space::ipc_cap_data(Native_capability const &cap)
{
	return { { { cap.valid() ? cap.stub_data()->fd : -1 } } };
}

int Stub_runtime::fd_of(Untyped_capability const &cap)
{
	auto *const object = dynamic_cast<Core::Dataspace_component *>(object_of(cap));

	return object ? Capability_space::ipc_cap_data(object->fd()).dst.socket.value : -1;
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
	return Stub_runtime::object_of(cap);
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

Core::Dataspace_component::Dataspace_component(size_t size, addr_t, addr_t physical, Cache cache,
                                               bool writeable, Dataspace_owner *)
    : _size(size), _physical(physical), _cache(cache), _writeable(writeable)
{
}

void Core::Dataspace_component::fd(int fd)
{
	auto *const data = new Native_capability::Data();

	data->fd = fd;
	_fd = Native_capability(data);
}

Core::Ram_dataspace_factory::Alloc_ram_result Core::Ram_dataspace_factory::alloc_ram(size_t size,
                                                                                     Cache cache)
{
	auto *const ds = new Dataspace_component(size, 0, 0, cache, true, this);

	if (!_export_ram_ds(*ds)) {
		delete ds;
		return Alloc_error::OUT_OF_RAM;
	}
	_clear_ds(*ds);
	return static_cap_cast<Ram_dataspace>(static_cap_cast<Dataspace>(_ep.manage(ds)));
}

void Core::Ram_dataspace_factory::free_ram(Ram_dataspace_capability cap)
{
	auto *const ds = dynamic_cast<Dataspace_component *>(Stub_runtime::object_of(cap));

	_ep.dissolve(ds);
	_revoke_ram_ds(*ds);
	delete ds;
}

/* ---- Linux ---- */

/* takes as many arguments as any call has, whether they were given or not */
extern "C" __attribute__((no_sanitize("address"))) long lx_syscall(int number, ...)
{
	unsigned long a[6];
	va_list list;
	sockaddr_un address;

	va_start(list, number);
	for (unsigned long &argument : a)
		argument = va_arg(list, unsigned long);
	va_end(list);

	/* the broker's socket is where the test says */
	if (number == SYS_connect) {
		::memcpy(&address, reinterpret_cast<void const *>(a[1]), sizeof(address));
		if (::strcmp(address.sun_path, HWB_SOCKET_PATH) == 0) {
			snprintf(address.sun_path, sizeof(address.sun_path), "%s",
			         Stub_runtime::socket_path);
			a[1] = reinterpret_cast<unsigned long>(&address);
		}
	}
	long const result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	return result < 0 ? -errno : result;
}
