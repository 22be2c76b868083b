/* SPDX-License-Identifier: MIT */
#include "kernel/resource.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Kernels differ in when a driver claims BARs: vfio-pci of most does so at its first access, and so
 * not before they are taken back; if it does when a device is opened, nobody maps them any more. */
static int check_maps(const char *device, uint32_t bar, int fd, uint32_t *mapped,
                      struct fault *fault)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if ((*mapped >> bar & 1) != 0)
		return 0;
	void *mapping = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	if (mapping != MAP_FAILED)
		munmap(mapping, page);
	/* Ports never map, claimed or not. */
	if (mapping != MAP_FAILED || errno == ENODEV) {
		*mapped |= 1u << bar;
		return 0;
	}
	/* What the kernel is short of is none of this. */
	if (errno != EINVAL)
		return 0;
	return fault_set(fault, HWB_UNSUPPORTED,
	                 "BAR %u of %s is claimed by its driver, and this kernel lets nobody map a "
	                 "descriptor of it: set `grant = mediated' or `grant = device' in the "
	                 "device's rule",
	                 bar, device);
}

int resource_open(int directory, const char *device, uint32_t bar, bool *wc, uint32_t *mapped,
                  int *fd, struct fault *fault)
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
	if (check_maps(device, bar, opened, mapped, fault) != 0)
		return -1;
	*fd = steal_fd(&opened);
	return 0;
}
