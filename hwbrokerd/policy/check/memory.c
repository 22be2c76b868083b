/* SPDX-License-Identifier: MIT */
#include "policy/array.h"
#include "policy/check/check.h"

#include <inttypes.h>
#include <stdio.h>

static int by_address(const void *left, const void *right)
{
	const struct memory_range *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static int by_client_and_address(const void *left, const void *right)
{
	const struct memory_grant *a = left, *b = right;

	if (a->client != b->client)
		return a->client < b->client ? -1 : 1;
	return by_address(&a->range, &b->range);
}

static void overlap(const struct parser *parser, const struct memory_range *low,
                    const struct memory_range *high)
{
	const struct memory_rule *rules = parser->policy->memory;
	/* The mistake is told where the second of the two stands. */
	const struct memory_range *late = high->place >= low->place ? high : low;
	const struct memory_range *early = late == high ? low : high;
	char where[POLICY_PLACE_SIZE];

	if (late->rule == early->rule)
		report_add(parser->report, late->place, "memory 0x%" PRIx64 " is named twice",
		           high->first);
	else
		report_add(parser->report, late->place,
		           "memory 0x%" PRIx64 " is already in [%s], %s; it stands in one section, "
		           "which may name several clients",
		           high->first, rules[early->rule].section,
		           policy_place_text(parser->policy, late->place, early->place, where));
}

static void grant_memory(struct parser *parser, const struct reference *reference,
                         const struct memory_range *range)
{
	struct policy *policy = parser->policy;

	if (array_room(&policy->memory_grants, &policy->memory_grant_capacity,
	               policy->memory_grant_count, sizeof(*policy->memory_grants)) != 0) {
		parser->report->out_of_memory = true;
		return;
	}
	policy->memory_grants[policy->memory_grant_count++] =
	        (struct memory_grant){ .client = reference->client, .range = *range };
}

/* The ranges are still in the order of rules, and so are references. */
static void fill_grants(struct parser *parser)
{
	struct policy *policy = parser->policy;
	const struct memory_span *spans = &policy->spans;
	uint32_t first = 0;

	for (uint32_t i = 0; i < parser->reference_count; i++) {
		const struct reference *reference = &parser->references[i];
		if (reference->kind != SECTION_MEMORY || reference->client == UINT32_MAX)
			continue;
		while (first < spans->count && spans->items[first].rule < reference->rule)
			first++;
		for (uint32_t j = first;
		     j < spans->count && spans->items[j].rule == reference->rule; j++)
			grant_memory(parser, reference, &spans->items[j]);
	}
	if (policy->memory_grant_count > 0)
		qsort(policy->memory_grants, policy->memory_grant_count,
		      sizeof(*policy->memory_grants), by_client_and_address);
}

void check_memory(struct parser *parser)
{
	struct memory_span *spans = &parser->policy->spans;
	const struct memory_range *highest = NULL;

	fill_grants(parser);
	if (spans->count > 0)
		qsort(spans->items, spans->count, sizeof(*spans->items), by_address);
	for (uint32_t i = 0; i < spans->count; i++) {
		const struct memory_range *range = &spans->items[i];
		if (highest != NULL && range->first <= highest->last)
			overlap(parser, highest, range);
		if (highest == NULL || range->last > highest->last)
			highest = range;
	}
}
