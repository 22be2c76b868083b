/* SPDX-License-Identifier: MIT */
/* [ports NAME]: legacy ports. */
#include "policy/array.h"
#include "policy/dangerous_ports.h"
#include "policy/parse.h"
#include "policy/values/values.h"

#include <stdio.h>

int open_ports(struct parser *parser)
{
	struct policy *policy = parser->policy;

	if (array_room(&policy->ports, &policy->ports_capacity, policy->ports_count,
	               sizeof(*policy->ports)) != 0)
		return -1;
	struct ports_rule *rule = &policy->ports[policy->ports_count++];
	*rule = (struct ports_rule){ .place = parser->section_place };
	snprintf(rule->section, sizeof(rule->section), "ports %s", parser->name);
	parser->target = rule;
	return 0;
}

static int add_range(struct parser *parser, char *text, struct fault *fault)
{
	struct policy *policy = parser->policy;
	uint16_t first, last;

	if (value_ports(text, &first, &last, fault) != 0)
		return -1;
	if (array_room(&policy->ranges, &policy->range_capacity, policy->range_count,
	               sizeof(*policy->ranges)) != 0) {
		parser->report->out_of_memory = true;
		return 0;
	}
	policy->ranges[policy->range_count++] = (struct port_range){
		.first = first,
		.last = last,
		.rule = policy->ports_count - 1,
		.place = parser->place,
	};
	return 0;
}

int set_range(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	(void)fault;

	return parser_each(parser, key, value, add_range);
}

void close_ports(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	const struct ports_rule *rule = parser->target;

	/* Only here: `force' may stand behind `range'. */
	for (uint32_t i = policy->range_count; i > 0; i--) {
		const struct port_range *range = &policy->ranges[i - 1];
		if (rule->force || range->rule != policy->ports_count - 1)
			break;
		const struct dangerous_ports *danger =
		        dangerous_ports_find(range->first, range->last);
		if (danger == NULL)
			continue;
		report_add(parser->report, range->place,
		           "port 0x%x %s; only `force = yes' in [%s] grants it",
		           range->first > danger->first ? range->first : danger->first,
		           danger->reason, rule->section);
	}
}
