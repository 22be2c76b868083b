/* SPDX-License-Identifier: MIT */
#include "policy/text.h"

#include <stdint.h>

/* The character at `at` and its length in bytes, 0 if it is not UTF-8 as
 * RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t decode(const unsigned char *at, size_t left, uint32_t *character)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = at[0] < 0x80             ? 1
	                : (at[0] & 0xe0) == 0xc0 ? 2
	                : (at[0] & 0xf0) == 0xe0 ? 3
	                : (at[0] & 0xf8) == 0xf0 ? 4
	                                         : 0;

	if (length <= 1) {
		*character = at[0];
		return length;
	}
	if (length > left)
		return 0;
	uint32_t value = at[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3fu);
	}
	if (value < lowest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*character = value;
	return length;
}

static int is_control(uint32_t character)
{
	return (character < 0x20 && character != '\t') || (character >= 0x7f && character < 0xa0);
}

/* These reorder what an editor shows: a line could read unlike it works. */
static int is_direction(uint32_t character)
{
	return (character >= 0x202a && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069) || character == 0x200e ||
	       character == 0x200f || character == 0x061c;
}

/* Nothing is to be seen of these at all: two names that look the same would not be. */
static int is_nothing(uint32_t character)
{
	return character == 0x200b || character == 0x2060 || character == 0xfeff ||
	       character == 0x00ad;
}

int text_check(const char *line, size_t length, struct fault *fault)
{
	const unsigned char *bytes = (const unsigned char *)line;
	uint32_t character = 0;
	size_t step;

	for (size_t at = 0; at < length; at += step) {
		step = decode(bytes + at, length - at, &character);
		if (step == 0)
			return fault_set(fault, HWB_INVALID,
			                 "byte 0x%02x in column %zu is not UTF-8; save the file as "
			                 "UTF-8",
			                 bytes[at], at + 1);
		if (is_control(character))
			return fault_set(fault, HWB_INVALID,
			                 "control character 0x%02x in column %zu; remove it",
			                 character, at + 1);
		if (is_nothing(character))
			return fault_set(fault, HWB_INVALID,
			                 "invisible character U+%04X in column %zu; remove it",
			                 character, at + 1);
		if (is_direction(character))
			return fault_set(fault, HWB_INVALID,
			                 "invisible character U+%04X in column %zu changes the "
			                 "direction of the text; remove it",
			                 character, at + 1);
	}
	return 0;
}
