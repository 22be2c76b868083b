/* SPDX-License-Identifier: MIT */
/* [device NAME]: which devices, and how far the grant goes. */
#include "policy/array.h"
#include "policy/parse.h"
#include "policy/values.h"

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
	return &((struct device_rule *)parser->target)->match;
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
	return value_id(value, current_match(parser), fault);
}

int set_subsystem(struct parser *parser, const struct key *key, const char *value,
                  struct fault *fault)
{
	(void)key;
	return value_subsystem(value, current_match(parser), fault);
}

int set_class(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	(void)key;
	return value_class(value, current_match(parser), fault);
}

static int add_mask(struct parser *parser, const char *text, struct fault *fault)
{
	struct policy *policy = parser->policy;
	struct device_rule *rule = parser->target;
	struct config_mask mask;

	if (text[0] == '\0')
		return fault_set(fault, HWB_INVALID, "empty entry in the list");
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
	char list[INI_LINE_MAX + 1];
	char *rest = list, *entry;

	snprintf(list, sizeof(list), "%s", value);
	while ((entry = value_next(&rest)) != NULL) {
		if (add_mask(parser, entry, fault) != 0)
			parser_bad_entry(parser, key, fault);
	}
	return 0;
}

int set_holders(struct parser *parser, const struct key *key, const char *value,
                struct fault *fault)
{
	struct device_rule *rule = parser->target;
	(void)key;

	return value_holders(value, &rule->grant.end, fault);
}

int set_reset(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	struct device_rule *rule = parser->target;
	(void)key;

	return value_reset(value, rule->grant.reset, fault);
}

void close_device(struct parser *parser)
{
	if (parser_place_of(parser, "address") == 0 && parser_place_of(parser, "id") == 0 &&
	    parser_place_of(parser, "subsystem") == 0 && parser_place_of(parser, "class") == 0) {
		report_add(parser->report, parser->section_place,
		           "[device %s] does not say which device; add `address', `id', "
		           "`subsystem' or `class'",
		           parser->name);
		parser->faulty = true;
	}
}
