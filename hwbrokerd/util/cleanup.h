/* SPDX-License-Identifier: MIT */
/*
 * Scope-bound descriptors and memory: `_cleanup_fd_ int fd = -1;`. What leaves
 * the scope alive is handed out with steal_fd() or steal_pointer().
 */
#ifndef HWBROKERD_UTIL_CLEANUP_H
#define HWBROKERD_UTIL_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Closes a descriptor that may be -1 and returns -1. */
static inline int close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
	return -1;
}

static inline void cleanup_fd(int *fd)
{
	close_fd(*fd);
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_file(FILE **file)
{
	if (*file != NULL)
		fclose(*file);
}

static inline void cleanup_dir(DIR **dir)
{
	if (*dir != NULL)
		closedir(*dir);
}

#define _cleanup_fd_ __attribute__((cleanup(cleanup_fd)))
#define _cleanup_free_ __attribute__((cleanup(cleanup_free)))
#define _cleanup_file_ __attribute__((cleanup(cleanup_file)))
#define _cleanup_dir_ __attribute__((cleanup(cleanup_dir)))

static inline int steal_fd(int *fd)
{
	int stolen = *fd;
	*fd = -1;
	return stolen;
}

static inline void *steal_pointer(void *pointer)
{
	void *stolen = *(void **)pointer;
	*(void **)pointer = NULL;
	return stolen;
}

#endif
