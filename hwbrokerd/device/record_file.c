/* SPDX-License-Identifier: MIT */
#include "device/record_file.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first line; another number is another layout. That of 2 was without blanks at the ends. */
static const char head[] = "hwbrokerd devices 3\n";
static const char head_before[] = "hwbrokerd devices 2\n";

void record_file_head(char line[RECORD_LINE])
{
	record_line_word(line, head, sizeof(head) - sizeof("\n"));
}

/* ---- as the daemon before has left it ---- */

static bool is_ours(FILE *from)
{
	struct stat status;

	return fstat(fileno(from), &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Without blanks at its end. */
static bool next_line(FILE *from, char line[RECORD_LINE + 1])
{
	if (fgets(line, RECORD_LINE + 1, from) == NULL)
		return false;
	size_t length = strcspn(line, "\n");
	if (line[length] == '\0')
		return true; /* it is cut, and makes no sense */
	while (length > 0 && line[length - 1] == ' ')
		length--;
	strcpy(line + length, "\n");
	return true;
}

static bool take_lines(FILE *from, bool (*take)(const char *line))
{
	char line[RECORD_LINE + 1];

	if (!is_ours(from) || !next_line(from, line))
		return false;
	bool before = strcmp(line, head_before) == 0;
	if (!before && strcmp(line, head) != 0)
		return false;
	while (next_line(from, line)) {
		if (!before && record_line_kind(line) == RECORD_LINE_BLANK)
			continue;
		if (!take(line))
			return false;
	}
	return ferror(from) == 0;
}

bool record_file_read(const char *path, bool (*take)(const char *line))
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT;
	_cleanup_file_ FILE *from = fdopen(fd, "r");
	if (from == NULL)
		return false;
	steal_fd(&fd);
	return take_lines(from, take);
}

/* ---- and as this one writes it ---- */

_Static_assert(4096 % RECORD_LINE == 0, "no line crosses a page");

static int write_at(int fd, const char *text, size_t size, off_t place)
{
	ssize_t written = pwrite(fd, text, size, place);

	if (written == (ssize_t)size)
		return 0;
	return written < 0 ? errno : ENOSPC;
}

static off_t place_of(uint32_t number)
{
	return (off_t)number * RECORD_LINE;
}

bool record_file_is_whole(const struct record_file *file)
{
	struct stat status;

	return file->fd >= 0 && fstat(file->fd, &status) == 0 && status.st_nlink != 0 &&
	       status.st_size == place_of(file->lines);
}

int record_file_replace(struct record_file *file, const char *text, uint32_t lines)
{
	char temporary[PATH_MAX];

	snprintf(temporary, sizeof(temporary), "%s.new", file->path);
	_cleanup_fd_ int fd =
	        open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	int error = write_at(fd, text, (size_t)place_of(lines), 0);
	if (error == 0 && rename(temporary, file->path) != 0)
		error = errno;
	if (error != 0) {
		unlink(temporary);
		return error;
	}
	close_fd(file->fd);
	file->fd = steal_fd(&fd);
	file->lines = lines;
	file->blank_count = 0;
	return 0;
}

/* For one line more than there are. */
static int make_room(struct record_file *file)
{
	if (file->lines < file->blank_room)
		return 0;
	uint32_t room = file->lines * 2;
	uint32_t *more = reallocarray(file->blanks, room, sizeof(*more));
	if (more == NULL)
		return ENOMEM;
	file->blanks = more;
	file->blank_room = room;
	return 0;
}

static int append(struct record_file *file, uint32_t *number, const char line[RECORD_LINE])
{
	int error = make_room(file);

	if (error == 0)
		error = write_at(file->fd, line, RECORD_LINE, place_of(file->lines));
	if (error == 0)
		*number = file->lines++;
	return error;
}

int record_file_write(struct record_file *file, uint32_t *number, const char line[RECORD_LINE])
{
	if (*number == 0 && file->blank_count == 0)
		return append(file, number, line);
	uint32_t where = *number != 0 ? *number : file->blanks[file->blank_count - 1];
	int error = write_at(file->fd, line, RECORD_LINE, place_of(where));
	if (error == 0 && *number == 0) {
		file->blank_count--;
		*number = where;
	}
	return error;
}

void record_file_blank(struct record_file *file, uint32_t number)
{
	char line[RECORD_LINE];

	record_line_blank(line);
	if (make_room(file) == 0 && write_at(file->fd, line, RECORD_LINE, place_of(number)) == 0)
		file->blanks[file->blank_count++] = number;
}

void record_file_close(struct record_file *file)
{
	close_fd(file->fd);
	free(file->blanks);
	*file = (struct record_file){ .fd = -1 };
}
