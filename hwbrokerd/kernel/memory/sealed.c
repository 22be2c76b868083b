/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create, F_ADD_SEALS */
#include "kernel/memory/sealed.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

static int put_all(int fd, const unsigned char *bytes, size_t size)
{
	while (size != 0) {
		ssize_t put = write(fd, bytes, size);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		bytes += put;
		size -= (size_t)put;
	}
	return 0;
}

int sealed_copy(const char *name, const void *bytes, size_t size, int *fd, struct fault *fault)
{
	_cleanup_fd_ int made = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (made < 0)
		return fault_errno(fault, errno, "cannot make a memfd");
	if (put_all(made, bytes, size) != 0)
		return fault_errno(fault, errno, "cannot fill a memfd of %zu bytes", size);
	if (fcntl(made, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		return fault_errno(fault, errno, "cannot seal a memfd");
	*fd = steal_fd(&made);
	return 0;
}
