/* SPDX-License-Identifier: MIT */
/* Small files of /sys and /proc, by whole contents. */
#ifndef HWBROKERD_KERNEL_SYSFS_H
#define HWBROKERD_KERNEL_SYSFS_H

#include "util/fault.h"

#include <stdbool.h>
#include <stddef.h>

enum { SYSFS_PATH = 128, SYSFS_ADDRESS = 32 };

/* "0000:00:03.0": the only place where an address becomes part of a path. */
void sysfs_address(const struct hwb_pci_address *address, char text[SYSFS_ADDRESS]);

/* The other way round; false: it is no address, and `address` is as it was. */
bool sysfs_parse_address(const char *text, struct hwb_pci_address *address);

/* "/sys/bus/pci/devices/0000:00:03.0/NAME". */
void sysfs_device_path(const struct hwb_pci_address *address, const char *name,
                       char path[SYSFS_PATH]);

/* Reads up to size - 1 bytes, without a trailing newline. Length, or -errno. */
int sysfs_read(const char *path, char *text, size_t size);

/* The device's own folder, for the next two and no more, or -errno. A file is found there by one
 * step of the kernel's, instead of the dozen that lead to it by its path; and all of them are of
 * one device, even if meanwhile another comes to its address. */
int sysfs_open_device(const struct hwb_pci_address *address);
int sysfs_read_at(int folder, const char *path, char *text, size_t size);
void sysfs_link_name_at(int folder, const char *path, char *name, size_t size);

/* Writes in one call, as sysfs wants it. 0 or -errno. */
int sysfs_write(const char *path, const char *text);

/* Last part of a link's target; "" if there is no link. */
void sysfs_link_name(const char *path, char *name, size_t size);

#endif
