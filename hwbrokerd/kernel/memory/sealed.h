/* SPDX-License-Identifier: MIT */
/* Copies for clients to read: memfds that nobody changes any more. */
#ifndef HWBROKERD_KERNEL_SEALED_H
#define HWBROKERD_KERNEL_SEALED_H

#include "util/fault.h"

#include <stddef.h>

/* A memfd called `name` of these bytes, sealed against everything. May block. */
int sealed_copy(const char *name, const void *bytes, size_t size, int *fd, struct fault *fault);

#endif
