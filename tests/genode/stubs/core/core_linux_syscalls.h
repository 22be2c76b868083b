/* SPDX-License-Identifier: MIT */
/* Stands for Genode's core_linux_syscalls.h: Linux' system calls, and its headers with size_t
 * defined away. */
#ifndef GENODE_STUB_CORE_LINUX_SYSCALLS_H
#define GENODE_STUB_CORE_LINUX_SYSCALLS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <base/log.h>
#include <util/string.h>

/* gcc's stddef.h leaves a macro alone, clang's takes it for a type */
#ifndef __clang__
#define size_t __SIZE_TYPE__
#endif
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#undef size_t

/* the kernel's answer: below 0 its negated error number */
extern "C" long lx_syscall(int number, ...);

enum { LX_FUTEX_WAIT = FUTEX_WAIT, LX_FUTEX_WAKE = FUTEX_WAKE };

struct Lx_sd {
	int value;

	bool valid() const
	{
		return value >= 0;
	}
};

inline int lx_write(int fd, void const *from, Genode::size_t size)
{
	return static_cast<int>(lx_syscall(SYS_write, fd, from, size));
}

inline int lx_read(int fd, void *to, Genode::size_t size)
{
	return static_cast<int>(lx_syscall(SYS_read, fd, to, size));
}

inline int lx_close(int fd)
{
	return static_cast<int>(lx_syscall(SYS_close, fd));
}

inline int lx_ftruncate(int fd, unsigned long size)
{
	return static_cast<int>(lx_syscall(SYS_ftruncate, fd, size));
}

inline int lx_sendmsg(Lx_sd socket, msghdr const *message, int flags)
{
	return static_cast<int>(lx_syscall(SYS_sendmsg, socket.value, message, flags));
}

inline int lx_recvmsg(Lx_sd socket, msghdr *message, int flags)
{
	return static_cast<int>(lx_syscall(SYS_recvmsg, socket.value, message, flags));
}

inline int lx_futex(int const *word, int operation, int value)
{
	return static_cast<int>(lx_syscall(SYS_futex, word, operation, value, 0, 0, 0));
}

#endif
