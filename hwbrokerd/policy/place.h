/* SPDX-License-Identifier: MIT */
/*
 * Where something stands in a policy of several files, as one number that sorts in the
 * order of reading: the file, from 0, and the line in it, from 1. Line 0 is the file as a
 * whole.
 */
#ifndef HWBROKERD_POLICY_PLACE_H
#define HWBROKERD_POLICY_PLACE_H

#include <stdint.h>

/* A file has at most 1 MiB (safe_file.h), and so 2^20 lines. */
enum { PLACE_LINE_BITS = 21, PLACE_FILES_MAX = 1 << (32 - PLACE_LINE_BITS) };

static inline uint32_t place_of(uint32_t file, uint32_t line)
{
	return file << PLACE_LINE_BITS | line;
}

static inline uint32_t place_file(uint32_t place)
{
	return place >> PLACE_LINE_BITS;
}

static inline uint32_t place_line(uint32_t place)
{
	return place & ((1u << PLACE_LINE_BITS) - 1);
}

#endif
