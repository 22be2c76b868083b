/* SPDX-License-Identifier: MIT */
/*
 * A table for people: columns as wide as their contents, the widest cut where a
 * terminal is narrower. What is printed is printable: control characters in a
 * cell, from wherever they came, are shown as `?'.
 */
#ifndef HWBROKER_CTL_TABLE_H
#define HWBROKER_CTL_TABLE_H

#include <stdio.h>

struct table;

/* Headings are the first row. NULL: no memory. */
struct table *table_new(unsigned columns, const char *const *headings);
void table_free(struct table *table);

/* Fills the next cell, row by row. An empty text is shown as "-". */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* In place: what a terminal would obey, or cannot show, becomes `?'. */
void table_make_printable(char *text);

/* `width` 0: nothing is cut. Lines have no trailing spaces. */
void table_print(const struct table *table, FILE *out, unsigned width);

#endif
