/* SPDX-License-Identifier: MIT */
#include "kernel/choose.h"

#include "kernel/iommufd/iommufd.h"
#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Such drivers are modules on most distributions, and nobody else asks for them. */
bool choose_load_driver(const char *name)
{
	char path[SYSFS_PATH], module[32];
	char command[] = "modprobe", quiet[] = "-q";
	char *const arguments[] = { command, quiet, module, NULL };
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	pid_t child;
	int status;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", name);
	snprintf(module, sizeof(module), "%s", name);
	if (access(path, F_OK) == 0)
		return true;
	if (posix_spawn(&child, "/sbin/modprobe", NULL, NULL, arguments, environment) == 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	return access(path, F_OK) == 0;
}

static bool works_group(char *why, size_t size)
{
	_cleanup_fd_ int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	if (container < 0)
		snprintf(why, size, "cannot open /dev/vfio/vfio (%s): load vfio_iommu_type1",
		         strerror(errno));
	else if (ioctl(container, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	         ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) <= 0)
		snprintf(why, size, "VFIO has no type 1 v2 IOMMU backend: load vfio_iommu_type1");
	else
		return true;
	return false;
}

/* A kernel may have iommufd and no nodes of devices to use with it. Their driver registers a
 * range of device numbers, whether there is a device yet or not. */
static bool has_nodes(void)
{
	char line[128];
	_cleanup_file_ FILE *file = fopen("/proc/devices", "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strstr(line, " vfio-dev\n") != NULL)
			return true;
	return false;
}

static bool works_iommufd(char *why, size_t size)
{
	bool file_maps;

	if (!iommufd_probe(&file_maps))
		snprintf(why, size, "cannot open /dev/iommu (%s): load iommufd", strerror(errno));
	else if (!has_nodes())
		snprintf(why, size, "the kernel lacks CONFIG_VFIO_DEVICE_CDEV");
	else
		return true;
	return false;
}

/* Whether VFIO takes devices without an IOMMU: Debian's does not. */
static bool works_noiommu(char *why, size_t size)
{
	char mode[4];

	if (choose_load_driver("vfio-pci") &&
	    sysfs_read("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", mode,
	               sizeof(mode)) > 0 &&
	    mode[0] == 'Y')
		return true;
	snprintf(why, size, "VFIO needs vfio.enable_unsafe_noiommu_mode=1");
	return false;
}

static bool works_bare(char *why, size_t size)
{
	if (choose_load_driver(kernel_bare.driver))
		return true;
	snprintf(why, size, "no %s driver: install the kernel's full module package",
	         kernel_bare.driver);
	return false;
}

const struct choice choose_list[] = {
	{ &kernel_vfio_group, true, "vfio_iommu_type1", "vfio/vfio", works_group },
	{ &kernel_iommufd, true, "iommufd", "iommu", works_iommufd },
	{ &kernel_vfio_noiommu, false, NULL, "vfio/vfio", works_noiommu },
	{ &kernel_bare, false, NULL, NULL, works_bare },
};
const unsigned choose_count = sizeof(choose_list) / sizeof(choose_list[0]);

static void add(char *text, const char *more, const char *between)
{
	size_t length = strlen(text);

	snprintf(text + length, CHOOSE_WHY - length, "%s%s", length == 0 ? "" : between, more);
}

const struct choice *choose(const struct choice *list, unsigned count, bool iommu,
                            const char *wanted, char *why)
{
	bool any = strcmp(wanted, CHOOSE_AUTO) == 0;

	why[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		char reason[CHOOSE_WHY / 2], line[CHOOSE_WHY];
		const char *name = list[i].backend->name;
		if ((!any && strcmp(wanted, name) != 0) || list[i].iommu != iommu)
			continue;
		if (list[i].works(reason, sizeof(reason)))
			return &list[i];
		snprintf(line, sizeof(line), "%s: %s", name, reason);
		add(why, line, "; ");
	}
	return NULL;
}

bool choose_knows(const char *wanted, char *names)
{
	bool known = strcmp(wanted, CHOOSE_AUTO) == 0;

	snprintf(names, CHOOSE_WHY, "%s", CHOOSE_AUTO);
	for (unsigned i = 0; i < choose_count; i++) {
		known = known || strcmp(wanted, choose_list[i].backend->name) == 0;
		add(names, choose_list[i].backend->name, ", ");
	}
	return known;
}
