/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* O_PATH */
#include "kernel/sysfs.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

void sysfs_address(const struct hwb_pci_address *address, char text[SYSFS_ADDRESS])
{
	snprintf(text, SYSFS_ADDRESS, "%04x:%02x:%02x.%x", address->domain, address->bus,
	         address->device, address->function);
}

bool sysfs_parse_address(const char *text, struct hwb_pci_address *address)
{
	unsigned domain, bus, device, function;
	int end = 0;

	if (sscanf(text, "%x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 ||
	    text[end] != '\0' || device > 31 || function > 7)
		return false;
	*address = (struct hwb_pci_address){
		.domain = domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	return true;
}

void sysfs_device_path(const struct hwb_pci_address *address, const char *name,
                       char path[SYSFS_PATH])
{
	char text[SYSFS_ADDRESS];

	sysfs_address(address, text);
	snprintf(path, SYSFS_PATH, "/sys/bus/pci/devices/%s/%s", text, name);
}

int sysfs_open_device(const struct hwb_pci_address *address)
{
	char path[SYSFS_PATH];

	sysfs_device_path(address, "", path);
	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return folder >= 0 ? folder : -errno;
}

int sysfs_read(const char *path, char *text, size_t size)
{
	return sysfs_read_at(AT_FDCWD, path, text, size);
}

int sysfs_read_at(int folder, const char *path, char *text, size_t size)
{
	_cleanup_fd_ int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	while (length < size - 1) {
		ssize_t got = read(fd, text + length, size - 1 - length);
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	if (length != 0 && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	return (int)length;
}

int sysfs_write(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

void sysfs_link_name(const char *path, char *name, size_t size)
{
	sysfs_link_name_at(AT_FDCWD, path, name, size);
}

void sysfs_link_name_at(int folder, const char *path, char *name, size_t size)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(folder, path, target, sizeof(target) - 1);

	name[0] = '\0';
	if (length <= 0)
		return;
	target[length] = '\0';
	const char *last = strrchr(target, '/');
	snprintf(name, size, "%s", last != NULL ? last + 1 : target);
}
