/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_SETLEASE */
#include "kernel/witness.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* 0: nobody has it open for writing; else errno, EAGAIN if somebody has. */
static int lease(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
		return errno;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return 0;
}

static int add(struct witness *witness, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	witness->fds[witness->count++] = fd;
	return 0;
}

int witness_open(const struct hwb_pci_address *address, struct witness *witness,
                 struct fault *fault)
{
	static const char *const kinds[] = { "", "_wc" };
	char path[SYSFS_PATH], name[16];

	*witness = (struct witness){ 0 };
	for (unsigned i = 0; i < 2 * HWB_BARS; i++) {
		snprintf(name, sizeof(name), "resource%u%s", i / 2, kinds[i % 2]);
		sysfs_device_path(address, name, path);
		int result = add(witness, path);
		if (result == 0)
			continue;
		witness_close(witness);
		return fault_errno(fault, -result, "cannot open %s", path);
	}
	return 0;
}

void witness_close(struct witness *witness)
{
	for (uint32_t i = 0; i < witness->count; i++)
		close_fd(witness->fds[i]);
	*witness = (struct witness){ 0 };
}

bool witness_held(const struct witness *witness)
{
	for (uint32_t i = 0; i < witness->count; i++)
		if (lease(witness->fds[i]) == EAGAIN)
			return true;
	return false;
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
		if (add(&witness, path) != 0 || witness.count == 0)
			continue;
		int error = lease(witness.fds[0]);
		witness_close(&witness);
		return error == 0 || error == EAGAIN;
	}
	return false;
}
