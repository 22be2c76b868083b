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

/* What a client has now, and could not have any more, or could not add to. */
enum change_use_of {
	USE_PLACE, /* the connection is not that client's any more */
	USE_CONNECTIONS,
	USE_SESSIONS,
	USE_IRQ_VECTORS,
	USE_DMA_MAPPINGS,
	USE_DMA_BYTES
};

struct change_use {
	enum change_use_of of;
	uint32_t connection; /* 0: of all of them together */
	uint32_t uid;        /* USE_PLACE: the connection's */
	bool unsure;         /* USE_PLACE: its groups or unit decide, which only the daemon knows */
	uint64_t now, allowed; /* the others */
};

enum { CHANGE_USES = 8 };

/* Of virtual functions of a device. */
enum change_when {
	WHEN_AT_ONCE,
	WHEN_IDLE,   /* none of them is in use any more */
	WHEN_DRIVER, /* the device has its own host driver */
	WHEN_ENOUGH, /* nothing is to be done: as many are there */
	WHEN_KEPT,   /* nothing is: they stay, though no rule asks for them any more */
	WHEN_REFUSED /* never */
};

struct change_virtual {
	bool it; /* is what changes */
	uint32_t now, wanted;
	enum change_when when;
	char why[160]; /* not at once */
};

struct change {
	enum change_kind kind;
	char client[HWB_NAME_SIZE];
	struct hwb_pci_address address; /* of a device */
	struct change_virtual virtual;  /* or of what is made of that, for no client */
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
	/* Of one that is about who is the client, and its limits. */
	struct change_use uses[CHANGE_USES];
	uint32_t use_count;
	uint32_t uses_untold; /* for which there is no room */
};

struct changes {
	struct change *items;
	size_t count, capacity;
	bool out_of_memory;
};

/* What the daemon tells: ADMIN_RULES of the policy in force, ADMIN_GROUPS, ADMIN_CLIENTS and
 * ADMIN_SESSIONS. */
struct changes_facts {
	const struct hwb_admin_rule *rules;
	size_t rule_count;
	const struct hwb_admin_member *members;
	size_t member_count;
	const struct hwb_admin_client *clients;
	size_t client_count;
	const struct hwb_admin_session *sessions;
	size_t session_count;
};

/* By client, then device, ports, memory, interrupt lines, and what is made of devices. */
void changes_find(struct changes *changes, const struct changes_facts *facts,
                  const struct policy *policy);

/* changes_use.c: fills `uses' of that one. `now': its client in the other policy; NULL: none. */
void changes_use(struct change *change, const struct changes_facts *facts,
                 const struct policy *policy, const struct policy_client *now);

/* Another one, without memory: one that is not kept. */
struct change *changes_add(struct changes *changes, enum change_kind kind, const char *client);
bool changes_same_address(const struct hwb_pci_address *a, const struct hwb_pci_address *b);
/* As the daemon's rules see the device. */
struct policy_device changes_device(const struct hwb_admin_member *member, char path[300],
                                    char physical[32]);

/* changes_virtual.c: those of virtual functions. */
void changes_virtual(struct changes *changes, const struct changes_facts *facts,
                     const struct policy *policy);
void changes_free(struct changes *changes);

#endif
