/* SPDX-License-Identifier: MIT */
/* Hexadecimal digits off the front of a text. */
#ifndef HWBROKERD_POLICY_HEX_H
#define HWBROKERD_POLICY_HEX_H

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>

static inline uint32_t hex_digit(char character)
{
	int digit = tolower((unsigned char)character);

	return (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Takes between `least` and `most` hexadecimal digits (at most 8) off *text. */
static inline int take_hex(const char **text, size_t least, size_t most, uint32_t *number)
{
	size_t digits = 0;

	*number = 0;
	while (digits < most && isxdigit((unsigned char)(*text)[digits]))
		*number = *number << 4 | hex_digit((*text)[digits++]);
	*text += digits;
	return digits >= least ? 0 : -1;
}

static inline int take_char(const char **text, char character)
{
	if (**text != character)
		return -1;
	(*text)++;
	return 0;
}

#endif
