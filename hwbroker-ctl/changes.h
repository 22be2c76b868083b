/* SPDX-License-Identifier: MIT */
/*
 * What another policy would change: what the one in force gives, as the daemon tells it, against
 * what the other one decides for the same devices.
 */
#ifndef HWBROKER_CTL_CHANGES_H
#define HWBROKER_CTL_CHANGES_H

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

enum change_kind { CHANGE_GAINS, CHANGE_LOSES, CHANGE_TERMS };

struct change {
	enum change_kind kind;
	char client[HWB_NAME_SIZE];
	struct hwb_pci_address address; /* of a device */
	bool ports;                     /* or of these: */
	bool interrupt;                 /* or a line, which is `first' */
	bool itself;                    /* or of who is the client, and its limits */
	uint32_t first, last;
	bool memory; /* or of this: */
	uint64_t base, end;
	/* Of the rule that gives it, or gave it. */
	char rule[40];
	char file[128];
	uint32_t line;
	/* The rule's words (policy_grant_text()) that come, and that go: "+dma -force". */
	char terms[256];
	bool in_use;    /* the client has it now */
	bool taken;     /* and would not keep it */
	uint32_t grace; /* seconds to give it back: the old rule's `revoke' */
};

struct changes {
	struct change *items;
	size_t count, capacity;
	bool out_of_memory;
};

/* `rules`: ADMIN_RULES of the policy in force; `members`: ADMIN_GROUPS. By client, then device,
 * ports, memory, and interrupt lines. */
void changes_find(struct changes *changes, const struct hwb_admin_rule *rules, size_t rule_count,
                  const struct hwb_admin_member *members, size_t member_count,
                  const struct policy *policy);
void changes_free(struct changes *changes);

#endif
