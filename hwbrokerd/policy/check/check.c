/* SPDX-License-Identifier: MIT */
#include "policy/check/check.h"

#include "policy/array.h"
#include "policy/suggest.h"
#include "util/cleanup.h"

#include <stdio.h>

static int by_name(const void *left, const void *right)
{
	const struct seen_section *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	int order = strcmp(a->name, b->name);
	if (order != 0)
		return order;
	return a->place < b->place ? -1 : a->place > b->place;
}

void check_sections(const struct parser *parser)
{
	struct seen_section *seen = parser->seen;
	char first[POLICY_PLACE_SIZE];

	if (parser->seen_count > 0)
		qsort(seen, parser->seen_count, sizeof(*seen), by_name);
	for (uint32_t i = 1; i < parser->seen_count; i++) {
		if (seen[i].kind != seen[i - 1].kind || strcmp(seen[i].name, seen[i - 1].name) != 0)
			continue;
		report_add(
		        parser->report, seen[i].place, "[%s%s%s] is already there in %s; %s",
		        policy_sections[seen[i].kind].word, seen[i].name[0] != '\0' ? " " : "",
		        seen[i].name,
		        policy_place_text(parser->policy, seen[i].place, seen[i - 1].place, first),
		        seen[i].name[0] != '\0' ? "give one of them another name"
		                                : "make them one");
	}
}

static void unknown_client(const struct parser *parser, const struct reference *reference)
{
	const struct policy *policy = parser->policy;
	struct suggestion suggestion;

	/* Thousands of names against thousands take seconds, and are not told. */
	suggest_start(&suggestion, reference->name);
	for (uint32_t i = 0; !report_full(parser->report) && i < policy->client_count; i++)
		suggest_consider(&suggestion, policy->clients[i].name);
	report_add(parser->report, reference->place, "there is no [client %s]%s", reference->name,
	           suggest_text(&suggestion));
}

static int by_client_name(const void *left, const void *right)
{
	const struct policy_client *const *a = left, *const *b = right;
	int order = strcmp((*a)->name, (*b)->name);

	if (order != 0)
		return order;
	return (*a)->index < (*b)->index ? -1 : (*a)->index > (*b)->index;
}

static int name_against_client(const void *name, const void *element)
{
	const struct policy_client *const *client = element;

	return strcmp(name, (*client)->name);
}

void check_references(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	_cleanup_free_ const struct policy_client **sorted =
	        calloc(policy->client_count + 1u, sizeof(const struct policy_client *));

	for (uint32_t i = 0; i < parser->reference_count; i++)
		parser->references[i].client = UINT32_MAX;
	if (sorted == NULL) {
		parser->report->out_of_memory = true;
		return;
	}
	for (uint32_t i = 0; i < policy->client_count; i++)
		sorted[i] = &policy->clients[i];
	qsort(sorted, policy->client_count, sizeof(const struct policy_client *), by_client_name);
	for (uint32_t i = 0; i < parser->reference_count; i++) {
		struct reference *reference = &parser->references[i];
		const struct policy_client **found =
		        bsearch(reference->name, sorted, policy->client_count,
		                sizeof(const struct policy_client *), name_against_client);
		if (found == NULL)
			unknown_client(parser, reference);
		else
			reference->client = (*found)->index;
	}
}

static void check_device(struct parser *parser, const struct reference *reference)
{
	const struct policy *policy = parser->policy;
	const struct device_rule *rule = &policy->devices[reference->rule];
	const struct device_rule *other;
	char where[POLICY_PLACE_SIZE];
	const char *client = policy->clients[reference->client].name;
	uint32_t found = match_find(&policy->index, reference->client, &rule->match);
	if (found == MATCH_NONE)
		return;
	other = &policy->devices[found];
	policy_place_text(policy, rule->place, other->place, where);
	if (match_equal(&other->match, &rule->match))
		report_add(parser->report, rule->place,
		           "[%s] is about the same devices for client `%s' as [%s] in %s; make "
		           "them one",
		           rule->section, client, other->section, where);
	else
		report_add(parser->report, rule->place,
		           "[%s] can never be used for client `%s': [%s] in %s has all of its "
		           "devices already; put the narrower section first",
		           rule->section, client, other->section, where);
}

void check_devices(struct parser *parser)
{
	struct policy *policy = parser->policy;
	struct match_index *index = &policy->index;

	if (match_index_start(index, policy->device_count + parser->reference_count) != 0) {
		parser->report->out_of_memory = true;
		return;
	}
	/* References are in the order of rules, as match_add() wants it. */
	uint32_t last = MATCH_NONE;
	for (uint32_t i = 0; i < parser->reference_count; i++) {
		const struct reference *reference = &parser->references[i];
		if (reference->kind != SECTION_DEVICE || reference->client == UINT32_MAX ||
		    reference->faulty)
			continue;
		const struct match *match = &policy->devices[reference->rule].match;
		check_device(parser, reference);
		if (match_add(index, reference->client, match, reference->rule) != 0 ||
		    (reference->rule != last &&
		     match_add(index, MATCH_ANY_CLIENT, match, reference->rule) != 0))
			parser->report->out_of_memory = true;
		last = reference->rule;
	}
}

static int by_port(const void *left, const void *right)
{
	const struct port_range *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static void overlap(const struct parser *parser, const struct port_range *low,
                    const struct port_range *high)
{
	const struct ports_rule *rules = parser->policy->ports;
	/* The mistake is told where the second of the two stands. */
	const struct port_range *late = high->place >= low->place ? high : low;
	const struct port_range *early = late == high ? low : high;
	char where[POLICY_PLACE_SIZE];

	if (late->rule == early->rule)
		report_add(parser->report, late->place, "port 0x%x is named twice", high->first);
	else
		report_add(parser->report, late->place,
		           "port 0x%x is already in [%s], %s; a port stands in one section, "
		           "which may name several clients",
		           high->first, rules[early->rule].section,
		           policy_place_text(parser->policy, late->place, early->place, where));
}

static int by_client_and_port(const void *left, const void *right)
{
	const struct port_grant *a = left, *b = right;

	if (a->client != b->client)
		return a->client < b->client ? -1 : 1;
	return by_port(&a->range, &b->range);
}

static int grant_ports(struct policy *policy, const struct reference *reference,
                       const struct port_range *range)
{
	if (array_room(&policy->grants, &policy->grant_capacity, policy->grant_count,
	               sizeof(*policy->grants)) != 0)
		return -1;
	policy->grants[policy->grant_count++] =
	        (struct port_grant){ .client = reference->client, .range = *range };
	return 0;
}

/* `ranges` are still in the order of rules, and so are references. */
static void fill_grants(struct parser *parser)
{
	struct policy *policy = parser->policy;
	uint32_t first = 0;

	for (uint32_t i = 0; i < parser->reference_count; i++) {
		const struct reference *reference = &parser->references[i];
		if (reference->kind != SECTION_PORTS || reference->client == UINT32_MAX)
			continue;
		while (first < policy->range_count && policy->ranges[first].rule < reference->rule)
			first++;
		for (uint32_t j = first;
		     j < policy->range_count && policy->ranges[j].rule == reference->rule; j++) {
			if (grant_ports(policy, reference, &policy->ranges[j]) != 0)
				parser->report->out_of_memory = true;
		}
	}
	if (policy->grant_count > 0)
		qsort(policy->grants, policy->grant_count, sizeof(*policy->grants),
		      by_client_and_port);
}

void check_ports(struct parser *parser)
{
	struct policy *policy = parser->policy;
	const struct port_range *highest = NULL;

	fill_grants(parser);
	if (policy->range_count > 0)
		qsort(policy->ranges, policy->range_count, sizeof(*policy->ranges), by_port);
	for (uint32_t i = 0; i < policy->range_count; i++) {
		const struct port_range *range = &policy->ranges[i];
		if (highest != NULL && range->first <= highest->last)
			overlap(parser, highest, range);
		if (highest == NULL || range->last > highest->last)
			highest = range;
	}
}
