/* SPDX-License-Identifier: MIT */
/*
 * Entries of the systemd journal that have fields, by its native protocol: one datagram
 * an entry. libsystemd and what it loads would be far more code than that in a privileged
 * process. Nothing here waits: an entry that is not taken at once is the caller's to log
 * in another way.
 */
#ifndef HWBROKERD_UTIL_JOURNAL_H
#define HWBROKERD_UTIL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* More than all fields of one entry need, each at its longest; a field that does not fit
 * is left out. */
enum { JOURNAL_ENTRY_SIZE = 4096 };

struct journal_entry {
	size_t used;
	char bytes[JOURNAL_ENTRY_SIZE];
};

/* Uses the journal at `path`, if stderr is connected to a journal: otherwise somebody else
 * reads it, and is to see all of it there. Whether it does. */
bool journal_open(const char *path);
void journal_close(void);

/* Appends a field; `name` is of capital letters, digits and `_'. A value that is not one line
 * stays one field. An empty one makes none. */
void journal_field(struct journal_entry *entry, const char *name, const char *value);
void journal_number(struct journal_entry *entry, const char *name, unsigned value);

/* Whether the journal has taken it. */
bool journal_send(const struct journal_entry *entry);

#endif
