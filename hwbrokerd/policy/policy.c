/* SPDX-License-Identifier: MIT */
#include "policy/policy.h"

#include "policy/array.h"
#include "policy/check/check.h"
#include "policy/drop_ins.h"
#include "policy/safe_file.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <string.h>

/* -1: no memory. */
static int add_file(struct policy *policy, const char *path)
{
	if (array_room(&policy->files, &policy->file_capacity, policy->file_count,
	               sizeof(*policy->files)) != 0)
		return -1;
	struct policy_file *file = &policy->files[policy->file_count];
	file->path = strdup(path);
	if (file->path == NULL)
		return -1;
	snprintf(file->shown, sizeof(file->shown), "%s", path);
	policy->file_count++;
	return 0;
}

static void read_file(struct parser *parser, const char *path)
{
	struct policy *policy = parser->policy;
	struct ini_sink sink = parser_sink(parser);

	if (add_file(policy, path) != 0) {
		parser->report->out_of_memory = true;
		return;
	}
	ini_read_file(path, policy->file_count - 1, &sink, parser->report);
	parser_end_file(parser);
}

static void read_files(struct parser *parser, const char *path)
{
	struct policy *policy = parser->policy;
	struct drop_ins drop_ins;
	struct fault fault;

	read_file(parser, path);
	if (policy->file_count == 1 && safe_file_place(path, &fault) != 0)
		report_fault(parser->report, place_of(0, 0), &fault);
	if (drop_ins_find(&drop_ins, path, &fault) == 0) {
		for (uint32_t i = 0; i < drop_ins.count; i++)
			read_file(parser, drop_ins.paths[i]);
	} else if (drop_ins.folder == NULL || add_file(policy, drop_ins.folder) != 0) {
		parser->report->out_of_memory = true;
	} else {
		report_fault(parser->report, place_of(policy->file_count - 1, 0), &fault);
	}
	drop_ins_release(&drop_ins);
}

static int fill(struct policy *policy, const char *path, const struct policy_users *users,
                struct report *report)
{
	struct parser parser;

	parser_start(&parser, policy, users, report);
	read_files(&parser, path);
	check_sections(&parser);
	check_clients(&parser);
	check_references(&parser);
	check_devices(&parser);
	check_ports(&parser);
	check_memory(&parser);
	check_interrupts(&parser);
	check_virtuals(&parser);
	parser_release(&parser);
	if (report_clean(report))
		return 0;
	return report->unread || report->out_of_memory ? POLICY_UNREAD : POLICY_MISTAKEN;
}

/* NULL: no memory. */
static char *tell(const struct policy *policy, struct report *report)
{
	_cleanup_free_ const char **names = calloc(policy->file_count + 1u, sizeof(const char *));

	if (names == NULL || policy->file_count == 0)
		return NULL;
	for (uint32_t i = 0; i < policy->file_count; i++)
		names[i] = policy->files[i].path;
	return report_text(report, names);
}

int policy_load_with(const char *path, const struct policy_users *users, struct policy **policy,
                     char **report)
{
	struct report mistakes = { 0 };
	struct policy *loaded = calloc(1, sizeof(*loaded));

	*report = NULL;
	if (loaded == NULL)
		return POLICY_UNREAD;
	int result = fill(loaded, path, users, &mistakes);
	if (result == 0) {
		*policy = loaded;
	} else {
		*report = tell(loaded, &mistakes);
		policy_free(loaded);
	}
	report_release(&mistakes);
	return result;
}

int policy_load(const char *path, struct policy **policy, char **report)
{
	return policy_load_with(path, &policy_system_users, policy, report);
}

void policy_free(struct policy *policy)
{
	if (policy == NULL)
		return;
	match_index_release(&policy->index);
	free(policy->clients);
	free(policy->members);
	free(policy->devices);
	free(policy->masks);
	free(policy->ports);
	free(policy->ranges);
	free(policy->grants);
	free(policy->memory);
	free(policy->spans.items);
	free(policy->memory_grants);
	free(policy->interrupts);
	free(policy->lines);
	free(policy->line_grants);
	free(policy->virtuals);
	for (uint32_t i = 0; i < policy->file_count; i++)
		free(policy->files[i].path);
	free(policy->files);
	for (uint32_t i = 0; i < policy->text_count; i++)
		free(policy->texts[i]);
	free(policy->texts);
	free(policy);
}

const char *policy_keep_text(struct policy *policy, const char *text)
{
	if (array_room(&policy->texts, &policy->text_capacity, policy->text_count,
	               sizeof(*policy->texts)) != 0)
		return NULL;
	char *kept = strdup(text);
	if (kept != NULL)
		policy->texts[policy->text_count++] = kept;
	return kept;
}

const char *policy_path(const struct policy *policy)
{
	return policy->files[0].path;
}

const char *policy_place_text(const struct policy *policy, uint32_t from, uint32_t place,
                              char text[POLICY_PLACE_SIZE])
{
	if (place_file(from) == place_file(place))
		snprintf(text, POLICY_PLACE_SIZE, "line %u", place_line(place));
	else
		snprintf(text, POLICY_PLACE_SIZE, "line %u of %s", place_line(place),
		         policy->files[place_file(place)].shown);
	return text;
}

uint32_t policy_rule_count(const struct policy *policy)
{
	return policy->device_count + policy->ports_count + policy->memory_count +
	       policy->interrupt_count + policy->virtual_count;
}

const char *policy_rules_text(const struct policy *policy, char text[POLICY_RULES_TEXT])
{
	uint32_t count = policy_rule_count(policy);

	snprintf(text, POLICY_RULES_TEXT, "%u rule%s", count, count == 1 ? "" : "s");
	return text;
}

static bool in_group(const struct policy_subject *subject, uint32_t group)
{
	if (subject->gid == group)
		return true;
	for (size_t i = 0; i < subject->group_count; i++) {
		if (subject->groups[i] == group)
			return true;
	}
	return false;
}

static bool is_member(const struct member *member, const struct policy_subject *subject)
{
	switch (member->kind) {
	case MEMBER_USER:
		return subject->uid == member->id;
	case MEMBER_GROUP:
		return in_group(subject, member->id);
	case MEMBER_UNIT:
		return unit_matches(subject->place, member->text);
	case MEMBER_SLICE:
		return unit_slice_matches(subject->place, member->text);
	case MEMBER_KINDS:
		break;
	}
	return false;
}

/* Each of these that a section names must hold. */
enum { WHO, UNIT, SLICE, CONDITIONS };

static const int condition_of[MEMBER_KINDS] = {
	[MEMBER_USER] = WHO, [MEMBER_GROUP] = WHO, [MEMBER_UNIT] = UNIT, [MEMBER_SLICE] = SLICE
};

const struct policy_client *policy_client_of(const struct policy *policy,
                                             const struct policy_subject *subject)
{
	for (uint32_t i = 0; i < policy->member_count;) {
		uint32_t client = policy->members[i].client;
		bool named[CONDITIONS] = { false }, holds[CONDITIONS] = { false };
		for (; i < policy->member_count && policy->members[i].client == client; i++) {
			int condition = condition_of[policy->members[i].kind];
			named[condition] = true;
			holds[condition] =
			        holds[condition] || is_member(&policy->members[i], subject);
		}
		if (holds[WHO] == named[WHO] && holds[UNIT] == named[UNIT] &&
		    holds[SLICE] == named[SLICE])
			return &policy->clients[client];
	}
	return NULL;
}

bool policy_client_is_of_users(const struct policy *policy, const struct policy_client *client)
{
	for (uint32_t i = 0; i < policy->member_count; i++)
		if (policy->members[i].client == client->index &&
		    policy->members[i].kind != MEMBER_USER)
			return false;
	return true;
}

bool policy_asks_for_units(const struct policy *policy)
{
	return policy->asks_for_units;
}

const struct policy_client *policy_client_named(const struct policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->client_count; i++) {
		if (strcmp(policy->clients[i].name, name) == 0)
			return &policy->clients[i];
	}
	return NULL;
}

bool policy_may_query(const struct policy *policy, const struct policy_subject *subject)
{
	return subject->uid == 0 ||
	       (policy->has_query_group && in_group(subject, policy->query_group)) ||
	       policy_may_change(policy, subject);
}

bool policy_may_change(const struct policy *policy, const struct policy_subject *subject)
{
	return subject->uid == 0 ||
	       (policy->has_change_group && in_group(subject, policy->change_group));
}

const char *policy_rule_for(const struct policy *policy, const struct policy_device *device)
{
	struct match subject = match_of_device(device);
	uint32_t rule = match_find(&policy->index, MATCH_ANY_CLIENT, &subject);

	return rule == MATCH_NONE ? "" : rule_name(policy->devices[rule].section);
}

bool policy_unsafe_for(const struct policy *policy, const struct policy_device *device)
{
	struct match subject = match_of_device(device);
	uint32_t rule = match_find(&policy->index, MATCH_ANY_CLIENT, &subject);

	return rule != MATCH_NONE && policy->devices[rule].grant.unsafe;
}

enum policy_way policy_way_for(const struct policy *policy, const struct policy_device *device)
{
	struct match subject = match_of_device(device);
	uint32_t rule = match_find(&policy->index, MATCH_ANY_CLIENT, &subject);

	return rule != MATCH_NONE ? policy->devices[rule].grant.way : WAY_SPLIT;
}
