/* SPDX-License-Identifier: MIT */
#include "policy/policy.h"

#include "policy/check.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <string.h>

static int fill(struct policy *policy, const struct policy_users *users, struct report *report)
{
	struct parser parser;

	parser_start(&parser, policy, users, report);
	struct ini_sink sink = parser_sink(&parser);
	ini_read_file(policy->path, &sink, report);
	parser_finish(&parser);
	check_sections(&parser);
	check_references(&parser);
	check_devices(&parser);
	check_ports(&parser);
	parser_release(&parser);
	return report_clean(report) ? 0 : -1;
}

int policy_load_with(const char *path, const struct policy_users *users, struct policy **policy,
                     char **report)
{
	struct report mistakes = { 0 };
	struct policy *loaded = calloc(1, sizeof(*loaded));

	*report = NULL;
	if (loaded == NULL || (loaded->path = strdup(path)) == NULL) {
		free(loaded);
		return -1;
	}
	snprintf(loaded->shown_path, sizeof(loaded->shown_path), "%s", path);
	int result = fill(loaded, users, &mistakes);
	if (result == 0) {
		*policy = loaded;
	} else {
		*report = report_text(&mistakes, path);
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
	free(policy->path);
	free(policy);
}

const char *policy_path(const struct policy *policy)
{
	return policy->path;
}

uint32_t policy_rule_count(const struct policy *policy)
{
	return policy->device_count + policy->ports_count;
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

const struct policy_client *policy_client_of(const struct policy *policy,
                                             const struct policy_subject *subject)
{
	for (uint32_t i = 0; i < policy->member_count; i++) {
		const struct member *member = &policy->members[i];
		if (member->group ? in_group(subject, member->id) : subject->uid == member->id)
			return &policy->clients[member->client];
	}
	return NULL;
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
	       (policy->has_query_group && in_group(subject, policy->query_group));
}

bool policy_may_change(const struct policy_subject *subject)
{
	return subject->uid == 0;
}

const char *policy_rule_for(const struct policy *policy, const struct policy_device *device)
{
	struct match subject = match_of_device(device);
	uint32_t rule = match_find(&policy->index, MATCH_ANY_CLIENT, &subject);

	return rule == MATCH_NONE ? "" : rule_name(policy->devices[rule].section);
}
