/* SPDX-License-Identifier: MIT */
/* All that protocol.h defines, for test_specification.c; which sees that nothing is left out. */
#ifndef HWBROKER_TESTS_SPECIFICATION_LISTS_H
#define HWBROKER_TESTS_SPECIFICATION_LISTS_H

#include <stddef.h>
#include <stdint.h>

struct constant {
	const char *name;
	uint64_t value;
};

struct field {
	const char *structure;
	const char *name;
	size_t offset;
	size_t size;
	size_t total; /* size of the structure */
};
enum { CONSTANTS = 220, FIELDS = 279 };

extern const struct constant constants[CONSTANTS];
/* In the order of the header. */
extern const struct field fields[FIELDS];

#endif
