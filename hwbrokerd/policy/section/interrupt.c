/* SPDX-License-Identifier: MIT */
/* [interrupt NAME]: interrupt lines of the PC itself, which no PCI function has. */
#include "policy/array.h"
#include "policy/lines.h"
#include "policy/parse.h"
#include "policy/values/values.h"

#include <stdio.h>

/* A section is called "interrupt NAME" wherever it is cited, in as much room as "device NAME". */
enum { NAME_MAX_HERE = RULE_SECTION_SIZE - 1 - (sizeof("interrupt ") - 1) };

int open_interrupt(struct parser *parser)
{
	struct policy *policy = parser->policy;

	if (array_room(&policy->interrupts, &policy->interrupt_capacity, policy->interrupt_count,
	               sizeof(*policy->interrupts)) != 0)
		return -1;
	struct interrupt_rule *rule = &policy->interrupts[policy->interrupt_count++];
	*rule = (struct interrupt_rule){ .place = parser->section_place };
	if (strlen(parser->name) > NAME_MAX_HERE) {
		report_add(parser->report, parser->section_place,
		           "name `%s' has %zu characters, at most %u are possible for an interrupt",
		           parser->name, strlen(parser->name), NAME_MAX_HERE);
		parser->faulty = true;
	}
	snprintf(rule->section, sizeof(rule->section), "interrupt %.*s", NAME_MAX_HERE,
	         parser->name);
	parser->target = rule;
	return 0;
}

static int add_line(struct parser *parser, char *text, struct fault *fault)
{
	struct policy *policy = parser->policy;
	uint32_t number;

	if (value_line(text, &number, fault) != 0)
		return -1;
	if (array_room(&policy->lines, &policy->line_capacity, policy->line_count,
	               sizeof(*policy->lines)) != 0) {
		parser->report->out_of_memory = true;
		return 0;
	}
	policy->lines[policy->line_count++] = (struct line){
		.number = number,
		.rule = policy->interrupt_count - 1,
		.place = parser->place,
	};
	return 0;
}

int set_irq(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	(void)fault;

	return parser_each(parser, key, value, add_line);
}

int set_source(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	struct interrupt_rule *rule = parser->target;
	(void)key;

	return value_source(value, &rule->line.source, fault);
}

int set_uio(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	struct interrupt_rule *rule = parser->target;
	(void)key;

	return value_uio(value, rule->line.uio, fault);
}

/* Keys that only one way of delivery has use for. */
static void check_source(const struct parser *parser, const struct interrupt_rule *rule,
                         uint32_t lines)
{
	uint32_t uio = parser_place_of(parser, "uio"), rate = parser_place_of(parser, "rate");

	if (uio != 0 && rule->line.source == POLICY_SOURCE_POLL)
		report_add(parser->report, uio,
		           "`uio' names a UIO device, but with `source = poll' none is used");
	if (rate != 0 && rule->line.source == POLICY_SOURCE_UIO)
		report_add(parser->report, rate,
		           "`rate' is about polling, but with `source = uio' nothing is polled");
	if (uio != 0 && lines > 1)
		report_add(parser->report, uio,
		           "`uio' names one device, which has one interrupt, but `irq' names %u; "
		           "give each a section",
		           lines);
}

void close_interrupt(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	const struct interrupt_rule *rule = parser->target;
	uint32_t lines = 0;

	/* Only here: `force' may stand behind `irq'. */
	for (uint32_t i = policy->line_count; i > 0; i--) {
		const struct line *line = &policy->lines[i - 1];
		if (line->rule != policy->interrupt_count - 1)
			break;
		lines++;
		const char *user = line_of_host(line->number);
		if (!rule->force && user != NULL)
			report_add(parser->report, line->place,
			           "interrupt %u is %s; only `force = yes' in [%s] grants it",
			           line->number, user, rule->section);
	}
	check_source(parser, rule, lines);
}
