/* SPDX-License-Identifier: MIT */
/*
 * Every section and key that a policy may have, in one table: the parser takes
 * names, limits and defaults from it, suggestions are made from it, and a test
 * holds the man page against it.
 */
#ifndef HWBROKERD_POLICY_KEYS_H
#define HWBROKERD_POLICY_KEYS_H

#include "util/fault.h"

#include <stdbool.h>

struct parser;

enum section_kind {
	SECTION_BROKER,
	SECTION_CLIENT,
	SECTION_DEVICE,
	SECTION_PORTS,
	SECTION_MEMORY,
	SECTION_INTERRUPT,
	SECTION_VIRTUAL,
	SECTION_KINDS
};

enum { POLICY_KEYS_MAX = 64 };

struct section_type {
	const char *word; /* [WORD NAME] */
	bool named;
	/* Makes the object that the section's keys fill: `parser->target`.
	 * -1: out of memory. */
	int (*open)(struct parser *parser);
	/* All keys are read; says what is missing or does not fit together. */
	void (*close)(struct parser *parser);
};

struct key {
	enum section_kind section;
	const char *name;
	/* Stores the value in `parser->target`. 0, or -1 with `fault`. May
	 * report by itself, with more than one mistake, and return 0. */
	int (*set)(struct parser *parser, const struct key *key, const char *value,
	           struct fault *fault);
	const char *preset; /* default, as if it were written; NULL: none */
	bool required;
	/* For the generic setters: which member of the target, and its limits. */
	size_t member;
	uint64_t min;
	uint64_t max;
};

extern const struct section_type policy_sections[SECTION_KINDS];
extern const struct key policy_keys[];
extern const size_t policy_key_count;

#endif
