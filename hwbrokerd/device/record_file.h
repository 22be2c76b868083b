/* SPDX-License-Identifier: MIT */
/*
 * The file of record.h: lines of one length, of which one is written, replaced or made blank
 * without touching the others, however many there are. None crosses a page, and a page is
 * copied by the kernel as one: a daemon that is killed leaves no line that is half written.
 */
#ifndef HWBROKERD_DEVICE_RECORD_FILE_H
#define HWBROKERD_DEVICE_RECORD_FILE_H

#include "device/record_line.h"

struct record_file {
	const char *path; /* NULL: nothing is kept */
	int fd;           /* -1: there is none that is good */
	uint32_t lines;   /* the first is the head */
	uint32_t *blanks; /* lines that are; room for all that there are */
	uint32_t blank_count, blank_room;
};

/* Has `take` all lines that are in the file, of this layout or the one before. False: it cannot be
 * read, is not ours, or makes no sense. One that is not there has none. */
bool record_file_read(const char *path, bool (*take)(const char *line));

/* The first line of all. */
void record_file_head(char line[RECORD_LINE]);
/* Whether what was written is still there, under whatever name. */
bool record_file_is_whole(const struct record_file *file);
/* A new file of these lines takes the place of what is there; on failure nothing has changed.
 * 0 or an errno. */
int record_file_replace(struct record_file *file, const char *text, uint32_t lines);
/* Writes line `*number`, or a new one if that is 0, which then is its number. 0 or an errno. */
int record_file_write(struct record_file *file, uint32_t *number, const char line[RECORD_LINE]);
/* If it fails the line is still there. */
void record_file_blank(struct record_file *file, uint32_t number);
void record_file_close(struct record_file *file);

#endif
