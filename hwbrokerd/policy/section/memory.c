/* SPDX-License-Identifier: MIT */
/* [memory NAME]: physical memory that is of no PCI device. */
#include "policy/array.h"
#include "policy/dangerous_memory.h"
#include "policy/parse.h"
#include "policy/values/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int open_memory(struct parser *parser)
{
	struct policy *policy = parser->policy;

	if (array_room(&policy->memory, &policy->memory_capacity, policy->memory_count,
	               sizeof(*policy->memory)) != 0)
		return -1;
	struct memory_rule *rule = &policy->memory[policy->memory_count++];
	*rule = (struct memory_rule){ .place = parser->section_place };
	snprintf(rule->section, sizeof(rule->section), "memory %s", parser->name);
	parser->target = rule;
	return 0;
}

static int add_range(struct parser *parser, char *text, struct fault *fault)
{
	struct policy *policy = parser->policy;
	struct memory_span *span = &policy->spans;
	uint64_t first, last;

	if (value_memory(text, &first, &last, fault) != 0)
		return -1;
	if (array_room(&span->items, &span->capacity, span->count, sizeof(*span->items)) != 0) {
		parser->report->out_of_memory = true;
		return 0;
	}
	span->items[span->count++] = (struct memory_range){
		.first = first,
		.last = last,
		.rule = policy->memory_count - 1,
		.place = parser->place,
	};
	return 0;
}

int set_memory_range(struct parser *parser, const struct key *key, const char *value,
                     struct fault *fault)
{
	(void)fault;

	return parser_each(parser, key, value, add_range);
}

int set_access(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	struct memory_rule *rule = parser->target;
	(void)key;

	if (strcmp(value, "mediated") != 0 && strcmp(value, "fd") != 0)
		return fault_set(fault, HWB_INVALID, "`%s' is neither `mediated' nor `fd'", value);
	rule->fd = value[0] == 'f';
	return 0;
}

void close_memory(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	const struct memory_rule *rule = parser->target;

	/* Only here: `force' may stand behind the others. */
	if (rule->force)
		return;
	if (rule->fd)
		report_add(parser->report, parser_place_of(parser, "access"),
		           "`access = fd' hands out a descriptor of /dev/mem, which reaches every "
		           "address that the kernel lets anybody reach there, and cannot be taken "
		           "back; only `force = yes' in [%s] grants it",
		           rule->section);
	for (uint32_t i = policy->spans.count; i > 0; i--) {
		const struct memory_range *range = &policy->spans.items[i - 1];
		if (range->rule != policy->memory_count - 1)
			break;
		const struct dangerous_memory *danger =
		        dangerous_memory_find(range->first, range->last, rule->write);
		if (danger == NULL)
			continue;
		report_add(parser->report, range->place,
		           "memory 0x%" PRIx64 " %s; only `force = yes' in [%s] grants it",
		           range->first > danger->first ? range->first : danger->first,
		           danger->reason, rule->section);
	}
}
