/* SPDX-License-Identifier: MIT */
/* [device NAME]: which devices, and how far the grant goes. */
#include "policy/array.h"
#include "policy/parse.h"
#include "policy/values/values.h"

#include <stdio.h>

int open_device(struct parser *parser)
{
	struct policy *policy = parser->policy;

	if (array_room(&policy->devices, &policy->device_capacity, policy->device_count,
	               sizeof(*policy->devices)) != 0)
		return -1;
	struct device_rule *rule = &policy->devices[policy->device_count++];
	*rule = (struct device_rule){
		.place = parser->section_place,
		.first_mask = policy->mask_count,
	};
	snprintf(rule->section, sizeof(rule->section), "device %s", parser->name);
	parser->target = rule;
	return 0;
}

static struct match *current_match(struct parser *parser)
{
	return parser->kind == SECTION_VIRTUAL ? &((struct virtual_rule *)parser->target)->match
	                                       : &((struct device_rule *)parser->target)->match;
}

int set_address(struct parser *parser, const struct key *key, const char *value,
                struct fault *fault)
{
	(void)key;
	return value_address(value, current_match(parser), fault);
}

int set_id(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	(void)key;
	return value_id(value, current_match(parser), &parser->ids, fault);
}

int set_subsystem(struct parser *parser, const struct key *key, const char *value,
                  struct fault *fault)
{
	(void)key;
	return value_subsystem(value, current_match(parser), &parser->ids, fault);
}

int set_class(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	(void)key;
	return value_class(value, current_match(parser), &parser->ids, fault);
}

/* Keeps what the rule's match is to point to. */
static int add_text(struct parser *parser, enum match_text which, const char *pattern)
{
	const char *kept = policy_keep_text(parser->policy, pattern);

	if (kept == NULL)
		parser->report->out_of_memory = true;
	else
		match_text(current_match(parser), which, kept);
	return 0;
}

int set_slot(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	char pattern[INI_LINE_MAX + 1];
	(void)key;

	snprintf(pattern, sizeof(pattern), "%s", value);
	return value_slot(pattern, fault) != 0 ? -1 : add_text(parser, MATCH_SLOT, pattern);
}

int set_driver(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	char pattern[INI_LINE_MAX + 1];
	(void)key;

	snprintf(pattern, sizeof(pattern), "%s", value);
	return value_driver(pattern, fault) != 0 ? -1 : add_text(parser, MATCH_DRIVER, pattern);
}

int set_path(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	char pattern[INI_LINE_MAX + 1];
	(void)key;

	snprintf(pattern, sizeof(pattern), "%s", value);
	return value_path(pattern, fault) != 0 ? -1 : add_text(parser, MATCH_PATH, pattern);
}

int set_virtual_function_of(struct parser *parser, const struct key *key, const char *value,
                            struct fault *fault)
{
	char pattern[INI_LINE_MAX + 8];
	(void)key;

	return value_physical(value, pattern, fault) != 0
	               ? -1
	               : add_text(parser, MATCH_PHYSICAL, pattern);
}

static int add_mask(struct parser *parser, char *text, struct fault *fault)
{
	struct policy *policy = parser->policy;
	struct device_rule *rule = parser->target;
	struct config_mask mask;

	if (value_config_mask(text, &mask, fault) != 0)
		return -1;
	if (array_room(&policy->masks, &policy->mask_capacity, policy->mask_count,
	               sizeof(*policy->masks)) != 0) {
		parser->report->out_of_memory = true;
		return 0;
	}
	policy->masks[policy->mask_count++] = mask;
	rule->mask_count++;
	return 0;
}

int set_config_write(struct parser *parser, const struct key *key, const char *value,
                     struct fault *fault)
{
	(void)fault;

	return parser_each(parser, key, value, add_mask);
}

int set_holders(struct parser *parser, const struct key *key, const char *value,
                struct fault *fault)
{
	struct device_rule *rule = parser->target;
	(void)key;

	return value_holders(value, &rule->grant.end, fault);
}

int set_way(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	struct device_rule *rule = parser->target;
	(void)key;

	return value_way(value, &rule->grant.way, fault);
}

int set_dma(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	struct device_rule *rule = parser->target;
	(void)key;

	return value_dma(value, &rule->grant.dma, &rule->grant.unsafe, fault);
}

int set_reset(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	struct device_rule *rule = parser->target;
	(void)key;

	return value_reset(value, rule->grant.reset, fault);
}

/* What one client may have is bounded by what all may. */
static void check_shares(struct parser *parser)
{
	const struct policy_grant *grant = &((const struct device_rule *)parser->target)->grant;

	if (grant->total == 0 || grant->count <= grant->total)
		return;
	report_add(parser->report, parser_place_of(parser, "count"),
	           "`count': no client can have %u of them, as `total' is %u for all clients "
	           "together",
	           grant->count, grant->total);
	parser->faulty = true;
}

static const char *const which_keys[] = { "address", "id",     "subsystem", "class",
	                                  "slot",    "driver", "path",      "virtual_function_of" };

void close_device(struct parser *parser)
{
	check_shares(parser);
	for (size_t i = 0; i < sizeof(which_keys) / sizeof(which_keys[0]); i++) {
		if (parser_place_of(parser, which_keys[i]) != 0)
			return;
	}
	parser->faulty = true;
	if (parser->unread)
		return;
	report_add(parser->report, parser->section_place,
	           "[device %s] does not say which device; add `address', `id', `subsystem', "
	           "`class', `slot', `driver', `path' or `virtual_function_of'",
	           parser->name);
}
