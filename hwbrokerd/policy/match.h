/* SPDX-License-Identifier: MIT */
/*
 * Which devices a rule is about, and which rule is about a device.
 *
 * A match is a value and a mask over a device's address, ids and class, and the
 * names of its slot and driver, its path, and the address of its physical function. Rules with
 * equal masks form a shape; a policy of any size has few shapes, and within one, a device is looked
 * up by hash. So a decision costs one probe per shape, not one comparison per rule. Only rules that
 * have a wildcard in a name or path are compared one by one.
 */
#ifndef HWBROKERD_POLICY_MATCH_H
#define HWBROKERD_POLICY_MATCH_H

#include "policy/policy.h"

/* pci_key();
 * vendor, device, subsystem vendor, subsystem device, 16 bits each;
 * the class code; then the texts, each as a number made of it. */
enum match_word { MATCH_ADDRESS, MATCH_IDS, MATCH_CLASS, MATCH_NUMBERS };
enum match_text { MATCH_SLOT, MATCH_DRIVER, MATCH_PATH, MATCH_PHYSICAL, MATCH_TEXTS };
enum { MATCH_WORDS = (int)MATCH_NUMBERS + (int)MATCH_TEXTS };

struct match {
	uint64_t value[MATCH_WORDS]; /* 0 where the mask is */
	uint64_t mask[MATCH_WORDS];
	const char *text[MATCH_TEXTS]; /* NULL: any; of a device: it has none */
	bool wild[MATCH_TEXTS];        /* it is a pattern (patterns.h), and has no mask */
};

/* Adds a text, which must live as long as the match, or a pattern, which must be normal. */
void match_text(struct match *match, enum match_text which, const char *text);

/* A match of exactly this device. */
struct match match_of_device(const struct policy_device *device);

bool match_equal(const struct match *a, const struct match *b);

/* Whether the rule is about every device that `subject` applies to. May say no where one would
 * have to think to see it. */
bool match_applies(const struct match *match, const struct match *subject);

enum {
	MATCH_NONE = UINT32_MAX,      /* no rule */
	MATCH_ANY_CLIENT = UINT32_MAX /* holds every rule, whoever it is for */
};

struct match_shape {
	uint64_t mask[MATCH_WORDS];
	uint32_t first_rule; /* lowest rule of this shape */
};

struct match_slot {
	const struct match *match;
	uint32_t client;
	uint32_t shape;
	uint32_t rule; /* MATCH_NONE: free slot */
};

/* A rule with a wildcard in a text. */
struct match_wild {
	const struct match *match;
	uint32_t client;
	uint32_t rule;
};

struct match_index {
	struct match_shape *shapes;
	uint32_t shape_count, shape_capacity;
	struct match_slot *slots;
	uint32_t slot_mask; /* number of slots - 1, a power of two - 1 */
	struct match_wild *wild;
	uint32_t wild_count, wild_capacity;
};

/* Empty, with room for `entries` calls of match_add(). -1: out of memory. */
int match_index_start(struct match_index *index, uint32_t entries);
void match_index_release(struct match_index *index);

/* Rules are added in ascending order. Of two entries that are equal but for
 * the rule, the first stays. The match must outlive the index. -1: out of memory. */
int match_add(struct match_index *index, uint32_t client, const struct match *match, uint32_t rule);

/* The lowest rule of `client` that applies to every device that `subject`
 * applies to, or MATCH_NONE. */
uint32_t match_find(const struct match_index *index, uint32_t client, const struct match *subject);

#endif
