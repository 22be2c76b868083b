/* SPDX-License-Identifier: MIT */
/*
 * The lines of the file of record.h. Each is written with blanks up to its end, so that all are of
 * one length, and read without: a text that ends with a newline. False: it makes no sense.
 */
#ifndef HWBROKERD_DEVICE_RECORD_LINE_H
#define HWBROKERD_DEVICE_RECORD_LINE_H

#include "device/record.h"

enum { RECORD_LINE = 512 };

enum record_line_kind {
	RECORD_LINE_BLANK,
	RECORD_LINE_DEVICE,
	RECORD_LINE_FUNCTIONS,
	RECORD_LINE_ESTATE,
	RECORD_LINE_ESTATE_ANYWHERE,
};

/* By how it begins. */
enum record_line_kind record_line_kind(const char *line);

void record_line_blank(char line[RECORD_LINE]);
/* One that says this, whatever it means. */
void record_line_word(char line[RECORD_LINE], const char *word, size_t length);

void record_line_write(char line[RECORD_LINE], const struct record *record);
bool record_line_read(const char *line, struct record *record);

void record_line_write_functions(char line[RECORD_LINE], const struct record_functions *functions);
bool record_line_read_functions(const char *line, struct record_functions *functions);

/* Of what devices have left; NULL: it may be anywhere. */
void record_line_write_estate(char line[RECORD_LINE], const struct record_range *range);
bool record_line_read_estate(const char *line, struct record_range *range);

#endif
