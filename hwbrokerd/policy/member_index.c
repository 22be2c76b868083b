/* SPDX-License-Identifier: MIT */
#include "policy/member_index.h"

#include <stdlib.h>

/* The slot of this id, or the free one where it belongs. */
static uint32_t *probe(const struct member_index *index, const struct policy *policy, bool group,
                       uint32_t id)
{
	uint64_t hash = ((uint64_t)group << 32 | id) * 0x9e3779b97f4a7c15u;

	for (uint32_t at = (uint32_t)(hash >> 32) & index->mask;; at = (at + 1) & index->mask) {
		uint32_t *slot = &index->slots[at];
		if (*slot == 0)
			return slot;
		const struct member *member = &policy->members[*slot - 1];
		if (member->id == id && member->group == group)
			return slot;
	}
}

const struct member *member_find(const struct member_index *index, const struct policy *policy,
                                 bool group, uint32_t id)
{
	if (index->slots == NULL)
		return NULL;
	uint32_t slot = *probe(index, policy, group, id);
	return slot != 0 ? &policy->members[slot - 1] : NULL;
}

static void take_in(struct member_index *index, const struct policy *policy, uint32_t number)
{
	const struct member *member = &policy->members[number];

	*probe(index, policy, member->group, member->id) = number + 1;
}

/* At most half full, so that a probe ends soon. */
static int grow(struct member_index *index, const struct policy *policy)
{
	uint32_t size = index->slots == NULL ? 16 : (index->mask + 1) * 2;
	uint32_t *slots = calloc(size, sizeof(*slots));

	if (slots == NULL)
		return -1;
	free(index->slots);
	index->slots = slots;
	index->mask = size - 1;
	for (uint32_t i = 0; i + 1 < policy->member_count; i++)
		take_in(index, policy, i);
	return 0;
}

int member_note(struct member_index *index, const struct policy *policy)
{
	if ((index->slots == NULL || policy->member_count > index->mask / 2) &&
	    grow(index, policy) != 0)
		return -1;
	take_in(index, policy, policy->member_count - 1);
	return 0;
}

void member_index_release(struct member_index *index)
{
	free(index->slots);
	*index = (struct member_index){ 0 };
}
