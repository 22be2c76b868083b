/* SPDX-License-Identifier: MIT */
#include "kernel/bind.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"
#include "util/our_driver.h"
#include "util/pause.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *our_driver = OUR_DRIVER_VFIO;

/* So long a device may take to leave the bus or its driver once nobody has it open. */
enum { UNBOUND_TRIES = 200, UNBOUND_PAUSE_MS = 50 };

/* So often one that has no driver is offered to all of them, and so long after each time. */
enum { PROBE_TRIES = 10, PROBE_PAUSE_MS = 20 };

void bind_use(const char *driver)
{
	our_driver = driver;
}

bool bind_is_ours(const char *driver)
{
	return strcmp(driver, our_driver) == 0;
}

void bind_driver(const struct hwb_pci_address *address, char driver[HWB_NAME_SIZE])
{
	char path[SYSFS_PATH];

	sysfs_device_path(address, "driver", path);
	sysfs_link_name(path, driver, HWB_NAME_SIZE);
}

bool bind_is_noiommu(uint32_t group)
{
	char path[SYSFS_PATH], name[32];

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/name", group);
	return sysfs_read(path, name, sizeof(name)) > 0 && strcmp(name, "vfio-noiommu") == 0;
}

/* Of either kind, by its link. */
static uint32_t any_group_at(int folder, const char *link)
{
	char name[16];
	char *end;

	sysfs_link_name_at(folder, link, name, sizeof(name));
	unsigned long id = strtoul(name, &end, 10);
	return name[0] != '\0' && *end == '\0' && id < UINT32_MAX ? (uint32_t)id : UINT32_MAX;
}

static uint32_t any_group(const struct hwb_pci_address *address)
{
	char path[SYSFS_PATH];

	sysfs_device_path(address, "iommu_group", path);
	return any_group_at(AT_FDCWD, path);
}

static uint32_t real_group(uint32_t group)
{
	return group != UINT32_MAX && bind_is_noiommu(group) ? UINT32_MAX : group;
}

uint32_t bind_group(const struct hwb_pci_address *address)
{
	return real_group(any_group(address));
}

uint32_t bind_noiommu_group(const struct hwb_pci_address *address)
{
	uint32_t group = any_group(address);

	return group != UINT32_MAX && bind_is_noiommu(group) ? group : UINT32_MAX;
}

uint64_t bind_instance(const struct hwb_pci_address *address)
{
	char path[SYSFS_PATH];
	struct stat status;

	sysfs_device_path(address, "", path);
	return stat(path, &status) == 0 ? status.st_ino : 0;
}

uint64_t bind_instance_at(int folder)
{
	struct stat status;

	return fstat(folder, &status) == 0 ? status.st_ino : 0;
}

/* The kernel clears the override when a newline alone is written. */
static int set_override(const struct hwb_pci_address *address, const char *driver)
{
	char path[SYSFS_PATH];
	char line[HWB_NAME_SIZE + 1];

	sysfs_device_path(address, "driver_override", path);
	snprintf(line, sizeof(line), "%s\n", driver);
	return sysfs_write(path, line);
}

static int unbind(const struct hwb_pci_address *address)
{
	char path[SYSFS_PATH];
	char text[SYSFS_ADDRESS];

	sysfs_device_path(address, "driver/unbind", path);
	sysfs_address(address, text);
	int result = sysfs_write(path, text);
	return result == -ENOENT ? 0 : result; /* no driver: as wished */
}

/* Offers it to all drivers; until it has one, if one is expected: a device that is still leaving
 * its driver, whoever had it do so, has none by name, and the kernel passes it over. */
static int probe(const struct hwb_pci_address *address, bool expected, char driver[HWB_NAME_SIZE])
{
	char text[SYSFS_ADDRESS];

	sysfs_address(address, text);
	for (int tries = 0;; tries++) {
		int result = sysfs_write("/sys/bus/pci/drivers_probe", text);
		bind_driver(address, driver);
		if (result != 0 || driver[0] != '\0' || !expected || tries == PROBE_TRIES)
			return result;
		pause_ms(PROBE_PAUSE_MS);
	}
}

void bind_origin(const struct hwb_pci_address *address, struct bind_origin *origin)
{
	char path[SYSFS_PATH];

	*origin = (struct bind_origin){ 0 };
	bind_driver(address, origin->driver);
	sysfs_device_path(address, "driver_override", path);
	if (sysfs_read(path, origin->override, sizeof(origin->override)) < 0 ||
	    strcmp(origin->override, "(null)") == 0)
		origin->override[0] = '\0';
	sysfs_device_path(address, "reset_method", path);
	sysfs_read(path, origin->reset, sizeof(origin->reset));
}

int bind_reset_method(const struct hwb_pci_address *address, const struct bind_origin *origin,
                      const char *methods, struct fault *fault)
{
	char path[SYSFS_PATH], text[SYSFS_ADDRESS];
	char now[BIND_RESET_SIZE], line[BIND_RESET_SIZE + 1];

	if (methods[0] == '\0')
		methods = origin->reset;
	else if (strcmp(methods, "none") == 0)
		methods = "";
	sysfs_device_path(address, "reset_method", path);
	sysfs_read(path, now, sizeof(now));
	if (strcmp(now, methods) == 0)
		return 0;
	snprintf(line, sizeof(line), "%s\n", methods);
	int result = sysfs_write(path, line);
	if (result == 0)
		return 0;
	sysfs_address(address, text);
	if (result == -EINVAL || result == -ENOENT)
		return fault_set(
		        fault, HWB_UNSUPPORTED,
		        "%s cannot be reset by `%s' (`reset' in its rule): the kernel %s%s", text,
		        methods, now[0] != '\0' ? "offers " : "has no way to", now);
	return fault_errno(fault, -result, "cannot set reset_method of %s", text);
}

int bind_claim(const struct hwb_pci_address *address, const struct bind_origin *origin,
               struct fault *fault)
{
	char text[SYSFS_ADDRESS];
	char driver[HWB_NAME_SIZE] = "";

	sysfs_address(address, text);
	if (bind_is_ours(origin->driver))
		return 0;
	int result = set_override(address, our_driver);
	if (result == -ENOENT)
		return fault_set(fault, HWB_GONE, "%s has left the bus", text);
	if (result != 0)
		return fault_errno(fault, -result, "cannot set driver_override of %s", text);
	result = unbind(address);
	if (result == 0)
		result = probe(address, true, driver);
	if (result == 0 && bind_is_ours(driver))
		return 0;
	const char *rest = bind_restore(address, origin, NULL) == 0
	                           ? ""
	                           : ", and its host driver does not take it back";
	if (result != 0)
		return fault_errno(fault, -result, "cannot bind %s to %s%s", text, our_driver,
		                   rest);
	return fault_set(fault, HWB_HOST_ERROR,
	                 "%s does not take %s%s: is the module loaded (modprobe %s)? The kernel "
	                 "log says more",
	                 our_driver, text, rest, our_driver);
}

int bind_restore(const struct hwb_pci_address *address, const struct bind_origin *origin,
                 struct fault *fault)
{
	char text[SYSFS_ADDRESS];
	char now[HWB_NAME_SIZE];

	bind_reset_method(address, origin, "", NULL);
	/* Who bound it there before us wants it there. */
	if (bind_is_ours(origin->driver))
		return 0;
	sysfs_address(address, text);
	int result = set_override(address, origin->override);
	bind_driver(address, now);
	if (result == 0 && bind_is_ours(now))
		result = unbind(address);
	/* The kernel picks by its own tables or the override: the driver that it had
	 * before, unless that was bound by hand. */
	if (result == 0)
		result = probe(address, origin->driver[0] != '\0', now);
	if (result == 0 && origin->driver[0] != '\0' && strcmp(now, origin->driver) != 0) {
		char path[SYSFS_PATH];
		snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", origin->driver);
		result = sysfs_write(path, text);
	}
	if (result == -ENOENT || result == -ENODEV)
		return fault_set(fault, HWB_GONE, "%s or its driver `%s' is gone", text,
		                 origin->driver);
	return result == 0 ? 0
	                   : fault_errno(fault, -result, "cannot give %s back to `%s'", text,
	                                 origin->driver);
}

uint32_t bind_find_group(int folder, const struct hwb_pci_address *address)
{
	uint32_t group = real_group(any_group_at(folder, "iommu_group"));
#if !defined(__x86_64__) && !defined(__i386__)
	/* What firmware's tables say of a device's IOMMU is looked up (until Linux 6.15) when
	 * a driver is about to have it, not before: one is, for a moment. */
	struct bind_origin origin;

	bind_origin(address, &origin);
	if (group == UINT32_MAX && origin.driver[0] == '\0' &&
	    access("/sys/kernel/iommu_groups/0", F_OK) == 0 && !bind_is_noiommu(0)) {
		char driver[HWB_NAME_SIZE];
		/* Once: it leaves no driver that would have to be waited for. Where the kernel
		 * cannot have two devices with one alias in a group, it fails each time. */
		if (set_override(address, our_driver) == 0)
			probe(address, false, driver);
		bind_restore(address, &origin, NULL);
		group = bind_group(address);
	}
#else
	(void)address;
#endif
	return group;
}

int bind_reset_unbound(const struct hwb_pci_address *address, uint64_t instance,
                       struct fault *fault)
{
	char path[SYSFS_PATH];
	char text[SYSFS_ADDRESS];
	char driver[HWB_NAME_SIZE] = "";

	sysfs_address(address, text);
	for (int tries = 0; tries < UNBOUND_TRIES; tries++) {
		bind_driver(address, driver);
		if (!bind_is_ours(driver) || bind_instance(address) != instance)
			break;
		pause_ms(UNBOUND_PAUSE_MS);
	}
	if (bind_instance(address) != instance)
		return fault_set(fault, HWB_GONE, "%s has left the bus", text);
	if (driver[0] != '\0' && !bind_is_ours(driver))
		return fault_set(fault, HWB_HOST_ERROR,
		                 "%s was given to `%s' before it could be reset", text, driver);
	sysfs_device_path(address, "reset", path);
	int result = sysfs_write(path, "1");
	if (result != 0 && bind_instance(address) != instance)
		return fault_set(fault, HWB_GONE, "%s has left the bus", text);
	return result == 0 || result == -ENOENT
	               ? 0
	               : fault_errno(fault, -result, "cannot reset %s", text);
}

/* ---- groups ---- */

/* Which drivers leave the group's DMA to others, so that VFIO may have it. Since
 * Linux 5.19 each driver says so itself, whatever its device is: of those for
 * bridges, the one of PCIe ports does, and neither lpc_ich nor shpchp. */
bool bind_shares_group(const char *driver)
{
	return driver[0] == '\0' || strcmp(driver, "pcieport") == 0 ||
	       strcmp(driver, "pci-stub") == 0 || strstr(driver, "vfio") != NULL;
}

bool bind_is_bridge(const struct hwb_pci_address *address)
{
	char path[SYSFS_PATH];
	char text[16];

	sysfs_device_path(address, "class", path);
	return sysfs_read(path, text, sizeof(text)) > 0 && strtoul(text, NULL, 16) >> 16 == 0x06;
}

static int not_viable(uint32_t group, const struct hwb_pci_address *member, const char *driver,
                      struct fault *fault)
{
	char text[SYSFS_ADDRESS];

	sysfs_address(member, text);
	if (bind_is_bridge(member))
		return fault_set(fault, HWB_UNSAFE,
		                 "IOMMU group %u is shared with the bridge %s, which the host uses "
		                 "through `%s': put the card into another slot, or keep that "
		                 "driver from being loaded",
		                 group, text, driver);
	return fault_set(fault, HWB_UNSAFE,
	                 "IOMMU group %u is shared with %s, which the host uses through `%s': "
	                 "give that away too (a [device] rule with `take = yes'), or put the "
	                 "card into another slot",
	                 group, text, driver);
}

uint32_t bind_group_members(uint32_t group, struct hwb_pci_address *members, uint32_t max)
{
	char path[SYSFS_PATH];
	struct hwb_pci_address member;
	uint32_t count = 0;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/devices", group);
	_cleanup_dir_ DIR *directory = opendir(path);
	const struct dirent *entry;
	while (directory != NULL && count < max && (entry = readdir(directory)) != NULL)
		if (sysfs_parse_address(entry->d_name, &member))
			members[count++] = member;
	return count;
}

static bool is_among(const struct hwb_pci_address *address, const struct hwb_pci_address *list,
                     uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (memcmp(address, &list[i], sizeof(*address)) == 0)
			return true;
	return false;
}

int bind_group_viable_but(uint32_t group, const struct hwb_pci_address *taken, uint32_t count,
                          struct fault *fault)
{
	char path[SYSFS_PATH];
	struct hwb_pci_address member;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/devices", group);
	_cleanup_dir_ DIR *directory = opendir(path);
	const struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char driver[HWB_NAME_SIZE];
		if (!sysfs_parse_address(entry->d_name, &member))
			continue;
		bind_driver(&member, driver);
		if (!bind_shares_group(driver) && !is_among(&member, taken, count))
			return not_viable(group, &member, driver, fault);
	}
	return 0;
}

int bind_group_viable(uint32_t group, struct fault *fault)
{
	return bind_group_viable_but(group, NULL, 0, fault);
}
