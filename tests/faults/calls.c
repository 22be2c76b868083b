/* SPDX-License-Identifier: MIT */
/*
 * Loaded into the daemon with LD_PRELOAD: counts its system calls by name, and lets one
 * of them fail. Which, and when, is told in the file that HWBROKER_FAULTS names, while
 * the daemon runs; faults.py has the other side of it.
 */
#define _GNU_SOURCE /* RTLD_NEXT, accept4 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <sys/io.h>
#endif

enum { NAME = 24, CALLS = 64 };

struct call {
	char name[NAME];
	uint32_t made;
};

struct control {
	char name[NAME];    /* of the call that is to fail */
	uint32_t countdown; /* 1: the next one; 0: none, or it has */
	int32_t error;
	struct call calls[CALLS]; /* that the daemon has made */
};

static struct control none;
static struct control *control = &none;

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("HWBROKER_FAULTS");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		abort();
	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (control == MAP_FAILED)
		abort();
	close(fd);
	/* Not in what a sanitizer starts to name functions. */
	unsetenv("LD_PRELOAD");
}

static struct call *find(const char *name)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct call *call = control->calls;

	pthread_mutex_lock(&lock);
	while (call->name[0] != '\0' && strcmp(call->name, name) != 0)
		if (++call == control->calls + CALLS)
			abort();
	strcpy(call->name, name);
	pthread_mutex_unlock(&lock);
	return call;
}

/* Whether this one fails; errno is set then. */
static bool fails(const char *name)
{
	__atomic_add_fetch(&find(name)->made, 1, __ATOMIC_RELAXED);
	if (strcmp(control->name, name) != 0 ||
	    __atomic_load_n(&control->countdown, __ATOMIC_ACQUIRE) == 0 ||
	    __atomic_sub_fetch(&control->countdown, 1, __ATOMIC_ACQ_REL) != 0)
		return false;
	errno = control->error;
	return true;
}

/* A call that returns `failed` and sets errno. */
#define CALL(type, name, failed, parameters, arguments)                     \
	type name parameters                                                \
	{                                                                   \
		static type(*real) parameters;                              \
		if (real == NULL)                                           \
			real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
		return fails(#name) ? failed : real arguments;              \
	}

CALL(int, accept4, -1, (int fd, struct sockaddr *address, socklen_t *size, int flags),
     (fd, address, size, flags))
CALL(int, bind, -1, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
CALL(int, connect, -1, (int fd, const struct sockaddr *address, socklen_t size),
     (fd, address, size))
CALL(int, epoll_create1, -1, (int flags), (flags))
CALL(int, epoll_ctl, -1, (int epoll, int what, int fd, struct epoll_event *event),
     (epoll, what, fd, event))
CALL(int, epoll_wait, -1, (int epoll, struct epoll_event *events, int count, int timeout),
     (epoll, events, count, timeout))
CALL(int, eventfd, -1, (unsigned count, int flags), (count, flags))
CALL(FILE *, fdopen, NULL, (int fd, const char *mode), (fd, mode))
CALL(int, fflush, EOF, (FILE * file), (file))
CALL(FILE *, fopen, NULL, (const char *path, const char *mode), (path, mode))
CALL(int, fstat, -1, (int fd, struct stat *status), (fd, status))
CALL(int, getrlimit, -1, (__rlimit_resource_t what, struct rlimit *limit), (what, limit))
CALL(int, getsockopt, -1, (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size))
#if defined(__x86_64__) || defined(__i386__)
CALL(int, ioperm, -1, (unsigned long from, unsigned long count, int on), (from, count, on))
#endif
CALL(int, listen, -1, (int fd, int backlog), (fd, backlog))
CALL(int, lstat, -1, (const char *path, struct stat *status), (path, status))
CALL(void *, mmap, MAP_FAILED,
     (void *where, size_t size, int protection, int flags, int fd, off_t offset),
     (where, size, protection, flags, fd, offset))
CALL(DIR *, opendir, NULL, (const char *path), (path))
CALL(int, poll, -1, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
CALL(ssize_t, pread, -1, (int fd, void *to, size_t size, off_t offset), (fd, to, size, offset))
CALL(ssize_t, readlink, -1, (const char *path, char *to, size_t size), (path, to, size))
CALL(ssize_t, recv, -1, (int fd, void *to, size_t size, int flags), (fd, to, size, flags))
CALL(ssize_t, recvfrom, -1,
     (int fd, void *to, size_t size, int flags, struct sockaddr *from, socklen_t *from_size),
     (fd, to, size, flags, from, from_size))
CALL(ssize_t, recvmsg, -1, (int fd, struct msghdr *message, int flags), (fd, message, flags))
CALL(int, rename, -1, (const char *from, const char *to), (from, to))
CALL(ssize_t, send, -1, (int fd, const void *from, size_t size, int flags), (fd, from, size, flags))
CALL(ssize_t, sendmsg, -1, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
CALL(ssize_t, sendto, -1,
     (int fd, const void *from, size_t size, int flags, const struct sockaddr *to,
      socklen_t to_size),
     (fd, from, size, flags, to, to_size))
CALL(int, setrlimit, -1, (__rlimit_resource_t what, const struct rlimit *limit), (what, limit))
CALL(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size))
CALL(int, shutdown, -1, (int fd, int how), (fd, how))
CALL(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
CALL(int, stat, -1, (const char *path, struct stat *status), (path, status))
CALL(int, unlink, -1, (const char *path), (path))
CALL(pid_t, waitpid, -1, (pid_t pid, int *status, int options), (pid, status, options))

/* Libev wakes itself by an eventfd, of which neither fails. */
static bool is_libev(const void *caller)
{
	Dl_info info;

	return dladdr(caller, &info) != 0 && strstr(info.dli_fname, "libev.so") != NULL;
}

ssize_t read(int fd, void *to, size_t size)
{
	static ssize_t (*real)(int, void *, size_t);

	if (real == NULL)
		real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	return !is_libev(__builtin_return_address(0)) && fails("read") ? -1 : real(fd, to, size);
}

ssize_t write(int fd, const void *from, size_t size)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (real == NULL)
		real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	return !is_libev(__builtin_return_address(0)) && fails("write") ? -1 : real(fd, from, size);
}

/* A stream that has met an error. */
CALL(int, ferror, 1, (FILE * file), (file))

/* These return the error. */
CALL(int, posix_spawn, errno,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]),
     (pid, path, actions, attributes, arguments, environment))
CALL(int, pthread_create, errno,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
     (thread, attributes, run, argument))
CALL(int, getpwnam_r, (*found = NULL, errno),
     (const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **found),
     (name, entry, buffer, size, found))
CALL(int, getgrnam_r, (*found = NULL, errno),
     (const char *name, struct group *entry, char *buffer, size_t size, struct group **found),
     (name, entry, buffer, size, found))

/* These have an argument that may be left out. */
int open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	va_list more;

	if (real == NULL)
		real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	va_start(more, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
	va_end(more);
	return fails("open") ? -1 : real(path, flags, mode);
}

int fcntl(int fd, int what, ...)
{
	static int (*real)(int, int, ...);
	va_list more;

	if (real == NULL)
		real = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
	va_start(more, what);
	void *argument = va_arg(more, void *);
	va_end(more);
	return fails("fcntl") ? -1 : real(fd, what, argument);
}
