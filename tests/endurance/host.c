/* SPDX-License-Identifier: MIT */
#include "host.h"

#include "pci.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define DEVICES "/sys/bus/pci/devices"

#define DOMAIN "0000:" /* there is no other in the virtual PC */

enum { ROOM = 300 };

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

/* One that cannot be asked may. */
static bool may_master(const char *device)
{
	int command = pci_command(device + strlen(DOMAIN));

	return command < 0 || (command & PCI_BUS_MASTER) != 0;
}

static const struct host_rule *rule_of(const struct host_rule *rules, size_t count,
                                       const char *device)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(device + strlen(DOMAIN), rules[i].address) == 0)
			return &rules[i];
	return NULL;
}

/* NULL: nothing. */
static const char *wrong_with(const char *device, const struct host_rule *rule)
{
	char driver[32], override[32];

	pci_driver(device + strlen(DOMAIN), driver);
	override_of(device, override);
	bool ours = strcmp(driver, "vfio-pci") == 0;
	if (rule != NULL && rule->driver != NULL && strcmp(driver, rule->driver) != 0)
		return "is not with its host driver";
	if (ours && rule == NULL)
		return "is with vfio-pci";
	if (ours && may_master(device))
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
