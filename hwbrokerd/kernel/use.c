/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* strerrordesc_np: thread-safe, unlike strerror */
#include "kernel/use.h"

#include "kernel/bind.h"
#include "kernel/sysfs.h"
#include "util/cleanup.h"
#include "util/pause.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What stands on what (LVM on RAID on crypt, VLAN on bridge on bond...) is
 * followed this deep. Paths are short and the only long buffer is that of
 * realpath(): the stacks of workers are small. */
enum { STACK_MAX = 8, PLACE = 512 };

/* A disk that comes or goes is in /sys a moment longer than in /dev; its node is awaited so long.
 * Only once in a search: a disk that still has none ends it. */
enum { NODE_TRIES = 50, NODE_PAUSE_MS = 20 };

struct search {
	const char *root;
	char needle[SYSFS_ADDRESS + 2]; /* "/0000:00:04.0/" */
	char *what;
	size_t size;
	int *blind; /* errno of what could not be looked at for want of descriptors or memory */
};

static void note(const struct search *search, int error)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		*search->blind = error;
}

static FILE *open_text(const struct search *search, const char *path)
{
	FILE *file = fopen(path, "re");

	note(search, file == NULL ? errno : 0);
	return file;
}

static int read_text(const struct search *search, const char *path, char *text, size_t size)
{
	int result = sysfs_read(path, text, size);

	note(search, result < 0 ? -result : 0);
	return result;
}

static void place(const struct search *search, char path[PLACE], const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void place(const struct search *search, char path[PLACE], const char *format, ...)
{
	size_t length = strlen(search->root);
	va_list arguments;
	int more = -1;

	va_start(arguments, format);
	if (length < PLACE)
		more = vsnprintf(path + length, PLACE - length, format, arguments);
	va_end(arguments);
	if (more < 0 || length + (size_t)more >= PLACE)
		path[0] = '\0'; /* no such file */
	else
		memcpy(path, search->root, length);
}

/* The answer; always true. */
static bool say(const struct search *search, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static bool say(const struct search *search, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(search->what, search->size, format, arguments);
	va_end(arguments);
	return true;
}

/* About an entry of a directory; `of' is what the directory belongs to. */
typedef bool entry_test(const struct search *search, const char *of, const char *name, int depth);

static bool any(const struct search *search, const char *path, entry_test *test, const char *of,
                int depth)
{
	_cleanup_dir_ DIR *directory = opendir(path);
	const struct dirent *entry;

	note(search, directory == NULL ? errno : 0);
	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.' && test(search, of, entry->d_name, depth))
			return true;
	return false;
}

/* ---- below the device, by path ---- */

/* The real path with a slash at the end; "" if there is none. */
static void resolve(const char *path, char real[PATH_MAX + 1])
{
	if (realpath(path, real) == NULL)
		real[0] = '\0';
	else
		strcat(real, "/");
}

static bool is_controller(const struct search *search, const char *of, const char *name, int depth)
{
	char path[PLACE];
	char real[PATH_MAX + 1];
	(void)depth;

	place(search, path, "/sys/class/nvme-subsystem/%s/%s", of, name);
	resolve(path, real);
	return strstr(real, search->needle) != NULL;
}

/* NVMe disks that may have several paths are in no controller's folder: they
 * hang on a subsystem, which links to its controllers. */
static bool subsystem_below(const struct search *search, const char *real)
{
	static const char folder[] = "/devices/virtual/nvme-subsystem/";
	const char *name = strstr(real, folder);
	char subsystem[32], path[PLACE];

	if (name == NULL || sscanf(name + strlen(folder), "%31[^/]", subsystem) != 1)
		return false;
	place(search, path, "/sys/class/nvme-subsystem/%s", subsystem);
	return any(search, path, is_controller, subsystem, 0);
}

static bool path_below(const struct search *search, const char *path)
{
	char real[PATH_MAX + 1];

	resolve(path, real);
	return strstr(real, search->needle) != NULL || subsystem_below(search, real);
}

/* ---- disks ---- */

/* A disk or partition by its name in sysfs, or what it is made of: the slaves
 * of device mapper and RAID. */
static bool block_below(const struct search *search, const char *of, const char *name, int depth)
{
	char path[PLACE];
	(void)of;

	if (depth == 0)
		return false;
	place(search, path, "/sys/class/block/%s", name);
	if (path_below(search, path))
		return true;
	place(search, path, "/sys/class/block/%s/slaves", name);
	return any(search, path, block_below, name, depth - 1);
}

static bool number_below(const struct search *search, dev_t number)
{
	char path[PLACE];
	char name[NAME_MAX + 1];

	place(search, path, "/sys/dev/block/%u:%u", major(number), minor(number));
	sysfs_link_name(path, name, sizeof(name));
	return name[0] != '\0' && block_below(search, "", name, STACK_MAX);
}

/* A node such as /dev/sda1: mounted file systems with a device number of their
 * own making (btrfs) name it too. Other places are left alone: anybody may name
 * one as what he mounts, and it could be a file system that never answers. */
static bool node_below(const struct search *search, const char *node)
{
	char path[PLACE];
	struct stat status;

	if (strncmp(node, "/dev/", 5) != 0 || strstr(node, "/../") != NULL)
		return false;
	place(search, path, "%s", node);
	return stat(path, &status) == 0 && S_ISBLK(status.st_mode) &&
	       number_below(search, status.st_rdev);
}

static bool mounted(const struct search *search)
{
	char path[PLACE];
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	/* The host's view: the daemon's own namespace may show less. */
	place(search, path, "/proc/1/mountinfo");
	_cleanup_file_ FILE *file = open_text(search, path);
	while (file != NULL && getline(&line, &room, file) > 0) {
		unsigned a, b;
		char target[512], source[512];
		const char *rest = strstr(line, " - ");
		if (rest == NULL || sscanf(line, "%*u %*u %u:%u %*s %511s", &a, &b, target) != 3 ||
		    sscanf(rest, " - %*s %511s", source) != 1)
			continue;
		if (number_below(search, makedev(a, b)) || node_below(search, source))
			return say(search, "it carries the file system on %.64s", target);
	}
	return false;
}

static bool swapped(const struct search *search)
{
	char path[PLACE];
	char line[512];
	char node[256];

	place(search, path, "/proc/swaps");
	_cleanup_file_ FILE *file = open_text(search, path);
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%255s", node) == 1 && node_below(search, node))
			return say(search, "it carries the swap space %.64s", node);
	return false;
}

static bool is_holder(const struct search *search, const char *of, const char *name, int depth)
{
	(void)depth;
	return say(search, "%.32s is made of its disk %.32s", name, of);
}

/* The name of its node below /dev is in `uevent'. */
static void disk_node(const struct search *search, const char *name, char node[PLACE])
{
	char path[PLACE];
	char text[1024];
	char device[256];

	place(search, path, "/sys/class/block/%s/uevent", name);
	const char *line =
	        read_text(search, path, text, sizeof(text)) > 0 ? strstr(text, "DEVNAME=") : NULL;
	node[0] = '\0';
	if (line != NULL && sscanf(line, "DEVNAME=%255s", device) == 1)
		place(search, node, "/dev/%s", device);
}

/* Who uses a disk as a whole (a file system of several disks, ZFS, RAID, swap)
 * has it open exclusively, and so no second one can: trying is how to see uses
 * that leave no trace elsewhere, and mounts of other namespaces. To open for
 * reading starts nothing, and who comes in this very moment finds it busy, which
 * is better than gone. */
static bool disk_taken(const struct search *search, const char *name)
{
	char path[PLACE], node[PLACE];
	int error = 0;

	place(search, path, "/sys/class/block/%s", name);
	for (int tries = 0; tries <= NODE_TRIES; tries++) {
		disk_node(search, name, node);
		_cleanup_fd_ int fd = open(node, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
		error = fd >= 0 ? 0 : errno;
		note(search, error);
		if (error != ENOENT)
			break;
		if (access(path, F_OK) != 0)
			return false; /* it has gone */
		pause_ms(NODE_PAUSE_MS);
	}
	switch (error) {
	case EBUSY:
		return say(search, "its disk %.32s is in use", name);
	case ENOENT:
	case EACCES:
	case EPERM:
		return say(search, "whether its disk %.32s is in use cannot be told: %s", name,
		           strerrordesc_np(error));
	default:
		return false; /* it is free, has no medium, or no longer a disk that works */
	}
}

static bool disk_held(const struct search *search, const char *of, const char *name, int depth)
{
	char path[PLACE];
	char text[1024];
	(void)of;

	place(search, path, "/sys/class/block/%s", name);
	if (!path_below(search, path)) {
		/* A loop device keeps the disk below it from nobody. */
		place(search, path, "/sys/class/block/%s/loop/backing_file", name);
		return read_text(search, path, text, sizeof(text)) > 0 &&
		       node_below(search, text) &&
		       say(search, "%.32s is made of its disk %.32s", name, text);
	}
	place(search, path, "/sys/class/block/%s/holders", name);
	if (any(search, path, is_holder, name, depth))
		return true;
	/* One path of an NVMe disk with several has no node. */
	place(search, path, "/sys/class/block/%s/hidden", name);
	if (read_text(search, path, text, sizeof(text)) > 0 && strcmp(text, "1") == 0)
		return false;
	return disk_taken(search, name);
}

static bool held(const struct search *search)
{
	char path[PLACE];

	place(search, path, "/sys/class/block");
	return any(search, path, disk_held, "", 0);
}

/* ---- the way to the network ---- */

static bool network_below(const struct search *search, const char *name, int depth);

/* Bridges, bonds, teams and VLANs link to what is below them. */
static bool is_lower(const struct search *search, const char *of, const char *name, int depth)
{
	(void)of;
	return strncmp(name, "lower_", 6) == 0 && network_below(search, name + 6, depth);
}

static bool network_below(const struct search *search, const char *name, int depth)
{
	char path[PLACE];

	if (depth == 0)
		return false;
	place(search, path, "/sys/class/net/%s", name);
	return path_below(search, path) || any(search, path, is_lower, name, depth - 1);
}

static bool route_over(const struct search *search, const char *name)
{
	return network_below(search, name, STACK_MAX) &&
	       say(search, "the default route goes through it (%s)", name);
}

static bool routed(const struct search *search)
{
	char path[PLACE];
	char line[512];
	char name[32];
	unsigned destination;

	place(search, path, "/proc/net/route");
	_cleanup_file_ FILE *file = open_text(search, path);
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%31s %x", name, &destination) == 2 && destination == 0 &&
		    route_over(search, name))
			return true;
	return false;
}

/* Destination and its length, source and its length, next hop, metric,
 * references, uses, flags and device, all in hexadecimal. 2000::/3 is all of
 * the Internet and written by some instead of ::/0. */
static bool routed6(const struct search *search)
{
	char path[PLACE];
	char line[512];
	char name[32];
	uint64_t first;
	unsigned length;

	place(search, path, "/proc/net/ipv6_route");
	_cleanup_file_ FILE *file = open_text(search, path);
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "%16" SCNx64 "%*16x %x %*s %*s %*s %*s %*s %*s %*s %31s", &first,
		           &length, name) == 3 &&
		    length <= 3 && (first == 0 || first >> 60 == 2) && route_over(search, name))
			return true;
	return false;
}

/* ---- the console ---- */

/* The driver of the card itself, or one that shows the picture of the firmware
 * (efifb, vesafb, simpledrm) and is bound to no card. */
static bool is_screen(const struct search *search, const char *of, const char *name, int depth)
{
	char path[PLACE];
	char real[PATH_MAX + 1];
	(void)depth;

	place(search, path, "/sys/class/%s/%s", of, name);
	resolve(path, real);
	return strstr(real, search->needle) != NULL || strstr(real, "-framebuffer.") != NULL;
}

static bool is_text_screen(const struct search *search, const char *of, const char *name, int depth)
{
	char path[PLACE];
	char text[64];
	(void)of;
	(void)depth;

	place(search, path, "/sys/class/vtconsole/%s/name", name);
	if (read_text(search, path, text, sizeof(text)) <= 0 || strstr(text, "VGA+") == NULL)
		return false;
	place(search, path, "/sys/class/vtconsole/%s/bind", name);
	return read_text(search, path, text, sizeof(text)) > 0 && strcmp(text, "1") == 0;
}

static bool screen(const struct search *search, const char *address)
{
	char path[PLACE];
	char text[8];

	place(search, path, "/sys/bus/pci/devices/%s/boot_vga", address);
	if (read_text(search, path, text, sizeof(text)) <= 0 || strcmp(text, "1") != 0)
		return false;
	place(search, path, "/sys/class/graphics");
	bool shown = any(search, path, is_screen, "graphics", 0);
	place(search, path, "/sys/class/drm");
	shown = shown || any(search, path, is_screen, "drm", 0);
	place(search, path, "/sys/class/vtconsole");
	shown = shown || any(search, path, is_text_screen, "", 0);
	return shown && say(search, "it shows the console");
}

/* Terminals that the kernel writes to, such as "tty0 ttyS4". */
static bool terminal(const struct search *search)
{
	char path[PLACE];
	char text[256];
	char *rest = NULL;

	place(search, path, "/sys/class/tty/console/active");
	if (read_text(search, path, text, sizeof(text)) <= 0)
		return false;
	for (const char *name = strtok_r(text, " ", &rest); name != NULL;
	     name = strtok_r(NULL, " ", &rest)) {
		place(search, path, "/sys/class/tty/%s", name);
		if (path_below(search, path))
			return say(search, "the console is on it (%.32s)", name);
	}
	return false;
}

static bool look(const struct search *search, enum use_kind kind, const char *text)
{
	switch (kind) {
	case USE_MOUNTED:
		return mounted(search);
	case USE_SWAP:
		return swapped(search);
	case USE_ROUTE:
		return routed(search) || routed6(search);
	case USE_SCREEN:
		return screen(search, text);
	case USE_TERMINAL:
		return terminal(search);
	case USE_DISK:
		return held(search);
	case USE_KINDS:
		break;
	}
	return false;
}

/* What cannot be looked at may be in use: who takes it all the same takes the host's disk. */
bool use_of(const char *root, const struct hwb_pci_address *address, enum use_kind kind, char *what,
            size_t size)
{
	int blind = 0;
	struct search search = { .root = root, .what = what, .size = size, .blind = &blind };
	char text[SYSFS_ADDRESS];

	sysfs_address(address, text);
	snprintf(search.needle, sizeof(search.needle), "/%s/", text);
	if (look(&search, kind, text))
		return true;
	return blind != 0 &&
	       say(&search, "whether it is in use cannot be told: %s", strerrordesc_np(blind));
}

int use_find(const char *root, const struct hwb_pci_address *address, char *what, size_t size)
{
	for (int kind = 0; kind < USE_KINDS; kind++)
		if (use_of(root, address, (enum use_kind)kind, what, size))
			return 1;
	return 0;
}

int bind_in_use(const struct hwb_pci_address *address, char *what, size_t size)
{
	return use_find("", address, what, size);
}
