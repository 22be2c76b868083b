/* SPDX-License-Identifier: MIT */
/* Every key of init.conf in one table: who reads the file takes names, limits and
 * suggestions from it, and a test holds the man page against it. */
#ifndef HWB_INIT_CONFIG_KEYS_H
#define HWB_INIT_CONFIG_KEYS_H

#include "config.h"

#include "util/fault.h"

enum config_section { SECTION_NONE, SECTION_INIT, SECTION_BROKER, SECTION_SESSION, SECTIONS };

enum { CONFIG_KEYS_MAX = 16 };

struct config_reader {
	struct config *config;
	struct report *report;
	enum config_section section;
	bool lost;                        /* a bad header was reported: its keys are passed over */
	uint32_t section_lines[SECTIONS]; /* where each began; 0: not yet */
	uint32_t key_lines[CONFIG_KEYS_MAX]; /* where each of this section was set */
	uint32_t line;
};

struct config_key {
	enum config_section section;
	const char *name;
	/* Stores the value. 0, or -1 with `fault`. */
	int (*set)(void *target, struct config_reader *reader, const struct config_key *key,
	           const char *value, struct fault *fault);
	size_t member; /* of struct config, or of a session */
	uint64_t min, max;
	bool repeated;
	bool required;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

#endif
