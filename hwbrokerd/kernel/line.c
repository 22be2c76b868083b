/* SPDX-License-Identifier: MIT */
#include "kernel/line.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char uio[] = "/sys/class/uio";

bool line_exists(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return true;
#else
	return false;
#endif
}

/* The kernel makes a folder for each driver that asked for an interrupt, by the name that it
 * gave there, which is for UIO what the device calls itself. The lines of the ISA bus have
 * their own numbers in Linux, too. */
static bool has_line(uint32_t number, const char *name)
{
	char path[SYSFS_PATH];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/irq/%" PRIu32 "/%s", number, name);
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL &&
	       stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static void read_name(const char *device, char name[LINE_NAME])
{
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), "%s/%.32s/name", uio, device);
	if (sysfs_read(path, name, LINE_NAME) < 0)
		name[0] = '\0';
}

/* Finds "uio0"; how many there are. */
static unsigned find(uint32_t number, const char *wanted, char device[33], char name[LINE_NAME])
{
	_cleanup_dir_ DIR *directory = opendir(uio);
	const struct dirent *entry;
	char other[LINE_NAME];
	unsigned count = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (strncmp(entry->d_name, "uio", 3) != 0 || strlen(entry->d_name) > 32)
			continue;
		read_name(entry->d_name, other);
		if (wanted[0] != '\0' ? strcmp(other, wanted) != 0 : !has_line(number, other))
			continue;
		if (count++ != 0)
			continue;
		memcpy(name, other, LINE_NAME);
		snprintf(device, 33, "%.32s", entry->d_name);
	}
	return count;
}

static int look(uint32_t number, const char *wanted, char device[33], char name[LINE_NAME],
                struct fault *fault)
{
	unsigned count = find(number, wanted, device, name);

	if (count == 0 && wanted[0] != '\0')
		return fault_set(fault, HWB_NOT_FOUND,
		                 "no UIO device is called `%s' (`cat /sys/class/uio/uio*/name' "
		                 "tells those that there are)",
		                 wanted);
	if (count == 0)
		return fault_set(fault, HWB_NOT_FOUND,
		                 "no UIO device has interrupt %" PRIu32
		                 ": bind a UIO driver to it, or let it be polled",
		                 number);
	if (count > 1)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "%u UIO devices are called `%s': which is meant cannot be told",
		                 count, name);
	return 0;
}

int line_find(uint32_t number, const char *name, char found[LINE_NAME], struct fault *fault)
{
	char device[33];

	return look(number, name, device, found, fault);
}

int line_open(uint32_t number, const char *name, int *fd, char found[LINE_NAME],
              struct fault *fault)
{
	char device[33], path[SYSFS_PATH], told[16], is[24];
	struct stat status;

	if (look(number, name, device, found, fault) != 0)
		return -1;
	snprintf(path, sizeof(path), "/dev/%s", device);
	_cleanup_fd_ int opened = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (opened < 0)
		return fault_errno(fault, errno, "cannot open %s (UIO device `%s')", path, found);
	/* The node is udev's work: it may be late, or another's. */
	snprintf(path, sizeof(path), "%s/%s/dev", uio, device);
	if (sysfs_read(path, told, sizeof(told)) < 0 || fstat(opened, &status) != 0)
		return fault_set(fault, HWB_GONE, "UIO device `%s' has left", found);
	snprintf(is, sizeof(is), "%u:%u", major(status.st_rdev), minor(status.st_rdev));
	if (!S_ISCHR(status.st_mode) || strcmp(is, told) != 0)
		return fault_set(fault, HWB_HOST_ERROR,
		                 "/dev/%s is not the node of UIO device `%s' (%s)", device, found,
		                 told);
	*fd = steal_fd(&opened);
	return 0;
}

int line_read(int fd)
{
	int32_t count;

	if (read(fd, &count, sizeof(count)) == sizeof(count))
		return 1;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

int line_unmask(int fd)
{
	const int32_t on = 1;

	/* ENOSYS: its driver quiets the device itself, and never masks the line. */
	return write(fd, &on, sizeof(on)) == sizeof(on) || errno == ENOSYS ? 0 : -1;
}

static bool is_uio(uint32_t number, const char *driver)
{
	char device[33], name[LINE_NAME];

	return find(number, driver, device, name) != 0;
}

void line_host_driver(uint32_t number, char name[LINE_NAME])
{
	char path[SYSFS_PATH];
	const struct dirent *entry;

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/irq/%" PRIu32, number);
	_cleanup_dir_ DIR *directory = opendir(path);
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (strlen(entry->d_name) >= LINE_NAME || !has_line(number, entry->d_name) ||
		    is_uio(number, entry->d_name))
			continue;
		snprintf(name, LINE_NAME, "%.*s", LINE_NAME - 1, entry->d_name);
		return;
	}
}
