/* SPDX-License-Identifier: MIT */
/* Setters that several keys share. */
#include "policy/array.h"
#include "policy/parse.h"
#include "policy/values/values.h"

#include <stdio.h>

static void *member_of(const struct parser *parser, const struct key *key)
{
	return (char *)parser->target + key->member;
}

int set_u32(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	uint64_t number;

	if (value_number(value, key->min, key->max, &number, fault) != 0)
		return -1;
	*(uint32_t *)member_of(parser, key) = (uint32_t)number;
	return 0;
}

int set_size(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	return value_size(value, key->min, key->max, member_of(parser, key), fault);
}

int set_boolean(struct parser *parser, const struct key *key, const char *value,
                struct fault *fault)
{
	return value_boolean(value, member_of(parser, key), fault);
}

int set_share(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	return value_share(value, member_of(parser, key), fault);
}

/* The rule that is being read, as an index: its array may move. */
static uint32_t current_rule(const struct parser *parser)
{
	const struct policy *policy = parser->policy;

	switch (parser->kind) {
	case SECTION_DEVICE:
		return policy->device_count - 1;
	case SECTION_MEMORY:
		return policy->memory_count - 1;
	case SECTION_INTERRUPT:
		return policy->interrupt_count - 1;
	default:
		return policy->ports_count - 1;
	}
}

static int add_reference(struct parser *parser, char *name, struct fault *fault)
{
	uint32_t rule = current_rule(parser);

	if (value_name(name, fault) != 0)
		return -1;
	for (uint32_t i = parser->first_reference; i < parser->reference_count; i++) {
		if (strcmp(parser->references[i].name, name) == 0)
			return fault_set(fault, HWB_INVALID, "`%s' is named twice", name);
	}
	if (array_room(&parser->references, &parser->reference_capacity, parser->reference_count,
	               sizeof(*parser->references)) != 0) {
		parser->report->out_of_memory = true;
		return 0;
	}
	struct reference *added = &parser->references[parser->reference_count++];
	*added = (struct reference){ .kind = parser->kind, .rule = rule, .place = parser->place };
	snprintf(added->name, sizeof(added->name), "%s", name);
	return 0;
}

int set_references(struct parser *parser, const struct key *key, const char *value,
                   struct fault *fault)
{
	(void)fault;

	return parser_each(parser, key, value, add_reference);
}
