/* SPDX-License-Identifier: MIT */
/*
 * What the daemon may do once it has started: of the capabilities that it was started with
 * only those that serving needs, and none of the system calls that only a daemon that was
 * taken over would make. docs/security.md says for which each capability is.
 */
#ifndef HWBROKERD_KERNEL_PRIVILEGE_H
#define HWBROKERD_KERNEL_PRIVILEGE_H

#include "util/fault.h"

#include <stdbool.h>

/* Gives up the rest, for good. As long as there is one thread: others would keep theirs.
 * `ports`: whether legacy ports are served; `pins`: whether memory is pinned without an IOMMU
 * (memory/pinned.h). -1: some of it did not work, all else is done. */
int privilege_drop(bool ports, bool pins, struct fault *fault);

/* Whether RLIMIT_MEMLOCK does not count for it. */
bool privilege_locks_memory(void);

#endif
