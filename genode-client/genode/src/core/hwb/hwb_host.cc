/* SPDX-License-Identifier: MIT */
#include <core_linux_syscalls.h>

#include <base/log.h>
#include <hwb/host.h>
#include <util/string.h>

using namespace Genode;
using namespace Core::Hwb;

namespace {

	/* linux/memfd.h and linux/fcntl.h, which C libraries have in differing places */
	enum { MEMFD_CLOEXEC = 1, MEMFD_ALLOW_SEALING = 2 };
	enum { ADD_SEALS = 1033, SEAL_SEAL = 1, SEAL_SHRINK = 2, SEAL_GROW = 4 };
	enum { DUPFD_CLOEXEC = 1030, MONOTONIC_CLOCK = 1 /* linux/time.h */ };
	enum { EPOLL_CLOEXEC_FLAG = 02000000, COUNTER_CLOEXEC = 02000000, DUP3_CLOEXEC = 02000000,
	       COUNTER_NONBLOCK = 04000 };

	enum { MAX_EVENTS = 16 };
}


int Host::connect(char const *path)
{
	sockaddr_un address { };
	address.sun_family = AF_UNIX;
	copy_cstring(address.sun_path, path, sizeof(address.sun_path));

	int const fd = int(lx_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	if (fd < 0)
		return fd;

	int const result = int(lx_syscall(SYS_connect, fd, &address, sizeof(address)));
	if (result < 0) {
		close(fd);
		return result;
	}
	return fd;
}


int Host::memory(char const *name, size_t size)
{
	int const fd = int(lx_syscall(SYS_memfd_create, name, MEMFD_CLOEXEC | MEMFD_ALLOW_SEALING));
	if (fd < 0)
		return fd;

	int result = lx_ftruncate(fd, size);

	/* SEAL: a component that has the descriptor must not add F_SEAL_WRITE */
	if (result >= 0)
		result = int(lx_syscall(SYS_fcntl, fd, ADD_SEALS, SEAL_SHRINK | SEAL_GROW | SEAL_SEAL));

	if (result < 0) {
		close(fd);
		return result;
	}
	return fd;
}


int Host::dup(int fd)
{
	return int(lx_syscall(SYS_fcntl, fd, DUPFD_CLOEXEC, 0));
}


int Host::replace(int fd, int by)
{
	int const result = int(lx_syscall(SYS_dup3, by, fd, DUP3_CLOEXEC));

	close(by);
	return result;
}


void Host::close(int fd)
{
	if (fd >= 0)
		lx_close(fd);
}


bool Host::read_at(int fd, void *to, size_t size, size_t offset)
{
	return lx_syscall(SYS_pread64, fd, to, size, offset) == long(size);
}


bool Host::write_at(int fd, void const *from, size_t size, size_t offset)
{
	return lx_syscall(SYS_pwrite64, fd, from, size, offset) == long(size);
}


int Host::counter()
{
	return int(lx_syscall(SYS_eventfd2, 0, COUNTER_CLOEXEC | COUNTER_NONBLOCK));
}


uint64_t Host::take_count(int fd)
{
	uint64_t count = 0;

	return lx_syscall(SYS_read, fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}


void Host::signal(int fd)
{
	uint64_t const one = 1;

	lx_write(fd, &one, sizeof(one));
}


int Host::timer(unsigned period_ns)
{
	int const fd = int(lx_syscall(SYS_timerfd_create, MONOTONIC_CLOCK,
	                              COUNTER_CLOEXEC | COUNTER_NONBLOCK));
	if (fd < 0)
		return fd;

	timespec const period { 0, long(period_ns) };
	struct { timespec interval, first; } const rate { period, period };

	int const result = int(lx_syscall(SYS_timerfd_settime, fd, 0, &rate, nullptr));
	if (result < 0) {
		close(fd);
		return result;
	}
	return fd;
}


int Host::epoll_create()
{
	return int(lx_syscall(SYS_epoll_create1, EPOLL_CLOEXEC_FLAG));
}


namespace {

	bool epoll_set(int epoll, int operation, int fd, uint32_t events, unsigned id)
	{
		epoll_event event { };
		event.events   = events;
		event.data.u64 = id;

		return lx_syscall(SYS_epoll_ctl, epoll, operation, fd, &event) == 0;
	}
}


bool Host::epoll_add(int epoll, int fd, unsigned id)
{
	return epoll_set(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, id);
}


bool Host::epoll_add_once(int epoll, int fd, unsigned id)
{
	return epoll_set(epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, id);
}


bool Host::epoll_again(int epoll, int fd, unsigned id)
{
	return epoll_set(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, id);
}


void Host::epoll_remove(int epoll, int fd)
{
	epoll_event event { };

	lx_syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, fd, &event);
}


unsigned Host::epoll_wait(int epoll, Event *events, unsigned max, int timeout_ms)
{
	epoll_event ready[MAX_EVENTS];

	int const count = int(lx_syscall(SYS_epoll_pwait, epoll, ready,
	                                 min(max, unsigned(MAX_EVENTS)), timeout_ms, nullptr, 8));
	for (int i = 0; i < count; i++)
		events[i] = { unsigned(ready[i].data.u64) };

	return count < 0 ? 0 : unsigned(count);
}


void Host::futex_wait(int const &word, int value)
{
	lx_futex(&word, LX_FUTEX_WAIT, value);
}


void Host::futex_wake(int const &word)
{
	lx_futex(&word, LX_FUTEX_WAKE, 0x7fffffff);
}
