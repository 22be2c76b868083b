/* SPDX-License-Identifier: MIT */
#include "device/whereabouts.h"

#include "device/record.h"
#include "kernel/sysfs.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char slot_folder[] = "/sys/bus/pci/slots";

static void add_slot(struct slots *slots, const char *name)
{
	char path[sizeof(slot_folder) + WHEREABOUTS_SLOT + 16];
	struct slot slot;

	if (strlen(name) >= sizeof(slot.name))
		return;
	snprintf(slot.name, sizeof(slot.name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s/address", slot_folder, slot.name);
	if (sysfs_read(path, slot.address, sizeof(slot.address)) <= 0)
		return;
	if (slots->count == slots->capacity) {
		uint32_t more = slots->capacity == 0 ? 16 : slots->capacity * 2;
		struct slot *grown = realloc(slots->slots, more * sizeof(*grown));
		if (grown == NULL)
			return;
		slots->slots = grown;
		slots->capacity = more;
	}
	slots->slots[slots->count++] = slot;
}

void slots_read(struct slots *slots)
{
	DIR *folder = opendir(slot_folder);
	const struct dirent *entry;

	*slots = (struct slots){ 0 };
	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			add_slot(slots, entry->d_name);
	if (folder != NULL)
		closedir(folder);
}

void slots_free(struct slots *slots)
{
	free(slots->slots);
	*slots = (struct slots){ 0 };
}

void whereabouts_path(const char *link, char path[WHEREABOUTS_PATH])
{
	static const char up[] = "../", below[] = "devices/";

	path[0] = '\0';
	while (strncmp(link, up, strlen(up)) == 0)
		link += strlen(up);
	if (strncmp(link, below, strlen(below)) == 0 &&
	    snprintf(path, WHEREABOUTS_PATH, "/sys/%s", link) >= WHEREABOUTS_PATH)
		path[0] = '\0';
}

/* Whether the part of a path, `length` long, is a device at `address`. */
static bool is_at(const char *part, size_t length, const char *address)
{
	size_t have = strlen(address);

	return have != 0 && have < length && strncmp(part, address, have) == 0 &&
	       (part[have] == '.' || part[have] == ':');
}

void whereabouts_slot(const char *path, const struct slots *slots, char slot[WHEREABOUTS_SLOT])
{
	const char *end = path + strlen(path);

	slot[0] = '\0';
	while (end > path) {
		const char *part = end;
		while (part > path && part[-1] != '/')
			part--;
		for (uint32_t i = 0; i < slots->count; i++) {
			if (!is_at(part, (size_t)(end - part), slots->slots[i].address))
				continue;
			memcpy(slot, slots->slots[i].name, WHEREABOUTS_SLOT);
			return;
		}
		end = part > path ? part - 1 : path;
	}
}

void whereabouts_driver(struct whereabouts *whereabouts, const char *driver)
{
	snprintf(whereabouts->driver, sizeof(whereabouts->driver), "%s", driver);
}

void whereabouts_read(struct whereabouts *whereabouts, const struct hwb_pci_address *address,
                      uint64_t instance, const char *driver, const struct hwb_pci_address *physical,
                      const struct slots *slots)
{
	char link[PATH_MAX], file[SYSFS_PATH];
	struct record record;

	*whereabouts = (struct whereabouts){ 0 };
	if (physical != NULL)
		sysfs_address(physical, whereabouts->physical);
	whereabouts_driver(whereabouts, driver);
	/* The driver was read before: what is taken is written down before that is vfio-pci. */
	if (record_find(address, instance, &record))
		whereabouts_driver(whereabouts, record.origin.driver);

	sysfs_device_path(address, "", file);
	file[strlen(file) - 1] = '\0'; /* the link, not what is behind it */
	ssize_t length = readlink(file, link, sizeof(link) - 1);
	if (length <= 0)
		return;
	link[length] = '\0';
	whereabouts_path(link, whereabouts->path);
	whereabouts_slot(whereabouts->path, slots, whereabouts->slot);
}
