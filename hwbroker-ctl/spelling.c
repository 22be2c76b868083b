/* SPDX-License-Identifier: MIT */
#include "spelling.h"

#include <string.h>

enum { LONGEST = 32 };

/* Levenshtein distance; words longer than LONGEST are far from everything. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[LONGEST + 1];
	size_t length_a = strlen(a), length_b = strlen(b);

	if (length_a > LONGEST || length_b > LONGEST)
		return LONGEST;
	for (unsigned j = 0; j <= length_b; j++)
		row[j] = j;
	for (unsigned i = 1; i <= length_a; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= length_b; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[length_b];
}

const char *spelling_nearest(const char *word, const char *const *known, unsigned count)
{
	const char *nearest = NULL;
	unsigned least = 3; /* two slips at the most */

	for (unsigned i = 0; i < count; i++) {
		unsigned now = distance(word, known[i]);
		if (now < least && now < strlen(known[i])) {
			least = now;
			nearest = known[i];
		}
	}
	return nearest;
}
