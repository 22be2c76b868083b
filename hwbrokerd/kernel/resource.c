/* SPDX-License-Identifier: MIT */
#include "kernel/resource.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>

static uint32_t read_id(int directory, const char *name)
{
	char text[16] = "";
	_cleanup_fd_ int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return UINT32_MAX;
	return (uint32_t)strtoul(text, NULL, 16);
}

int resource_open(const struct hwb_pci_address *address, uint32_t bar, uint16_t vendor,
                  uint16_t device, bool *wc, int *fd, struct fault *fault)
{
	char path[SYSFS_PATH];
	char text[SYSFS_ADDRESS];
	char name[24];
	_cleanup_fd_ int opened = -1;

	sysfs_address(address, text);
	sysfs_device_path(address, "", path);
	_cleanup_fd_ int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return errno == ENOENT ? fault_set(fault, HWB_GONE, "%s has left the bus", text)
		                       : fault_errno(fault, errno, "cannot open %s", path);
	if (*wc) {
		snprintf(name, sizeof(name), "resource%u_wc", bar);
		opened = openat(directory, name, O_RDWR | O_CLOEXEC);
		*wc = opened >= 0;
	}
	if (opened < 0) {
		snprintf(name, sizeof(name), "resource%u", bar);
		opened = openat(directory, name, O_RDWR | O_CLOEXEC);
	}
	if (opened < 0)
		return fault_errno(fault, errno,
		                   errno == EPERM ? "cannot open %s of %s: a locked-down kernel "
		                                    "(Secure Boot) forbids register descriptors"
		                                  : "cannot open %s of %s",
		                   name, text);
	/* The directory stays that of the device which was there when we opened
	 * it: the same files, or none, whoever gets the address later. */
	if (read_id(directory, "vendor") != vendor || read_id(directory, "device") != device)
		return fault_set(fault, HWB_GONE, "another device has taken the place of %s", text);
	*fd = steal_fd(&opened);
	return 0;
}
