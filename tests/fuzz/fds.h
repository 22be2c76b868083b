/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_FDS_H
#define FUZZ_FDS_H

#include <dirent.h>
#include <stddef.h>

/* How many descriptors this process has. */
static inline unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (dir != NULL && readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

#endif
