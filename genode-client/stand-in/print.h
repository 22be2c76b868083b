/* SPDX-License-Identifier: MIT */
/* Text, and lines of it on standard output: one write each, whoever else prints. */
#ifndef STAND_IN_PRINT_H
#define STAND_IN_PRINT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Formats into `to`, cut to `size` bytes with the NUL. Knows %s %c %d %u %x %lu %lx %%,
 * and a width of one digit, with or without a zero before it. */
__attribute__((format(printf, 3, 4))) void format(char *to, size_t size, const char *how, ...);

__attribute__((format(printf, 3, 0))) void format_list(char *to, size_t size, const char *how,
                                                       va_list arguments);

/* One line. */
__attribute__((format(printf, 1, 2))) void print(const char *how, ...);

/* Text as it is, however long. */
void print_text(const char *text, size_t length);

size_t length_of(const char *text);
bool same_text(const char *a, const char *b);
bool contains(const char *text, const char *part);

#endif
