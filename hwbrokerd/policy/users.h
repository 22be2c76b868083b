/* SPDX-License-Identifier: MIT */
/* Names of users, groups and devices to numbers, replaceable so that tests need no
 * accounts. */
#ifndef HWBROKERD_POLICY_USERS_H
#define HWBROKERD_POLICY_USERS_H

#include "policy/policy.h"

/* Both return 0 with *id set, ENOENT for an unknown name, or the errno that
 * kept the database from answering. */
struct policy_users {
	int (*user)(void *context, const char *name, uint32_t *id);
	int (*group)(void *context, const char *name, uint32_t *id);
	void *context;
	const char *pci_ids; /* a file like the host's, which it is if NULL: pci_ids.h */
};

/* The host's databases, by way of nsswitch.conf(5). */
extern const struct policy_users policy_system_users;

/* policy_load() with another source of users. */
int policy_load_with(const char *path, const struct policy_users *users, struct policy **policy,
                     char **report);

#endif
