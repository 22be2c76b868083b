/* SPDX-License-Identifier: MIT */
#include "policy/safe_file.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

/* Whether only root, or the daemon's own user, can change it. */
static int check_writers(const struct stat *status, struct fault *fault)
{
	if (status->st_uid != 0 && status->st_uid != geteuid())
		return fault_set(fault, HWB_INVALID,
		                 "belongs to uid %u, who could grant himself any device; make it "
		                 "root's (chown root)",
		                 status->st_uid);
	if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return fault_set(fault, HWB_INVALID,
		                 "can be written by others than its owner (mode %04o); take that "
		                 "away (chmod go-w)",
		                 status->st_mode & 07777);
	return 0;
}

static int refuse_size(size_t max, struct fault *fault)
{
	return fault_set(fault, HWB_INVALID, "is larger than %zu MiB", max >> 20);
}

static int check_file(int fd, size_t max, struct fault *fault)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return fault_errno(fault, errno, "cannot examine it");
	if (!S_ISREG(status.st_mode))
		return fault_set(fault, HWB_INVALID, "is not a regular file");
	if (check_writers(&status, fault) != 0)
		return -1;
	if ((uintmax_t)status.st_size > max)
		return refuse_size(max, fault);
	return 0;
}

int safe_file_read(const char *path, size_t max, char **text, size_t *size, struct fault *fault)
{
	/* O_NONBLOCK: opening a FIFO would wait for its writer. */
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ELOOP)
		return fault_set(fault, HWB_INVALID,
		                 "is a symbolic link; name the file that it points to");
	if (fd < 0)
		return fault_errno(fault, errno, "cannot open it");
	if (check_file(fd, max, fault) != 0)
		return -1;

	/* One byte more than allowed, so that a file that grows is noticed. */
	_cleanup_free_ char *content = malloc(max + 1);
	if (content == NULL)
		return fault_errno(fault, ENOMEM, "cannot read it");
	size_t got = 0;
	while (got <= max) {
		ssize_t chunk = read(fd, content + got, max + 1 - got);
		if (chunk < 0 && errno == EINTR)
			continue;
		if (chunk < 0)
			return fault_errno(fault, errno, "cannot read it");
		if (chunk == 0)
			break;
		got += (size_t)chunk;
	}
	if (got > max)
		return refuse_size(max, fault);
	content[got] = '\0';
	*text = steal_pointer(&content);
	*size = got;
	return 0;
}

int safe_folder_open(const char *path, struct fault *fault)
{
	struct stat status;
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOTDIR)
		return fault_set(fault, HWB_INVALID, "is not a folder, or a symbolic link to one");
	if (fd < 0)
		return fault_errno(fault, errno, "cannot open it");
	if (fstat(fd, &status) != 0)
		return fault_errno(fault, errno, "cannot examine it");
	return check_writers(&status, fault) == 0 ? steal_fd(&fd) : -1;
}

int safe_file_place(const char *path, struct fault *fault)
{
	_cleanup_free_ char *folder = strdup(path);
	struct stat status;

	if (folder == NULL)
		return fault_errno(fault, ENOMEM, "cannot read it");
	/* What is not there is said of the file. */
	if (stat(dirname(folder), &status) != 0)
		return 0;
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return fault_set(fault, HWB_INVALID,
		                 "lies in a folder of uid %u, who could put another file in its "
		                 "place; make that root's (chown root)",
		                 status.st_uid);
	/* With the sticky bit, as /tmp has it, each file is its owner's alone. */
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (status.st_mode & S_ISVTX) == 0)
		return fault_set(fault, HWB_INVALID,
		                 "lies in a folder that can be written by others than its owner "
		                 "(mode %04o), who could put another file in its place; take that "
		                 "away (chmod go-w)",
		                 status.st_mode & 07777);
	return 0;
}
