/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_SETLEASE */
#include "kernel/witness.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* 0: nobody has it open for writing; else errno, EAGAIN if somebody has. */
static int lease(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
		return errno;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return 0;
}

static int add(struct witness *witness, int directory, const char *path)
{
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	witness->fds[witness->count++] = fd;
	return 0;
}

static int open_directory(const struct hwb_pci_address *address, uint64_t instance,
                          struct witness *witness, struct fault *fault)
{
	char path[SYSFS_PATH], text[SYSFS_ADDRESS];
	struct stat status;

	sysfs_address(address, text);
	sysfs_device_path(address, "", path);
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return errno == ENOENT ? fault_set(fault, HWB_GONE, "%s has left the bus", text)
		                       : fault_errno(fault, errno, "cannot open %s", path);
	witness->placed = true;
	witness->directory = directory;
	if (fstat(directory, &status) == 0 && status.st_ino == instance)
		return 0;
	witness_close(witness);
	return fault_set(fault, HWB_GONE, "another device has taken the place of %s", text);
}

int witness_open(const struct hwb_pci_address *address, uint64_t instance, uint32_t prefetchable,
                 struct witness *witness, struct fault *fault)
{
	char plain[] = "resourceN", combining[] = "resourceN_wc";
	char *const names[] = { plain, combining };

	*witness = (struct witness){ 0 };
	if (open_directory(address, instance, witness, fault) != 0)
		return -1;
	for (unsigned i = 0; i < 2 * HWB_BARS; i++) {
		char *name = names[i % 2];
		if (i % 2 != 0 && (prefetchable >> i / 2 & 1) == 0)
			continue;
		name[sizeof("resource") - 1] = (char)('0' + i / 2);
		int result = add(witness, witness->directory, name);
		if (result == 0)
			continue;
		char text[SYSFS_ADDRESS];
		sysfs_address(address, text);
		witness_close(witness);
		return fault_errno(fault, -result, "cannot open %s of %s", name, text);
	}
	return 0;
}

void witness_close(struct witness *witness)
{
	for (uint32_t i = 0; i < witness->count; i++)
		close_fd(witness->fds[i]);
	if (witness->placed)
		close_fd(witness->directory);
	*witness = (struct witness){ 0 };
}

bool witness_held(const struct witness *witness)
{
	for (uint32_t i = 0; i < witness->count; i++)
		if (lease(witness->fds[i]) == EAGAIN)
			return true;
	return false;
}

void witness_collect(void)
{
	close_fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

bool witness_works(void)
{
	static const char devices[] = "/sys/bus/pci/devices";
	_cleanup_dir_ DIR *directory = opendir(devices);
	const struct dirent *entry;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char path[sizeof(devices) + NAME_MAX + 16];
		struct witness witness = { 0 };
		snprintf(path, sizeof(path), "%s/%s/resource0", devices, entry->d_name);
		if (add(&witness, AT_FDCWD, path) != 0 || witness.count == 0)
			continue;
		int error = lease(witness.fds[0]);
		witness_close(&witness);
		return error == 0 || error == EAGAIN;
	}
	return false;
}
