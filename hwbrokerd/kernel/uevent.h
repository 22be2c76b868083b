/* SPDX-License-Identifier: MIT */
/*
 * The kernel's messages about PCI functions that come and go, and about their drivers
 * (NETLINK_KOBJECT_UEVENT, lib/kobject_uevent.c). Those of the first kind are a hint to look, no
 * more: what is there, sysfs says.
 */
#ifndef HWBROKERD_KERNEL_UEVENT_H
#define HWBROKERD_KERNEL_UEVENT_H

#include "util/fault.h"

#include <stdbool.h>
#include <stddef.h>

/* A nonblocking socket that is readable when something was said. -1: `fault`. */
int uevent_open(struct fault *fault);

/* A driver was bound to a PCI function, or unbound: "". */
struct uevent_driver {
	struct hwb_pci_address address;
	char driver[HWB_NAME_SIZE];
};

/* What messages say, each a bit. */
enum {
	UEVENT_MOVED = 1, /* one of them: a PCI function was added or removed */
	UEVENT_LOST = 2,  /* there were more, which may have said that, or told of a driver */
};

/* Takes all messages off, and tells of drivers. */
unsigned uevent_drain(int fd, void (*tell)(void *context, const struct uevent_driver *change),
                      void *context);

/* Pure: whether a message of `length` bytes is. It is "ACTION@PATH", then "KEY=VALUE"
 * each, all ended by a zero byte. */
bool uevent_concerns_pci(const char *message, size_t length);
/* Likewise: whether it is about a driver. */
bool uevent_of_driver(const char *message, size_t length, struct uevent_driver *change);

#endif
