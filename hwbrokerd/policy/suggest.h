/* SPDX-License-Identifier: MIT */
/* "did you mean": the nearest spelling among candidates shown one by one. */
#ifndef HWBROKERD_POLICY_SUGGEST_H
#define HWBROKERD_POLICY_SUGGEST_H

#include <stddef.h>

struct suggestion {
	const char *word; /* as it was written */
	const char *best; /* NULL: nothing near so far */
	size_t distance;
	char text[128];
};

void suggest_start(struct suggestion *suggestion, const char *word);
void suggest_consider(struct suggestion *suggestion, const char *candidate);

/* "; did you mean `best'?", or "" if no candidate is near enough. */
const char *suggest_text(struct suggestion *suggestion);

#endif
