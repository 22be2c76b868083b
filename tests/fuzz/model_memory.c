/* SPDX-License-Identifier: MIT */
/* Memory and descriptors that run out once, and sockets that fail, for the daemon alone. */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC and others */
#include "input.h"
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

uint32_t model_memory_fails_in;

static bool runs_out(int error)
{
	if (model_memory_fails_in == 0 || --model_memory_fails_in != 0)
		return false;
	model.failures++;
	errno = error;
	return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return runs_out(ENOMEM) ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return runs_out(ENOMEM) ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
	return runs_out(ENOMEM) ? NULL : __real_realloc(old, size);
}

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags)
{
	return runs_out(EMFILE) ? -1 : __real_eventfd(count, flags);
}

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags)
{
	return runs_out(EMFILE) ? -1 : __real_memfd_create(name, flags);
}

int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size)
{
	return runs_out(ENOMEM) ? -1 : __real_ftruncate(fd, size);
}

int __real_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
	return runs_out(ENOSPC) ? -1 : __real_fallocate(fd, mode, offset, size);
}

/* What only asks does not fail. */
int __real_fcntl(int fd, int what, ...);
int __wrap_fcntl(int fd, int what, ...);
int __wrap_fcntl(int fd, int what, ...)
{
	va_list more;

	va_start(more, what);
	void *argument = va_arg(more, void *);
	va_end(more);
	if ((what == F_DUPFD_CLOEXEC || what == F_ADD_SEALS) && runs_out(EMFILE))
		return -1;
	return __real_fcntl(fd, what, argument);
}

ssize_t __real_send(int fd, const void *from, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t size, int flags)
{
	return runs_out(ENOMEM) ? -1 : __real_send(fd, from, size, flags);
}

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return runs_out(ENOMEM) ? -1 : __real_sendmsg(fd, message, flags);
}

ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	return runs_out(ENOMEM) ? -1 : __real_recvmsg(fd, message, flags);
}

ssize_t model_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return __real_sendmsg(fd, message, flags);
}

ssize_t model_recvmsg(int fd, struct msghdr *message, int flags)
{
	return __real_recvmsg(fd, message, flags);
}

int model_dup(int fd)
{
	return __real_fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int model_shared_memory(size_t size, unsigned seals)
{
	int fd = __real_memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd >= 0 && __real_ftruncate(fd, (off_t)size) == 0 &&
	             __real_fcntl(fd, F_ADD_SEALS, seals) == 0,
	     "there is memory");
	return fd;
}

void *model_alloc(size_t size)
{
	void *memory = __real_calloc(1, size);

	must(memory != NULL, "the model has memory");
	return memory;
}

int model_memfd(unsigned flags)
{
	return __real_memfd_create("fuzz", flags);
}

int model_eventfd(void)
{
	return __real_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}
