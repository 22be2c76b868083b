/* SPDX-License-Identifier: MIT */
/*
 * The lines of the file of record.h, each without its first word if it has one. One is read with
 * its end; false: it makes no sense.
 */
#ifndef HWBROKERD_DEVICE_RECORD_LINE_H
#define HWBROKERD_DEVICE_RECORD_LINE_H

#include "device/record.h"

#include <stdio.h>

void record_line_write(FILE *file, const struct record *record);
bool record_line_read(const char *line, struct record *record);

void record_line_write_functions(FILE *file, const struct record_functions *functions);
bool record_line_read_functions(const char *line, struct record_functions *functions);

void record_line_write_range(FILE *file, const struct record_range *range);
bool record_line_read_range(const char *line, struct record_range *range);

#endif
