/* SPDX-License-Identifier: MIT */
/* What another policy makes, changes or removes of virtual functions: by the function that the
 * daemon goes by, and what it looks at before it does it (hwbrokerd/session/bus/virtual.c). */
#include "changes.h"

#include "names.h"
#include "policy/virtual_step.h"
#include "util/our_driver.h"
#include "util/pci_key.h"

#include <stdio.h>
#include <string.h>

/* A physical function, and what is said of it. */
struct about {
	const struct hwb_admin_member *member;
	const struct hwb_admin_rule *old;                /* that is in force; NULL: none */
	struct policy_virtual wanted;                    /* by the other policy; 0: none */
	const struct hwb_admin_member *used, *with_host; /* one of its functions; NULL: none */
};

static bool is_function_of(const struct hwb_admin_member *member,
                           const struct hwb_admin_member *physical)
{
	return (member->flags & HWB_MEMBER_VIRTUAL) != 0 &&
	       member->address.domain == physical->address.domain &&
	       member->physical_function == pci_requester(&physical->address);
}

static void look_at_functions(struct about *about, const struct changes_facts *facts)
{
	for (size_t i = 0; i < facts->member_count; i++) {
		const struct hwb_admin_member *member = &facts->members[i];
		if (!is_function_of(member, about->member))
			continue;
		if ((member->flags & HWB_MEMBER_USED) != 0 && about->used == NULL)
			about->used = member;
		if (member->driver[0] != '\0' && !our_driver_of_any(member->driver) &&
		    about->with_host == NULL)
			about->with_host = member;
	}
}

static const struct hwb_admin_rule *rule_in_force(const struct changes_facts *facts,
                                                  const struct hwb_admin_member *member)
{
	for (size_t i = 0; i < facts->rule_count; i++)
		if (facts->rules[i].kind == HWB_RULE_VIRTUAL &&
		    changes_same_address(&facts->rules[i].address, &member->address))
			return &facts->rules[i];
	return NULL;
}

/* What a daemon that sets about it would find in its way. */
static void look_in_the_way(struct change_virtual *virtual, const struct about *about)
{
	const char *driver = about->member->driver;
	char function[32];

	virtual->when = WHEN_AT_ONCE;
	if (driver[0] == '\0' || our_driver_of_any(driver)) {
		virtual->when = WHEN_DRIVER;
		snprintf(virtual->why, sizeof(virtual->why), "it is with %s%.31s%s now",
		         driver[0] != '\0' ? "`" : "no driver", driver,
		         driver[0] != '\0' ? "'" : "");
	} else if (about->with_host != NULL) {
		virtual->when = WHEN_IDLE;
		names_address(&about->with_host->address, function);
		snprintf(virtual->why, sizeof(virtual->why), "%s is with the host driver `%.31s'",
		         function, about->with_host->driver);
	}
}

static void fill(struct change_virtual *virtual, const struct about *about, enum virtual_step step)
{
	const struct hwb_admin_member *member = about->member;
	char function[32];

	switch (step) {
	case VIRTUAL_KEEP:
		virtual->when = virtual->wanted != 0 ? WHEN_ENOUGH : WHEN_KEPT;
		break;
	case VIRTUAL_NOTE:
		virtual->when = WHEN_ENOUGH;
		break;
	case VIRTUAL_CHANGE:
		look_in_the_way(virtual, about);
		break;
	case VIRTUAL_WAIT:
		virtual->when = WHEN_IDLE;
		if (about->used == NULL)
			break;
		names_address(&about->used->address, function);
		snprintf(virtual->why, sizeof(virtual->why), "%s is in use%s%.31s", function,
		         about->used->client[0] != '\0' ? ", by " : "", about->used->client);
		break;
	case VIRTUAL_EXCESS:
		virtual->when = WHEN_REFUSED;
		if (member->functions_max == 0)
			snprintf(virtual->why, sizeof(virtual->why), "it can have none (SR-IOV)");
		else
			snprintf(virtual->why, sizeof(virtual->why), "it can have %u",
			         member->functions_max);
		break;
	case VIRTUAL_FOREIGN:
		virtual->when = WHEN_REFUSED;
		snprintf(virtual->why, sizeof(virtual->why), "there are %u, made by somebody else",
		         member->virtual_functions);
		break;
	}
}

/* A reload looks at all of them again: what would be done then is told although the rule is the
 * same; what is being waited for, or was refused, is not. */
static bool is_news(const struct about *about, enum virtual_step step)
{
	bool restore = about->old != NULL && strcmp(about->old->grant, "restore") == 0;
	bool same = about->wanted.functions == (about->old != NULL ? about->old->first : 0) &&
	            about->wanted.restore == restore;

	return step == VIRTUAL_CHANGE || step == VIRTUAL_NOTE || !same;
}

static void add(struct changes *changes, const struct about *about, enum virtual_step step)
{
	const struct hwb_admin_member *member = about->member;
	bool restored = (member->flags & HWB_MEMBER_OWN_END) != 0;
	bool gone = about->wanted.functions == 0;
	struct change *change = changes_add(changes,
	                                    gone                             ? CHANGE_LOSES
	                                    : member->virtual_functions == 0 ? CHANGE_GAINS
	                                                                     : CHANGE_TERMS,
	                                    "");

	change->address = member->address;
	change->virtual = (struct change_virtual){
		.it = true,
		.now = member->virtual_functions,
		.wanted = about->wanted.functions,
	};
	fill(&change->virtual, about, step);
	if (!gone) {
		memcpy(change->rule, about->wanted.section, sizeof(change->rule));
		memcpy(change->file, about->wanted.file, sizeof(change->file));
		change->line = about->wanted.line;
	} else if (about->old != NULL) {
		snprintf(change->rule, sizeof(change->rule), "%.39s", about->old->rule);
		snprintf(change->file, sizeof(change->file), "%.127s", about->old->file);
		change->line = about->old->line;
	}
	if (!gone && (step == VIRTUAL_NOTE || (step == VIRTUAL_CHANGE && about->wanted.restore)))
		snprintf(change->terms, sizeof(change->terms), "%s",
		         about->wanted.restore ? "+restore"
		         : restored            ? "-restore"
		                               : "");
	change->in_use = about->used != NULL;
}

static void look_at(struct changes *changes, const struct changes_facts *facts,
                    const struct hwb_admin_member *member, const struct policy *policy)
{
	char path[300], physical[32];
	const struct policy_device device = changes_device(member, path, physical);
	struct about about = { .member = member, .old = rule_in_force(facts, member) };

	policy_virtual_for(policy, &device, &about.wanted);
	if (about.wanted.functions == 0 && about.old == NULL && member->virtual_functions == 0)
		return;
	look_at_functions(&about, facts);
	const struct virtual_case now = {
		.wanted = about.wanted.functions,
		.restore = about.wanted.restore,
		.now = member->virtual_functions,
		.max = member->functions_max,
		.ours = (member->flags & HWB_MEMBER_OWN) != 0,
		.ours_restore = (member->flags & HWB_MEMBER_OWN_END) != 0,
		.used = about.used != NULL,
	};
	enum virtual_step step = virtual_step(&now);
	/* None asked for, and none there: only a rule that never made any goes. */
	if (about.wanted.functions == 0 && member->virtual_functions == 0)
		return;
	if (is_news(&about, step))
		add(changes, &about, step);
}

void changes_virtual(struct changes *changes, const struct changes_facts *facts,
                     const struct policy *policy)
{
	for (size_t i = 0; i < facts->member_count; i++) {
		const struct hwb_admin_member *member = &facts->members[i];
		if ((member->flags & HWB_MEMBER_ON_BUS) != 0 &&
		    (member->flags & HWB_MEMBER_VIRTUAL) == 0)
			look_at(changes, facts, member, policy);
	}
}
