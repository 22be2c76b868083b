/* SPDX-License-Identifier: MIT */
/* Opens the files that a privileged program believes. */
#ifndef HWBROKERD_POLICY_SAFE_FILE_H
#define HWBROKERD_POLICY_SAFE_FILE_H

#include "util/fault.h"

#include <stddef.h>

enum { SAFE_FILE_MAX = 1024 * 1024 }; /* of a policy */

/* The whole content of a regular file, not a link, of at most `max` bytes (whole MiB), that
 * only root (or the daemon's own user) can change: `*text` (freed by the caller; a NUL follows
 * its `*size` bytes). Never blocks on a FIFO or device. 0, or -1 with `fault`
 * saying what is wrong with it and how to repair it, without the path. */
int safe_file_read(const char *path, size_t max, char **text, size_t *size, struct fault *fault);

/* A descriptor of the caller's of a folder, not a link, that only they can change. -1 with
 * `fault` as above; its `host_errno` is ENOENT if there is none. */
int safe_folder_open(const char *path, struct fault *fault);

/* Whether only they can put another file where this one is. 0, or -1 with `fault` as above. */
int safe_file_place(const char *path, struct fault *fault);

#endif
