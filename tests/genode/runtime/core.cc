/* SPDX-License-Identifier: MIT */
/* What core alone has: dataspaces as descriptors, and Linux' system calls. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <runtime.h>

#include <hwbroker/protocol.h>
#include <ram_dataspace_factory.h>

using namespace Genode;

char const *Stub_runtime::socket_path;

namespace
{

char *nothing[] = { nullptr };

}

char **lx_environ = nothing;
void (*Stub_runtime::before_send)();

Capability_space::Ipc_cap_data Capability_space::ipc_cap_data(Native_capability const &cap)
{
	return { { { cap.valid() ? cap.stub_data()->fd : -1 } } };
}

int Stub_runtime::fd_of(Untyped_capability const &cap)
{
	auto *const object = dynamic_cast<Core::Dataspace_component *>(object_of(cap));

	return object ? Capability_space::ipc_cap_data(object->fd()).dst.socket.value : -1;
}

Core::Dataspace_component::Dataspace_component(size_t size, addr_t, addr_t physical, Cache cache,
                                               bool writeable, Dataspace_owner *owner)
    : _size(size), _physical(physical), _cache(cache), _writeable(writeable), _owner(owner)
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
	if (number == SYS_sendmsg && Stub_runtime::before_send)
		Stub_runtime::before_send();
	long const result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	return result < 0 ? -errno : result;
}
