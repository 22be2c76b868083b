/* SPDX-License-Identifier: MIT */
/*
 * The interrupt lines of a PC that are there since the ISA bus, 0 to 15, and what each of
 * them is for.
 */
#ifndef HWBROKERD_POLICY_LINES_H
#define HWBROKERD_POLICY_LINES_H

#include <stddef.h>
#include <stdint.h>

enum { LINES = 16, LINE_CASCADE = 2 };

/* A word for a line that policies may use for its number. */
struct line_name {
	const char *name;
	uint32_t number;
};

extern const struct line_name line_names[];
extern const size_t line_name_count;

/* What the host itself uses the line for; NULL: nothing that every PC has. */
const char *line_of_host(uint32_t number);

#endif
