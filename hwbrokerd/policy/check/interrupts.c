/* SPDX-License-Identifier: MIT */
#include "policy/array.h"
#include "policy/check/check.h"

static void overlap(const struct parser *parser, const struct line *early, const struct line *late)
{
	char where[POLICY_PLACE_SIZE];

	if (late->rule == early->rule)
		report_add(parser->report, late->place, "interrupt %u is named twice",
		           late->number);
	else
		report_add(parser->report, late->place,
		           "interrupt %u is already in [%s], %s; it stands in one section, which "
		           "may name several clients",
		           late->number, parser->policy->interrupts[early->rule].section,
		           policy_place_text(parser->policy, late->place, early->place, where));
}

static int grant_line(struct policy *policy, const struct reference *reference,
                      const struct line *line)
{
	if (array_room(&policy->line_grants, &policy->line_grant_capacity, policy->line_grant_count,
	               sizeof(*policy->line_grants)) != 0)
		return -1;
	policy->line_grants[policy->line_grant_count++] = (struct line_grant){
		.client = reference->client,
		.number = line->number,
		.rule = line->rule,
	};
	return 0;
}

static int by_client_and_number(const void *left, const void *right)
{
	const struct line_grant *a = left, *b = right;

	if (a->client != b->client)
		return a->client < b->client ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* Lines are in the order of rules, and so are references. */
static void fill_grants(struct parser *parser)
{
	struct policy *policy = parser->policy;
	uint32_t first = 0;

	for (uint32_t i = 0; i < parser->reference_count; i++) {
		const struct reference *reference = &parser->references[i];
		if (reference->kind != SECTION_INTERRUPT || reference->client == UINT32_MAX)
			continue;
		while (first < policy->line_count && policy->lines[first].rule < reference->rule)
			first++;
		for (uint32_t j = first;
		     j < policy->line_count && policy->lines[j].rule == reference->rule; j++)
			if (grant_line(policy, reference, &policy->lines[j]) != 0)
				parser->report->out_of_memory = true;
	}
	if (policy->line_grant_count > 0)
		qsort(policy->line_grants, policy->line_grant_count, sizeof(*policy->line_grants),
		      by_client_and_number);
}

void check_interrupts(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	const struct line *first[LINES] = { NULL };

	fill_grants(parser);
	for (uint32_t i = 0; i < policy->line_count; i++) {
		const struct line *line = &policy->lines[i];
		if (first[line->number] != NULL)
			overlap(parser, first[line->number], line);
		else
			first[line->number] = line;
	}
}
