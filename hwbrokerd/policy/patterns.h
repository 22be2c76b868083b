/* SPDX-License-Identifier: MIT */
/* Texts with wildcards, as a shell has them: `*' for any characters or none, also `/', and `?'
 * for one. There is no way to write them as characters: no name of the kernel has them. */
#ifndef HWBROKERD_POLICY_PATTERNS_H
#define HWBROKERD_POLICY_PATTERNS_H

#include <stdbool.h>

bool pattern_is_wild(const char *pattern);

/* Gives patterns that say the same, like "*?" and "?**", one spelling. In place. */
void pattern_normalise(char *pattern);

bool pattern_matches(const char *pattern, const char *text);

/* Whether `pattern` matches each text that `narrow`, a pattern as well, matches. Both are
 * normal. May say no where one would have to think to see it. */
bool pattern_covers(const char *pattern, const char *narrow);

#endif
