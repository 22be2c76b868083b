/* SPDX-License-Identifier: MIT */
/*
 * Whether the host itself could not live without a device: what bind_in_use()
 * (bind.h) asks of the running system, asked of any tree of /sys, /proc and
 * /dev, so that hosts can be tried that are not there.
 *
 * Not seen are routes of other tables than `main' or of other network
 * namespaces, and interfaces that lie below the default route's in a way that
 * sysfs does not show (Open vSwitch, PPP).
 */
#ifndef HWBROKERD_KERNEL_USE_H
#define HWBROKERD_KERNEL_USE_H

#include "util/fault.h"

#include <stdbool.h>
#include <stddef.h>

/* The ways in which the host can need a device, in the order in which they are looked for. */
enum use_kind {
	USE_MOUNTED, /* a file system */
	USE_SWAP,
	USE_ROUTE,  /* the default route, of IPv4 or IPv6 */
	USE_SCREEN, /* the console is shown there */
	USE_TERMINAL,
	USE_DISK, /* somebody else has its disks */
	USE_KINDS
};

/* Whether it needs the device in this way; `what' and `root' as below. */
bool use_of(const char *root, const struct hwb_pci_address *address, enum use_kind kind, char *what,
            size_t size);

/* As bind_in_use(), with `root' before each path: "" is the host. */
int use_find(const char *root, const struct hwb_pci_address *address, char *what, size_t size);

#endif
