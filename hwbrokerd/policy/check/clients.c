/* SPDX-License-Identifier: MIT */
/* Clients against each other. */
#include "policy/check/check.h"
#include "policy/patterns.h"
#include "util/cleanup.h"

#include <stdlib.h>

/* Where the members of a client begin. */
static uint32_t first_member(const struct policy *policy, uint32_t client)
{
	uint32_t low = 0, high = policy->member_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (policy->members[middle].client < client)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of(const struct policy *policy, uint32_t member, uint32_t client)
{
	return member < policy->member_count && policy->members[member].client == client;
}

static bool asks_for(const struct policy *policy, uint32_t client, enum member_kind kind)
{
	for (uint32_t i = first_member(policy, client); is_of(policy, i, client); i++)
		if (policy->members[i].kind == kind)
			return true;
	return false;
}

static bool has_pattern(const struct policy *policy, uint32_t client, const struct member *narrow)
{
	for (uint32_t i = first_member(policy, client); is_of(policy, i, client); i++)
		if (policy->members[i].kind == narrow->kind &&
		    pattern_covers(policy->members[i].text, narrow->text))
			return true;
	return false;
}

/* Whether whoever is in a unit (or slice: `kind') that `narrow' asks for is in one that `wide'
 * asks for. */
static bool covers(const struct policy *policy, uint32_t wide, uint32_t narrow,
                   enum member_kind kind)
{
	if (!asks_for(policy, wide, kind))
		return true;
	for (uint32_t i = first_member(policy, narrow); is_of(policy, i, narrow); i++)
		if (policy->members[i].kind == kind &&
		    !has_pattern(policy, wide, &policy->members[i]))
			return false;
	return asks_for(policy, narrow, kind);
}

static bool names_somebody(const struct policy *policy, uint32_t client)
{
	return asks_for(policy, client, MEMBER_USER) || asks_for(policy, client, MEMBER_GROUP);
}

static bool covers_places(const struct policy *policy, uint32_t wide, uint32_t narrow)
{
	return covers(policy, wide, narrow, MEMBER_UNIT) &&
	       covers(policy, wide, narrow, MEMBER_SLICE);
}

static int by_id(const void *left, const void *right)
{
	const struct member *a = *(const struct member *const *)left;
	const struct member *b = *(const struct member *const *)right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a < b ? -1 : a > b;
}

static void named_again(const struct parser *parser, const struct member *early,
                        const struct member *late)
{
	const struct policy *policy = parser->policy;
	const struct policy_client *other = &policy->clients[early->client];
	const char *what = late->kind == MEMBER_GROUP ? "group" : "user";
	char where[POLICY_PLACE_SIZE];

	report_add(parser->report, late->place, "`%s': %s %s is already named by [client %s] in %s",
	           what, what, late->text, other->name,
	           policy_place_text(policy, late->place, other->place, where));
}

/* Clients are matched in the order of the file, so a second section with the same user would
 * never be used for him; unless the first asks for units that the second does not. */
static void check_names(const struct parser *parser)
{
	const struct policy *policy = parser->policy;
	_cleanup_free_ const struct member **sorted =
	        calloc(policy->member_count + 1u, sizeof(const struct member *));
	uint32_t count = 0, first = 0;

	if (sorted == NULL) {
		parser->report->out_of_memory = true;
		return;
	}
	for (uint32_t i = 0; i < policy->member_count; i++)
		if (policy->members[i].kind == MEMBER_USER ||
		    policy->members[i].kind == MEMBER_GROUP)
			sorted[count++] = &policy->members[i];
	qsort(sorted, count, sizeof(const struct member *), by_id);
	for (uint32_t i = 1; i < count; i++) {
		if (sorted[i]->kind != sorted[first]->kind || sorted[i]->id != sorted[first]->id)
			first = i;
		for (uint32_t j = first; j < i; j++) {
			if (sorted[j]->client != sorted[i]->client &&
			    !covers_places(policy, sorted[j]->client, sorted[i]->client))
				continue;
			named_again(parser, sorted[j], sorted[i]);
			break;
		}
	}
}

/* A section that names nobody takes all that are in its units. */
static void check_units(const struct parser *parser, uint32_t wide)
{
	const struct policy *policy = parser->policy;
	const struct policy_client *early = &policy->clients[wide];
	char where[POLICY_PLACE_SIZE];

	for (uint32_t i = wide + 1; i < policy->client_count; i++) {
		const struct policy_client *late = &policy->clients[i];
		if (!covers_places(policy, wide, i))
			continue;
		report_add(parser->report, late->place,
		           "[client %s] can never be used: [client %s] in %s has all of its "
		           "processes already; put the narrower section first",
		           late->name, early->name,
		           policy_place_text(policy, late->place, early->place, where));
	}
}

void check_clients(const struct parser *parser)
{
	const struct policy *policy = parser->policy;

	check_names(parser);
	if (!policy->asks_for_units)
		return;
	for (uint32_t i = 0; i < policy->client_count; i++) {
		bool empty =
		        !asks_for(policy, i, MEMBER_UNIT) && !asks_for(policy, i, MEMBER_SLICE);
		/* One that admits nobody was told of already. */
		if (!empty && !names_somebody(policy, i))
			check_units(parser, i);
	}
}
