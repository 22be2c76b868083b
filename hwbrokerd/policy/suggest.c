/* SPDX-License-Identifier: MIT */
#include "policy/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 96 }; /* longer words are no misspelling of ours */

static size_t minimum(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int lower(const char *word, size_t index)
{
	return tolower((unsigned char)word[index]);
}

/* Edits (insert, drop, change, swap neighbours) from one word to the other,
 * letter case aside: the optimal string alignment distance. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	size_t a_length = strlen(a), b_length = strlen(b);

	for (size_t j = 0; j <= b_length; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t change = lower(a, i - 1) != lower(b, j - 1);
			row[j] = minimum(minimum(last[j], row[j - 1]) + 1, last[j - 1] + change);
			if (i > 1 && j > 1 && lower(a, i - 1) == lower(b, j - 2) &&
			    lower(a, i - 2) == lower(b, j - 1))
				row[j] = minimum(row[j], before[j - 2] + 1);
		}
		size_t *oldest = before;
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_length];
}

void suggest_start(struct suggestion *suggestion, const char *word)
{
	*suggestion = (struct suggestion){ .word = word };
}

void suggest_consider(struct suggestion *suggestion, const char *candidate)
{
	size_t length = strlen(suggestion->word), other = strlen(candidate);
	/* A third of the letters wrong is still a typo, more is another word. */
	size_t most = 1 + length / 3;

	if (length > WORD_MAX || other > WORD_MAX || length > other + most || other > length + most)
		return;
	size_t edits = distance(suggestion->word, candidate);
	if (edits > most || edits >= other)
		return;
	if (suggestion->best == NULL || edits < suggestion->distance) {
		suggestion->best = candidate;
		suggestion->distance = edits;
	}
}

const char *suggest_text(struct suggestion *suggestion)
{
	if (suggestion->best == NULL)
		return "";
	snprintf(suggestion->text, sizeof(suggestion->text), "; did you mean `%s'?",
	         suggestion->best);
	return suggestion->text;
}
