/* SPDX-License-Identifier: MIT */
/* Names for PCI device classes, where a number would need a table at hand. */
#ifndef HWBROKERD_POLICY_CLASS_NAMES_H
#define HWBROKERD_POLICY_CLASS_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* A device is of the class if (code & mask) == code of the class; codes are
 * base << 16 | sub << 8 | interface. */
struct class_name {
	const char *name;
	uint32_t code;
	uint32_t mask;
};

extern const struct class_name class_names[];
extern const size_t class_name_count;

#endif
