/* SPDX-License-Identifier: MIT */
/*
 * Which users and groups the sections that were read have named, while a policy is loaded:
 * one probe says whether one is named again.
 */
#ifndef HWBROKERD_POLICY_MEMBER_INDEX_H
#define HWBROKERD_POLICY_MEMBER_INDEX_H

#include "policy/rules.h"

struct member_index {
	uint32_t *slots; /* number of a member plus one; 0: free */
	uint32_t mask;   /* number of slots - 1, a power of two - 1; without slots 0 */
};

/* The member of this id, or NULL. */
const struct member *member_find(const struct member_index *index, const struct policy *policy,
                                 bool group, uint32_t id);
/* Takes in the policy's last member, which is not there yet. -1: out of memory. */
int member_note(struct member_index *index, const struct policy *policy);
void member_index_release(struct member_index *index);

#endif
