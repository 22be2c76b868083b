/* SPDX-License-Identifier: MIT */
#include "policy/patterns.h"

#include <stddef.h>
#include <string.h>

bool pattern_is_wild(const char *pattern)
{
	return strpbrk(pattern, "*?") != NULL;
}

void pattern_normalise(char *pattern)
{
	char *to = pattern;

	for (const char *from = pattern; *from != '\0';) {
		bool any = false;
		size_t run = strspn(from, "*?");
		if (run == 0) {
			*to++ = *from++;
			continue;
		}
		for (; run != 0; run--, from++) {
			if (*from == '*')
				any = true;
			else
				*to++ = '?';
		}
		if (any)
			*to++ = '*';
	}
	*to = '\0';
}

/* Walks both at once; a `*' of the pattern that was too short takes one character more. Only
 * the last such need be tried again, so this takes no longer than the product of the lengths.
 * `literal`: `*' in the text is a character like others, and no text of unknown length. */
static bool walk(const char *pattern, const char *text, bool literal)
{
	const char *star = NULL, *taken = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			taken = text;
		} else if (*pattern == *text || (*pattern == '?' && (literal || *text != '*'))) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++taken;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool pattern_matches(const char *pattern, const char *text)
{
	return walk(pattern, text, true);
}

bool pattern_covers(const char *pattern, const char *narrow)
{
	return walk(pattern, narrow, false);
}
