/* SPDX-License-Identifier: MIT */
/* Whether the host itself could not live without a device. */
#include "kernel/bind.h"
#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Stacked block devices (LVM on RAID on crypt ...) are followed this deep. */
enum { STACK_MAX = 8 };

struct search {
	char needle[SYSFS_ADDRESS + 2]; /* "/0000:00:04.0/" */
};

static bool path_below(const struct search *search, const char *path)
{
	char real[PATH_MAX + 1];

	if (realpath(path, real) == NULL)
		return false;
	strcat(real, "/");
	return strstr(real, search->needle) != NULL;
}

static bool block_below(const struct search *search, const char *path, int depth);

/* What a device mapper or RAID device is made of. */
static bool slaves_below(const struct search *search, const char *path, int depth)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s/slaves", path);
	_cleanup_dir_ DIR *directory = opendir(name);
	const struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char slave[PATH_MAX];
		if (entry->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(slave, sizeof(slave), "%s/%s", name, entry->d_name) <
		            sizeof(slave) &&
		    block_below(search, slave, depth - 1))
			return true;
	}
	return false;
}

static bool block_below(const struct search *search, const char *path, int depth)
{
	return depth > 0 && (path_below(search, path) || slaves_below(search, path, depth));
}

static bool number_below(const struct search *search, dev_t number)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(number), minor(number));
	return block_below(search, path, STACK_MAX);
}

/* A node such as /dev/sda1: mounted file systems with a device number of their
 * own making (btrfs) name it too. */
static bool node_below(const struct search *search, const char *node)
{
	struct stat status;
	return node[0] == '/' && stat(node, &status) == 0 && S_ISBLK(status.st_mode) &&
	       number_below(search, status.st_rdev);
}

static bool mounted(const struct search *search, char *what, size_t size)
{
	char line[4096];
	/* The host's view: the daemon's own namespace may show less. */
	_cleanup_file_ FILE *file = fopen("/proc/1/mountinfo", "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		unsigned a, b;
		char target[512], source[512];
		char *rest = strstr(line, " - ");
		if (rest == NULL || sscanf(line, "%*u %*u %u:%u %*s %511s", &a, &b, target) != 3 ||
		    sscanf(rest, " - %*s %511s", source) != 1)
			continue;
		if (number_below(search, makedev(a, b)) || node_below(search, source)) {
			snprintf(what, size, "it carries the file system on %.64s", target);
			return true;
		}
	}
	return false;
}

static bool swapped(const struct search *search, char *what, size_t size)
{
	char line[512];
	char node[256];
	_cleanup_file_ FILE *file = fopen("/proc/swaps", "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%255s", node) == 1 && node_below(search, node)) {
			snprintf(what, size, "it carries the swap space %.64s", node);
			return true;
		}
	return false;
}

static bool routed(const struct search *search, char *what, size_t size)
{
	char line[512];
	char name[32];
	unsigned destination;
	_cleanup_file_ FILE *file = fopen("/proc/net/route", "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		char path[64];
		if (sscanf(line, "%31s %x", name, &destination) != 2 || destination != 0)
			continue;
		snprintf(path, sizeof(path), "/sys/class/net/%s/device", name);
		if (path_below(search, path)) {
			snprintf(what, size, "the default route goes through it (%s)", name);
			return true;
		}
	}
	return false;
}

static bool console(const struct hwb_pci_address *address, char *what, size_t size)
{
	char path[SYSFS_PATH];
	char text[8];
	struct stat status;

	sysfs_device_path(address, "boot_vga", path);
	if (sysfs_read(path, text, sizeof(text)) <= 0 || strcmp(text, "1") != 0)
		return false;
	sysfs_device_path(address, "graphics", path);
	bool shown = stat(path, &status) == 0;
	sysfs_device_path(address, "drm", path);
	if (!shown && stat(path, &status) != 0)
		return false;
	snprintf(what, size, "it shows the console");
	return true;
}

int bind_in_use(const struct hwb_pci_address *address, char *what, size_t size)
{
	struct search search;
	char text[SYSFS_ADDRESS];

	sysfs_address(address, text);
	snprintf(search.needle, sizeof(search.needle), "/%s/", text);
	return mounted(&search, what, size) || swapped(&search, what, size) ||
	       routed(&search, what, size) || console(address, what, size);
}
