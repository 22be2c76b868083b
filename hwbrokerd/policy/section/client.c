/* SPDX-License-Identifier: MIT */
/* [broker] and [client NAME]: who may talk to the broker. */
#include "policy/array.h"
#include "policy/parse.h"
#include "policy/values/values.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* (uid_t)-1 means "none" to the kernel. */
enum { ID_MAX = UINT32_MAX - 1 };

/* A name or number to an id. */
static int look_up(const struct parser *parser, bool group, const char *text, uint32_t *id,
                   struct fault *fault)
{
	const struct policy_users *users = parser->users;
	const char *what = group ? "group" : "user";
	uint64_t number;

	if (text[0] == '\0')
		return fault_set(fault, HWB_INVALID, "empty entry in the list");
	/* No name begins with a digit: useradd(8). */
	if (isdigit((unsigned char)text[0])) {
		if (value_number(text, 0, ID_MAX, &number, fault) != 0)
			return -1;
		*id = (uint32_t)number;
		return 0;
	}
	int error = (group ? users->group : users->user)(users->context, text, id);
	if (error == ENOENT)
		return fault_set(fault, HWB_INVALID, "there is no %s `%s' on this host", what,
		                 text);
	if (error != 0)
		return fault_errno(fault, error, "cannot look up the %s `%s'", what, text);
	return 0;
}

int set_query_group(struct parser *parser, const struct key *key, const char *value,
                    struct fault *fault)
{
	struct policy *policy = parser->policy;
	(void)key;

	policy->has_query_group = look_up(parser, true, value, &policy->query_group, fault) == 0;
	/* The default group need not exist: then it is root alone who may. */
	return policy->has_query_group || parser->place == 0 ? 0 : -1;
}

/* There is no default: it is root alone who may. */
int set_change_group(struct parser *parser, const struct key *key, const char *value,
                     struct fault *fault)
{
	struct policy *policy = parser->policy;
	(void)key;

	policy->has_change_group = look_up(parser, true, value, &policy->change_group, fault) == 0;
	return policy->has_change_group ? 0 : -1;
}

int open_client(struct parser *parser)
{
	struct policy *policy = parser->policy;

	if (array_room(&policy->clients, &policy->client_capacity, policy->client_count,
	               sizeof(*policy->clients)) != 0)
		return -1;
	struct policy_client *client = &policy->clients[policy->client_count];
	*client = (struct policy_client){
		.place = parser->section_place,
		.index = policy->client_count++,
	};
	snprintf(client->name, sizeof(client->name), "%s", parser->name);
	parser->target = client;
	return 0;
}

static int add_member(struct parser *parser, enum member_kind kind, uint32_t id, const char *text,
                      struct fault *fault)
{
	struct policy *policy = parser->policy;
	const struct policy_client *client = parser->target;
	const char *kept = policy_keep_text(policy, text);
	bool by_id = kind == MEMBER_USER || kind == MEMBER_GROUP;

	for (uint32_t i = policy->member_count; i > 0; i--) {
		const struct member *member = &policy->members[i - 1];
		if (member->client != client->index)
			break;
		/* Of users and groups that is told with those of other sections: check/check.c. */
		if (!by_id && member->kind == kind && strcmp(member->text, text) == 0)
			return fault_set(fault, HWB_INVALID, "`%s' is named twice", text);
	}
	if (kept == NULL || array_room(&policy->members, &policy->member_capacity,
	                               policy->member_count, sizeof(*policy->members)) != 0) {
		parser->report->out_of_memory = true;
		return 0;
	}
	policy->asks_for_units = policy->asks_for_units || !by_id;
	policy->members[policy->member_count++] = (struct member){ .kind = kind,
		                                                   .id = id,
		                                                   .client = client->index,
		                                                   .place = parser->place,
		                                                   .text = kept };
	return 0;
}

static int add_user(struct parser *parser, char *text, struct fault *fault)
{
	uint32_t id = 0;

	return look_up(parser, false, text, &id, fault) != 0
	               ? -1
	               : add_member(parser, MEMBER_USER, id, text, fault);
}

static int add_group(struct parser *parser, char *text, struct fault *fault)
{
	uint32_t id = 0;

	return look_up(parser, true, text, &id, fault) != 0
	               ? -1
	               : add_member(parser, MEMBER_GROUP, id, text, fault);
}

static int add_unit(struct parser *parser, char *text, struct fault *fault)
{
	return value_unit(text, fault) != 0 ? -1 : add_member(parser, MEMBER_UNIT, 0, text, fault);
}

static int add_slice(struct parser *parser, char *text, struct fault *fault)
{
	return value_slice(text, fault) != 0 ? -1
	                                     : add_member(parser, MEMBER_SLICE, 0, text, fault);
}

int set_users(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	(void)fault;

	return parser_each(parser, key, value, add_user);
}

int set_groups(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	(void)fault;

	return parser_each(parser, key, value, add_group);
}

int set_units(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	(void)fault;

	return parser_each(parser, key, value, add_unit);
}

int set_slices(struct parser *parser, const struct key *key, const char *value, struct fault *fault)
{
	(void)fault;

	return parser_each(parser, key, value, add_slice);
}

void close_client(struct parser *parser)
{
	if (!parser->unread && parser_place_of(parser, "user") == 0 &&
	    parser_place_of(parser, "group") == 0 && parser_place_of(parser, "unit") == 0 &&
	    parser_place_of(parser, "slice") == 0)
		report_add(parser->report, parser->section_place,
		           "[client %s] admits nobody; add `user', `group', `unit' or `slice'",
		           parser->name);
}
