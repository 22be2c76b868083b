/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"

enum { ROOM = 300, COMMAND = 4, BUS_MASTER = 4 };

static void driver_of(const char *device, char name[32])
{
	char path[ROOM], target[ROOM];

	snprintf(path, sizeof(path), DEVICES "/%s/driver", device);
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	const char *slash = strrchr(target, '/');
	snprintf(name, 32, "%.31s", slash != NULL ? slash + 1 : "");
}

static void override_of(const char *device, char name[32])
{
	char path[ROOM];

	name[0] = '\0';
	snprintf(path, sizeof(path), DEVICES "/%s/driver_override", device);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fgets(name, 32, file) == NULL || strcmp(name, "(null)\n") == 0)
		name[0] = '\0';
	fclose(file);
}

/* PCI Local Bus 3.0, 6.2.2: command register, bit 2. */
static bool masters_bus(const char *device)
{
	char path[ROOM];
	uint16_t command = 0xffff;

	snprintf(path, sizeof(path), DEVICES "/%s/config", device);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &command, sizeof(command), COMMAND) != sizeof(command))
		command = 0xffff;
	if (fd >= 0)
		close(fd);
	return (command & BUS_MASTER) != 0;
}

static const struct host_rule *rule_of(const struct host_rule *rules, size_t count,
                                       const char *device)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(device + strlen("0000:"), rules[i].address) == 0)
			return &rules[i];
	return NULL;
}

/* NULL: nothing. */
static const char *wrong_with(const char *device, const struct host_rule *rule)
{
	char driver[32], override[32];

	driver_of(device, driver);
	override_of(device, override);
	bool ours = strcmp(driver, "vfio-pci") == 0;
	if (rule != NULL && rule->driver != NULL && strcmp(driver, rule->driver) != 0)
		return "is not with its host driver";
	if (ours && rule == NULL)
		return "is with vfio-pci";
	if (ours && masters_bus(device))
		return "may reach memory";
	if (!ours && override[0] != '\0')
		return "has a driver_override left";
	return NULL;
}

bool host_is_well(const struct host_rule *rules, size_t count, char *problem, size_t size)
{
	const char *wrong = NULL;
	DIR *directory = opendir(DEVICES);

	if (directory == NULL) {
		snprintf(problem, size, "no " DEVICES);
		return false;
	}
	for (struct dirent *entry; wrong == NULL && (entry = readdir(directory)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		wrong = wrong_with(entry->d_name, rule_of(rules, count, entry->d_name));
		if (wrong != NULL)
			snprintf(problem, size, "%s %s", entry->d_name, wrong);
	}
	closedir(directory);
	return wrong == NULL;
}
