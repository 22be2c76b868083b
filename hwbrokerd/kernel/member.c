/* SPDX-License-Identifier: MIT */
#include "kernel/member.h"

#include "kernel/bind.h"
#include "kernel/sriov.h"
#include "kernel/sysfs.h"
#include "util/cleanup.h"
#include "util/pci_key.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { CLASS_BRIDGE = 0x06 };

size_t member_list(uint64_t from, struct hwb_pci_address *addresses, size_t max)
{
	_cleanup_dir_ DIR *directory = opendir("/sys/bus/pci/devices");
	const struct dirent *entry;
	size_t stored = 0, found = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		struct hwb_pci_address address;
		if (!sysfs_parse_address(entry->d_name, &address) || pci_key(&address) < from)
			continue;
		found++;
		/* The directory is in no order: those that come first are kept. */
		size_t at = stored;
		while (at > 0 && pci_key(&addresses[at - 1]) > pci_key(&address))
			at--;
		if (at == max)
			continue;
		if (stored < max)
			stored++;
		memmove(&addresses[at + 1], &addresses[at],
		        (stored - at - 1) * sizeof(addresses[0]));
		addresses[at] = address;
	}
	return found;
}

static uint32_t number(const struct hwb_pci_address *address, const char *name)
{
	char path[SYSFS_PATH], text[16];

	sysfs_device_path(address, name, path);
	return sysfs_read(path, text, sizeof(text)) > 0 ? (uint32_t)strtoul(text, NULL, 16) : 0;
}

/* The folder is a link, to ../../../devices/pci0000:00/0000:00:03.0 or deeper. */
static void read_path(const struct hwb_pci_address *address, char *place, size_t size)
{
	static const char devices[] = "/devices/";
	char path[SYSFS_PATH], target[PATH_MAX];

	sysfs_device_path(address, "", path);
	path[strlen(path) - 1] = '\0';
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	if (length <= 0)
		return;
	target[length] = '\0';
	const char *from = strstr(target, devices);
	if (from != NULL && strlen(from) - strlen(devices) < size)
		memcpy(place, from + strlen(devices), strlen(from) - strlen(devices) + 1);
}

/* A slot has the address of its device, without the function. */
static void read_slot(const struct hwb_pci_address *address, char slot[HWB_NAME_SIZE])
{
	_cleanup_dir_ DIR *directory = opendir("/sys/bus/pci/slots");
	char text[SYSFS_ADDRESS];
	const struct dirent *entry;

	sysfs_address(address, text);
	text[strcspn(text, ".")] = '\0';
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char path[SYSFS_PATH], there[SYSFS_ADDRESS];
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= HWB_NAME_SIZE)
			continue;
		snprintf(path, sizeof(path), "/sys/bus/pci/slots/%.31s/address", entry->d_name);
		if (sysfs_read(path, there, sizeof(there)) > 0 && strcmp(there, text) == 0)
			snprintf(slot, HWB_NAME_SIZE, "%.31s", entry->d_name);
	}
}

static void read_functions(const struct hwb_pci_address *address, struct hwb_admin_member *member)
{
	struct hwb_pci_address physical;
	struct sriov_count count;
	_cleanup_fd_ int folder = sysfs_open_device(address);

	if (folder < 0)
		return;
	sriov_read_at(folder, &count);
	member->virtual_functions = count.now;
	if (!sriov_physical(folder, &physical))
		return;
	member->flags |= HWB_MEMBER_VIRTUAL;
	member->physical_function = pci_requester(&physical);
}

void member_read(const struct hwb_pci_address *address, struct hwb_admin_member *member)
{
	char path[SYSFS_PATH];

	memset(member, 0, sizeof(*member));
	member->address = *address;
	member->iommu_group = bind_group(address);
	member->class_code = number(address, "class");
	member->vendor = (uint16_t)number(address, "vendor");
	member->device = (uint16_t)number(address, "device");
	member->subsystem_vendor = (uint16_t)number(address, "subsystem_vendor");
	member->subsystem_device = (uint16_t)number(address, "subsystem_device");
	bind_driver(address, member->driver);
	read_functions(address, member);
	if (member->class_code >> 16 == CLASS_BRIDGE)
		member->flags |= HWB_MEMBER_BRIDGE;
	if (!bind_shares_group(member->driver))
		member->flags |= HWB_MEMBER_IN_THE_WAY;
	sysfs_device_path(address, "reset_method", path);
	sysfs_read(path, member->resets, sizeof(member->resets));
	read_slot(address, member->slot);
	read_path(address, member->path, sizeof(member->path));
}
