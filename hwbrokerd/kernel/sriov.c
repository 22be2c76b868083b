/* SPDX-License-Identifier: MIT */
#include "kernel/sriov.h"

#include "kernel/bind.h"
#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sriov_physical(int folder, struct hwb_pci_address *physical)
{
	char name[SYSFS_ADDRESS];

	sysfs_link_name_at(folder, "physfn", name, sizeof(name));
	return sysfs_parse_address(name, physical);
}

bool sriov_virtual(const struct hwb_pci_address *physical, unsigned index,
                   struct hwb_pci_address *address)
{
	char link[24], path[SYSFS_PATH], name[SYSFS_ADDRESS];

	snprintf(link, sizeof(link), "virtfn%u", index);
	sysfs_device_path(physical, link, path);
	sysfs_link_name(path, name, sizeof(name));
	return sysfs_parse_address(name, address);
}

/* One of its files; 0: it has none. */
/* -errno; what is not there is 0. */
static int number(int folder, const char *name)
{
	char text[16];
	int result = sysfs_read_at(folder, name, text, sizeof(text));

	if (result == -ENOENT || result == 0)
		return 0;
	if (result < 0)
		return result;
	unsigned long value = strtoul(text, NULL, 10);
	return value <= UINT16_MAX ? (int)value : UINT16_MAX;
}

int sriov_read_at(int folder, struct sriov_count *count)
{
	int total = number(folder, "sriov_totalvfs");

	*count = (struct sriov_count){ 0 };
	if (total <= 0)
		return total;
	int now = number(folder, "sriov_numvfs");
	int probes = number(folder, "sriov_drivers_autoprobe");
	if (now < 0 || probes < 0)
		return now < 0 ? now : probes;
	*count = (struct sriov_count){ .now = (uint16_t)now,
		                       .total = (uint16_t)total,
		                       .probes = probes != 0 };
	return 0;
}

int sriov_read(const struct hwb_pci_address *address, struct sriov_count *count)
{
	int folder = sysfs_open_device(address);

	*count = (struct sriov_count){ 0 };
	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	int result = sriov_read_at(folder, count);
	close_fd(folder);
	return result;
}

static int put(const struct hwb_pci_address *address, const char *name, unsigned value)
{
	char path[SYSFS_PATH], text[16];

	sysfs_device_path(address, name, path);
	snprintf(text, sizeof(text), "%u\n", value);
	return sysfs_write(path, text);
}

int sriov_make(const struct hwb_pci_address *address, uint16_t count, struct fault *fault)
{
	char name[SYSFS_ADDRESS], driver[HWB_NAME_SIZE];
	int result = put(address, "sriov_numvfs", count);

	if (result == 0)
		return 0;
	sysfs_address(address, name);
	bind_driver(address, driver);
	/* pci_enable_sriov() is called by the function's own driver alone, which knows how. */
	if (result == -ENOENT)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 driver[0] == '\0' ? "%s has no host driver, and only that can "
		                                     "make virtual functions%s"
		                                   : "the host driver of %s, `%s', makes no "
		                                     "virtual functions",
		                 name, driver);
	return fault_errno(fault, -result,
	                   count != 0 ? "%s makes no %u virtual functions; the kernel log says more"
	                              : "%s keeps its virtual functions: asked for %u",
	                   name, count);
}

int sriov_probe(const struct hwb_pci_address *address, bool probe, struct fault *fault)
{
	char name[SYSFS_ADDRESS];
	int result = put(address, "sriov_drivers_autoprobe", probe ? 1 : 0);

	/* Before Linux 4.13 there is no such file, and drivers take what comes. */
	if (result == 0 || result == -ENOENT)
		return 0;
	sysfs_address(address, name);
	return fault_errno(fault, -result, "cannot set sriov_drivers_autoprobe of %s", name);
}
