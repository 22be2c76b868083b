/* SPDX-License-Identifier: MIT */
#include "kernel/acs.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	CONFIG = 4096,
	EXTENDED = 0x100, /* where the list of extended capabilities begins */
	ACS = 0x000d,
	ACS_CONTROL = 6,
	/* Source Validation, P2P Request Redirect, P2P Completion Redirect, Upstream
	 * Forwarding: those that the kernel needs, too (REQ_ACS_FLAGS of drivers/iommu). */
	ACS_NEEDED = 0x01 | 0x04 | 0x08 | 0x10,
	PLACE = 512
};

static size_t read_config(const char *root, const char *address, unsigned char config[CONFIG])
{
	char path[PLACE];
	size_t length = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/config", root,
	                     address) >= sizeof(path))
		return 0;
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && length < CONFIG) {
		ssize_t got = read(fd, config + length, CONFIG - length);
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	return length;
}

static unsigned word(const unsigned char *at)
{
	return at[0] | (unsigned)at[1] << 8;
}

/* A header of four bytes: id, version, and where the next is. It cannot be longer than there is
 * room for capabilities. */
static bool redirects(const unsigned char *config, size_t length)
{
	size_t at = EXTENDED;

	for (int hops = 0; hops < (CONFIG - EXTENDED) / 8 && at >= EXTENDED && at + 8 <= length;
	     hops++) {
		if (word(config + at) == ACS)
			return (word(config + at + ACS_CONTROL) & ACS_NEEDED) == ACS_NEEDED;
		at = word(config + at + 2) >> 4 & ~3u;
	}
	return false;
}

/* An upstream port of a switch leads to its downstream ports, which are what decides. */
static bool is_upstream_port(const unsigned char *config, size_t length)
{
	enum { STATUS = 6, HAS_LIST = 0x10, FIRST = 0x34, EXPRESS = 0x10, UPSTREAM = 5 };

	if (length < 256 || (config[STATUS] & HAS_LIST) == 0)
		return false;
	size_t at = config[FIRST] & ~3u;
	for (int hops = 0; hops < 48 && at >= 0x40 && at < 0xfc; hops++) {
		if (config[at] == EXPRESS)
			return (config[at + 2] >> 4) == UPSTREAM;
		at = config[at + 1] & ~3u;
	}
	return false;
}

bool acs_is_missing(const char *root, const struct hwb_pci_address *address, char *text,
                    size_t size)
{
	char own[SYSFS_ADDRESS], link[PLACE], path[PATH_MAX];
	char *rest = NULL;

	sysfs_address(address, own);
	if ((size_t)snprintf(link, sizeof(link), "%s/sys/bus/pci/devices/%s", root, own) >=
	    sizeof(link))
		return false;
	ssize_t length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return false;
	path[length] = '\0';
	/* .../pci0000:00/0000:00:0b.0/0000:02:00.0: all but the last are above it. */
	for (const char *part = strtok_r(path, "/", &rest); part != NULL && strcmp(part, own) != 0;
	     part = strtok_r(NULL, "/", &rest)) {
		unsigned char config[CONFIG];
		unsigned number;
		if (sscanf(part, "%x:%2x:%2x.%1x", &number, &number, &number, &number) != 4)
			continue;
		size_t got = read_config(root, part, config);
		if (got == 0 || is_upstream_port(config, got) || redirects(config, got))
			continue;
		snprintf(text, size, "%.31s", part);
		return true;
	}
	return false;
}

bool acs_is_overridden(const char *root)
{
	char path[PLACE], line[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s/proc/cmdline", root) >= sizeof(path))
		return false;
	return sysfs_read(path, line, sizeof(line)) > 0 &&
	       strstr(line, "pcie_acs_override=") != NULL;
}
