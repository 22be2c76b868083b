/* SPDX-License-Identifier: MIT */
/*
 * Reads an INI file strictly. inih does the parsing, but silently bends what
 * it does not like (cuts long lines, glues indented ones, drops headers that
 * are not closed), so every line is checked first and inih sees only lines
 * that mean to it what they mean to a reader.
 */
#ifndef HWBROKERD_POLICY_INI_READER_H
#define HWBROKERD_POLICY_INI_READER_H

#include "policy/report.h"

#include <stddef.h>

/* inih's line buffer has 200 bytes; it wants room for "\n" and NUL. */
enum { INI_LINE_MAX = 198 };

/* Told in the order of the file, with places in it (place.h). Strings are valid during the
 * call. */
struct ini_sink {
	/* `header` is what stands between the brackets; NULL: it could not be
	 * read (which was reported), so the keys that follow belong nowhere. */
	void (*section)(void *context, uint32_t place, const char *header);
	/* Neither string is empty. */
	void (*key)(void *context, uint32_t place, const char *key, const char *value);
	/* A line could not be read, which was reported: what is missing may stand there. May be
	 * NULL. */
	void (*unread)(void *context);
	void *context;
};

/* Mistakes go to `report`; the rest of the file is told nevertheless. `file`: its number
 * among those that the report is about. */
void ini_read_text(const char *text, size_t size, uint32_t file, const struct ini_sink *sink,
                   struct report *report);

/* The same for a file, which must be safe (safe_file.h). */
void ini_read_file(const char *path, uint32_t file, const struct ini_sink *sink,
                   struct report *report);

#endif
