/* SPDX-License-Identifier: MIT */
/*
 * The kernel's messages about PCI functions that come and go (NETLINK_KOBJECT_UEVENT,
 * lib/kobject_uevent.c). They are a hint to look, no more: what is there, sysfs says.
 */
#ifndef HWBROKERD_KERNEL_UEVENT_H
#define HWBROKERD_KERNEL_UEVENT_H

#include "util/fault.h"

#include <stdbool.h>
#include <stddef.h>

/* A nonblocking socket that is readable when something was said. -1: `fault`. */
int uevent_open(struct fault *fault);

/* Takes all messages off; whether one of them, or one that was lost, is about a PCI
 * function that was added or removed. */
bool uevent_drain(int fd);

/* Pure: whether a message of `length` bytes is. It is "ACTION@PATH", then "KEY=VALUE"
 * each, all ended by a zero byte. */
bool uevent_concerns_pci(const char *message, size_t length);

#endif
