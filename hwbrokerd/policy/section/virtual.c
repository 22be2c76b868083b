/* SPDX-License-Identifier: MIT */
/* [virtual NAME]: of which devices virtual functions are made, and how many. */
#include "policy/array.h"
#include "policy/check/check.h"
#include "policy/match.h"
#include "policy/parse.h"

#include <stdio.h>
#include <string.h>

int open_virtual(struct parser *parser)
{
	struct policy *policy = parser->policy;

	if (array_room(&policy->virtuals, &policy->virtual_capacity, policy->virtual_count,
	               sizeof(*policy->virtuals)) != 0)
		return -1;
	struct virtual_rule *rule = &policy->virtuals[policy->virtual_count++];
	*rule = (struct virtual_rule){ .place = parser->section_place };
	snprintf(rule->section, sizeof(rule->section), "virtual %s", parser->name);
	parser->target = rule;
	return 0;
}

static const char *const which_keys[] = { "address", "id", "driver", "path" };

void close_virtual(struct parser *parser)
{
	struct virtual_rule *rule = parser->target;

	for (size_t i = 0; i < sizeof(which_keys) / sizeof(which_keys[0]); i++) {
		if (parser_place_of(parser, which_keys[i]) != 0) {
			rule->faulty = parser->faulty;
			return;
		}
	}
	parser->faulty = true;
	rule->faulty = true;
	if (parser->unread)
		return;
	report_add(parser->report, parser->section_place,
	           "[virtual %s] does not say of which device; add `address', `id', `driver' or "
	           "`path'",
	           parser->name);
}

/* There are few of them: each is compared with all before it. */
void check_virtuals(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	char where[POLICY_PLACE_SIZE];

	for (uint32_t i = 0; i < policy->virtual_count; i++) {
		const struct virtual_rule *rule = &policy->virtuals[i];
		for (uint32_t j = 0; j < i && !rule->faulty; j++) {
			const struct virtual_rule *other = &policy->virtuals[j];
			if (other->faulty || !match_applies(&other->match, &rule->match))
				continue;
			report_add(parser->report, rule->place,
			           "[%s] can never be used: [%s] in %s has all of its devices "
			           "already; put the narrower section first, or make them one",
			           rule->section, other->section,
			           policy_place_text(policy, rule->place, other->place, where));
			break;
		}
	}
}

bool policy_virtual_for(const struct policy *policy, const struct policy_device *device,
                        struct policy_virtual *wanted)
{
	const struct match subject = match_of_device(device);

	for (uint32_t i = 0; i < policy->virtual_count; i++) {
		const struct virtual_rule *rule = &policy->virtuals[i];
		if (!match_applies(&rule->match, &subject))
			continue;
		*wanted = (struct policy_virtual){
			.functions = (uint16_t)rule->functions,
			.restore = rule->restore,
			.line = place_line(rule->place),
		};
		memcpy(wanted->section, rule->section, sizeof(wanted->section));
		memcpy(wanted->file, policy->files[place_file(rule->place)].shown,
		       sizeof(wanted->file));
		return true;
	}
	return false;
}
