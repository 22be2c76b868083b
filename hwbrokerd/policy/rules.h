/* SPDX-License-Identifier: MIT */
/*
 * Interior of struct policy, for the files of this folder only: flat arrays in
 * the order of the file, and indexes over them (match.h, and `grants` for
 * ports, `memory_grants`) so that deciding neither searches nor allocates.
 */
#ifndef HWBROKERD_POLICY_RULES_H
#define HWBROKERD_POLICY_RULES_H

#include "policy/lines.h"
#include "policy/match.h"
#include "policy/place.h"
#include "policy/policy.h"

enum { RULE_SECTION_SIZE = sizeof(((struct policy_verdict *)0)->section) };

/* Whom a [client] section admits: who is one of its users or groups, if it names any, and in
 * one of its units and slices, if it does. */
enum member_kind { MEMBER_USER, MEMBER_GROUP, MEMBER_UNIT, MEMBER_SLICE, MEMBER_KINDS };

struct member {
	enum member_kind kind;
	uint32_t id; /* of a user or group */
	uint32_t client;
	uint32_t place;
	const char *text; /* as it is written; of a unit or slice, a normal pattern */
};

struct config_mask {
	uint32_t offset;
	uint32_t width; /* bytes */
	uint32_t mask;
};

/* A [device NAME] section. */
struct device_rule {
	char section[RULE_SECTION_SIZE]; /* "device NAME" */
	uint32_t place;
	uint32_t first_mask; /* among the policy's masks */
	uint32_t mask_count;
	struct policy_grant grant;
	struct match match;
};

/* A [ports NAME] section. */
struct ports_rule {
	char section[RULE_SECTION_SIZE];
	uint32_t place;
	bool force;
};

struct port_range {
	uint16_t first;
	uint16_t last;
	uint32_t rule; /* among the policy's port rules */
	uint32_t place;
};

/* A range as one client has it. */
struct port_grant {
	uint32_t client;
	struct port_range range;
};

/* A [memory NAME] section. */
struct memory_rule {
	char section[RULE_SECTION_SIZE];
	uint32_t place;
	bool fd;
	bool write;
	bool force;
};

struct memory_range {
	uint64_t first;
	uint64_t last;
	uint32_t rule; /* among the policy's memory rules */
	uint32_t place;
};

struct memory_span {
	struct memory_range *items;
	uint32_t count, capacity;
};

/* A range as one client has it. */
struct memory_grant {
	uint32_t client;
	struct memory_range range;
};

/* An [interrupt NAME] section. */
struct interrupt_rule {
	char section[RULE_SECTION_SIZE];
	uint32_t place;
	bool force;
	struct policy_line line;
};

struct line {
	uint32_t number;
	uint32_t rule; /* among the policy's interrupt rules */
	uint32_t place;
};

/* A line as one client has it. */
struct line_grant {
	uint32_t client;
	uint32_t number;
	uint32_t rule;
};

/* A [virtual NAME] section. */
struct virtual_rule {
	char section[RULE_SECTION_SIZE];
	uint32_t place;
	struct match match;
	uint32_t functions;
	bool restore;
	bool faulty; /* it has mistakes: compared with no other */
};

struct policy_file {
	char *path;
	char shown[sizeof(((struct policy_verdict *)0)->file)];
};

struct policy {
	struct policy_file *files; /* the first is the one that was asked for */
	uint32_t file_count, file_capacity;
	bool has_query_group;
	uint32_t query_group;
	bool has_change_group;
	uint32_t change_group;

	struct policy_client *clients;
	uint32_t client_count, client_capacity;
	struct member *members; /* in the order of their clients */
	bool asks_for_units;
	uint32_t member_count, member_capacity;

	struct device_rule *devices;
	uint32_t device_count, device_capacity;
	struct config_mask *masks;
	uint32_t mask_count, mask_capacity;
	struct match_index index;

	struct ports_rule *ports;
	uint32_t ports_count, ports_capacity;
	struct port_range *ranges;
	uint32_t range_count, range_capacity;
	struct port_grant *grants; /* by client, then by port; they do not overlap */
	uint32_t grant_count, grant_capacity;

	struct memory_rule *memory;
	uint32_t memory_count, memory_capacity;
	struct memory_span spans;           /* of all of these */
	struct memory_grant *memory_grants; /* by client, then by address; they do not overlap */
	uint32_t memory_grant_count, memory_grant_capacity;

	struct interrupt_rule *interrupts;
	uint32_t interrupt_count, interrupt_capacity;
	struct line *lines; /* in the order of rules */
	uint32_t line_count, line_capacity;
	struct line_grant *line_grants; /* by client, then by number */
	uint32_t line_grant_count, line_grant_capacity;

	struct virtual_rule *virtuals;
	uint32_t virtual_count, virtual_capacity;

	char **texts; /* that the others point to */
	uint32_t text_count, text_capacity;
};

/* A copy that lives as long as the policy. NULL: no memory. */
const char *policy_keep_text(struct policy *policy, const char *text);

enum { POLICY_PLACE_SIZE = sizeof(((struct policy_file *)0)->shown) + 20 };

/* Another place as a mistake at `from` names it: "line 3", or "line 3 of FILE". */
const char *policy_place_text(const struct policy *policy, uint32_t from, uint32_t place,
                              char text[POLICY_PLACE_SIZE]);

/* The name behind "device ", "ports " or "interrupt ". */
static inline const char *rule_name(const char section[RULE_SECTION_SIZE])
{
	const char *at = section;
	while (*at != '\0' && *at != ' ')
		at++;
	return *at == ' ' ? at + 1 : at;
}

#endif
