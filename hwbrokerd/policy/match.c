/* SPDX-License-Identifier: MIT */
#include "policy/match.h"

#include "policy/array.h"
#include "policy/rules.h"

struct match match_of_device(const struct policy_device *device)
{
	const struct hwb_pci_address *address = &device->address;

	return (struct match){
		.value = {
			[MATCH_ADDRESS] = (uint64_t)address->domain << 16 |
			                  (uint64_t)address->bus << 8 |
			                  (uint64_t)(address->device & 0x1f) << 3 |
			                  (address->function & 7),
			[MATCH_IDS] = (uint64_t)device->vendor << 48 |
			              (uint64_t)device->device << 32 |
			              (uint64_t)device->subsystem_vendor << 16 |
			              device->subsystem_device,
			[MATCH_CLASS] = device->class_code,
		},
		.mask = { UINT64_MAX, UINT64_MAX, UINT64_MAX },
	};
}

bool match_equal(const struct match *a, const struct match *b)
{
	for (int i = 0; i < MATCH_WORDS; i++) {
		if (a->value[i] != b->value[i] || a->mask[i] != b->mask[i])
			return false;
	}
	return true;
}

int match_index_start(struct match_index *index, uint32_t entries)
{
	/* At most half full, so that a probe ends soon. */
	uint64_t slots = 8;
	while (slots < (uint64_t)entries * 2)
		slots *= 2;
	if (slots > UINT32_MAX)
		return -1;
	index->slots = reallocarray(NULL, (size_t)slots, sizeof(*index->slots));
	if (index->slots == NULL)
		return -1;
	for (uint64_t i = 0; i < slots; i++)
		index->slots[i].rule = MATCH_NONE;
	index->slot_mask = (uint32_t)(slots - 1);
	return 0;
}

void match_index_release(struct match_index *index)
{
	free(index->shapes);
	free(index->slots);
	*index = (struct match_index){ 0 };
}

/* The slot that holds this entry, or the free one where it belongs. The policy
 * is its author's own: nobody aims collisions at him. */
static struct match_slot *probe(const struct match_index *index, uint32_t client, uint32_t shape,
                                const uint64_t value[MATCH_WORDS])
{
	uint64_t hash = (uint64_t)client << 32 | shape;

	for (int i = 0; i < MATCH_WORDS; i++) {
		hash = (hash ^ value[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	for (uint32_t at = (uint32_t)hash & index->slot_mask;; at = (at + 1) & index->slot_mask) {
		struct match_slot *slot = &index->slots[at];
		if (slot->rule == MATCH_NONE ||
		    (slot->client == client && slot->shape == shape &&
		     memcmp(slot->value, value, sizeof(slot->value)) == 0))
			return slot;
	}
}

static int shape_of(struct match_index *index, const uint64_t mask[MATCH_WORDS], uint32_t rule,
                    uint32_t *shape)
{
	for (*shape = 0; *shape < index->shape_count; (*shape)++) {
		if (memcmp(index->shapes[*shape].mask, mask, sizeof(index->shapes->mask)) == 0)
			return 0;
	}
	if (array_room(&index->shapes, &index->shape_capacity, index->shape_count,
	               sizeof(*index->shapes)) != 0)
		return -1;
	struct match_shape *added = &index->shapes[index->shape_count++];
	memcpy(added->mask, mask, sizeof(added->mask));
	added->first_rule = rule;
	return 0;
}

int match_add(struct match_index *index, uint32_t client, const struct match *match, uint32_t rule)
{
	uint32_t shape;

	if (shape_of(index, match->mask, rule, &shape) != 0)
		return -1;
	struct match_slot *slot = probe(index, client, shape, match->value);
	if (slot->rule != MATCH_NONE)
		return 0;
	memcpy(slot->value, match->value, sizeof(slot->value));
	slot->client = client;
	slot->shape = shape;
	slot->rule = rule;
	return 0;
}

uint32_t match_find(const struct match_index *index, uint32_t client, const struct match *subject)
{
	uint32_t best = MATCH_NONE;

	for (uint32_t i = 0; i < index->shape_count; i++) {
		const struct match_shape *shape = &index->shapes[i];
		uint64_t value[MATCH_WORDS];
		bool decidable = true;

		/* Shapes are in the order of their first rules. */
		if (shape->first_rule >= best)
			break;
		for (int word = 0; word < MATCH_WORDS; word++) {
			value[word] = subject->value[word] & shape->mask[word];
			if ((shape->mask[word] & ~subject->mask[word]) != 0)
				decidable = false;
		}
		if (!decidable)
			continue;
		const struct match_slot *slot = probe(index, client, i, value);
		if (slot->rule < best)
			best = slot->rule;
	}
	return best;
}
