/* SPDX-License-Identifier: MIT */
#include "kernel/resource.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int resource_open(int directory, const char *device, uint32_t bar, bool *wc, int *fd,
                  struct fault *fault)
{
	_cleanup_fd_ int opened = -1;
	char name[24];

	if (*wc) {
		snprintf(name, sizeof(name), "resource%u_wc", bar);
		opened = openat(directory, name, O_RDWR | O_CLOEXEC);
		*wc = opened >= 0;
	}
	if (opened < 0) {
		snprintf(name, sizeof(name), "resource%u", bar);
		opened = openat(directory, name, O_RDWR | O_CLOEXEC);
	}
	/* The directory of one that has left is empty. */
	if (opened < 0 && errno == ENOENT)
		return fault_set(fault, HWB_GONE, "%s has left the bus", device);
	if (opened < 0)
		return fault_errno(fault, errno,
		                   errno == EPERM ? "cannot open %s of %s: a locked-down kernel "
		                                    "(Secure Boot) forbids register descriptors"
		                                  : "cannot open %s of %s",
		                   name, device);
	*fd = steal_fd(&opened);
	return 0;
}
