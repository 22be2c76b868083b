/* SPDX-License-Identifier: MIT */
#include "cgroup.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

enum { PATH = 128 };

static int open_file(const char *name, const char *file, int flags)
{
	char path[PATH];

	snprintf(path, sizeof(path), CGROUP_ROOT "/session-%s/%s", name, file);
	return open(path, flags | O_CLOEXEC);
}

static int write_word(const char *name, const char *file, const char *word)
{
	_cleanup_fd_ int fd = open_file(name, file, O_WRONLY);

	return fd >= 0 && write(fd, word, strlen(word)) >= 0 ? 0 : errno;
}

int cgroup_make(const char *name)
{
	char path[PATH];

	snprintf(path, sizeof(path), CGROUP_ROOT "/session-%s", name);
	return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : errno;
}

int cgroup_enter(const char *name)
{
	return write_word(name, "cgroup.procs", "0");
}

void cgroup_kill(const char *name)
{
	write_word(name, "cgroup.kill", "1");
}

bool cgroup_populated(const char *name)
{
	char text[256];
	_cleanup_fd_ int fd = open_file(name, "cgroup.events", O_RDONLY);
	ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	text[length > 0 ? length : 0] = '\0';
	return strstr(text, "populated 1") != NULL;
}
