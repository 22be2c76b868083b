/* SPDX-License-Identifier: MIT */
#include "pci.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEVICE "/sys/bus/pci/devices/0000:%s/"

enum { ROOM = 300, COMMAND = 4 };

void pci_driver(const char *address, char name[32])
{
	char path[ROOM], target[ROOM];

	snprintf(path, sizeof(path), DEVICE "driver", address);
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	const char *slash = strrchr(target, '/');
	snprintf(name, 32, "%.31s", slash != NULL ? slash + 1 : "");
}

int pci_command(const char *address)
{
	char path[ROOM];
	uint16_t command;

	snprintf(path, sizeof(path), DEVICE "config", address);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? pread(fd, &command, sizeof(command), COMMAND) : -1;
	if (fd >= 0)
		close(fd);
	return got == sizeof(command) ? command : -1;
}
