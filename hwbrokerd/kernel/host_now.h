/* SPDX-License-Identifier: MIT */
/*
 * What of a host may have changed since the daemon started: modules that were unloaded, a kernel
 * that was locked down, huge pages that are used up. It is looked up when somebody asks, in files
 * of /sys, /proc and /dev none of which waits for anything, so that the loop may.
 *
 * `root` is put before each path: "" but for tests.
 */
#ifndef HWBROKERD_KERNEL_HOST_NOW_H
#define HWBROKERD_KERNEL_HOST_NOW_H

#include "kernel/host.h"

struct host_now {
	bool vfio;                /* the kernel has what the backend needs of it */
	bool lockdown;            /* integrity or confidentiality */
	struct problems problems; /* those of the start that still are, and others */
};

void host_now(const struct host *host, const char *root, struct host_now *now);

/* Nobody can undo it but by booting. */
bool host_is_locked_down(const struct host *host);

/* Whether somebody has switched off what keeps memory where it is (pinned.h). */
bool host_now_refuses_pins(const char *root);

#endif
