/* SPDX-License-Identifier: MIT */
#include "policy/match.h"

#include "policy/array.h"
#include "policy/patterns.h"
#include "policy/rules.h"
#include "util/pci_key.h"

/* FNV-1a, 64 bits. Two texts of the same number are told apart by the texts. */
static uint64_t number_of(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash;
}

static void exact_text(struct match *match, enum match_text which, const char *text)
{
	match->text[which] = text;
	match->value[MATCH_NUMBERS + which] = text != NULL ? number_of(text) : 0;
	match->mask[MATCH_NUMBERS + which] = UINT64_MAX;
}

void match_text(struct match *match, enum match_text which, const char *text)
{
	match->wild[which] = pattern_is_wild(text);
	if (match->wild[which])
		match->text[which] = text;
	else
		exact_text(match, which, text);
}

struct match match_of_device(const struct policy_device *device)
{
	const struct hwb_pci_address *address = &device->address;

	struct match match = {
		.value = {
			[MATCH_ADDRESS] = pci_key(address),
			[MATCH_IDS] = (uint64_t)device->vendor << 48 |
			              (uint64_t)device->device << 32 |
			              (uint64_t)device->subsystem_vendor << 16 |
			              device->subsystem_device,
			[MATCH_CLASS] = device->class_code,
		},
		.mask = { UINT64_MAX, UINT64_MAX, UINT64_MAX },
	};
	/* Whatever characters are in them. */
	exact_text(&match, MATCH_SLOT, device->traits.slot);
	exact_text(&match, MATCH_DRIVER, device->traits.driver);
	exact_text(&match, MATCH_PATH, device->traits.path);
	exact_text(&match, MATCH_PHYSICAL, device->traits.physical);
	return match;
}

static bool equal_texts(const struct match *a, const struct match *b, int which)
{
	const char *one = a->text[which], *other = b->text[which];

	if (one == NULL || other == NULL)
		return one == other;
	return a->wild[which] == b->wild[which] && strcmp(one, other) == 0;
}

bool match_equal(const struct match *a, const struct match *b)
{
	for (int i = 0; i < MATCH_WORDS; i++) {
		if (a->value[i] != b->value[i] || a->mask[i] != b->mask[i])
			return false;
	}
	for (int i = 0; i < MATCH_TEXTS; i++) {
		if (!equal_texts(a, b, i))
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
	free(index->wild);
	*index = (struct match_index){ 0 };
}

/* Whether what `subject` says, under the mask of `match`, is what that says. Both agree in
 * numbers and in the numbers of texts. */
static bool same_texts(const struct match *match, const struct match *subject)
{
	for (int i = 0; i < MATCH_TEXTS; i++) {
		if (match->mask[MATCH_NUMBERS + i] != 0 &&
		    (subject->text[i] == NULL || strcmp(match->text[i], subject->text[i]) != 0))
			return false;
	}
	return true;
}

/* The slot that holds this entry, or the free one where it belongs. `value` is `subject`'s,
 * under the mask of the shape. The policy is its author's own: nobody aims collisions at him. */
static struct match_slot *probe(const struct match_index *index, uint32_t client, uint32_t shape,
                                const uint64_t value[MATCH_WORDS], const struct match *subject)
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
		     memcmp(slot->match->value, value, sizeof(slot->match->value)) == 0 &&
		     same_texts(slot->match, subject)))
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

static bool is_wild(const struct match *match)
{
	for (int i = 0; i < MATCH_TEXTS; i++) {
		if (match->wild[i])
			return true;
	}
	return false;
}

static int add_wild(struct match_index *index, uint32_t client, const struct match *match,
                    uint32_t rule)
{
	if (array_room(&index->wild, &index->wild_capacity, index->wild_count,
	               sizeof(*index->wild)) != 0)
		return -1;
	index->wild[index->wild_count++] =
	        (struct match_wild){ .match = match, .client = client, .rule = rule };
	return 0;
}

int match_add(struct match_index *index, uint32_t client, const struct match *match, uint32_t rule)
{
	uint32_t shape;

	if (is_wild(match))
		return add_wild(index, client, match, rule);
	if (shape_of(index, match->mask, rule, &shape) != 0)
		return -1;
	struct match_slot *slot = probe(index, client, shape, match->value, match);
	if (slot->rule != MATCH_NONE)
		return 0;
	*slot = (struct match_slot){
		.match = match, .client = client, .shape = shape, .rule = rule
	};
	return 0;
}

static uint32_t find_exact(const struct match_index *index, uint32_t client,
                           const struct match *subject)
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
		const struct match_slot *slot = probe(index, client, i, value, subject);
		if (slot->rule < best)
			best = slot->rule;
	}
	return best;
}

static bool text_applies(const struct match *match, const struct match *subject, int which)
{
	const char *said = match->text[which], *asked = subject->text[which];

	if (said == NULL)
		return true;
	if (asked == NULL)
		return false;
	if (!match->wild[which])
		return !subject->wild[which] && strcmp(said, asked) == 0;
	return subject->wild[which] ? pattern_covers(said, asked) : pattern_matches(said, asked);
}

bool match_applies(const struct match *match, const struct match *subject)
{
	for (int i = 0; i < MATCH_NUMBERS; i++) {
		if ((match->mask[i] & ~subject->mask[i]) != 0 ||
		    ((match->value[i] ^ subject->value[i]) & match->mask[i]) != 0)
			return false;
	}
	for (int i = 0; i < MATCH_TEXTS; i++) {
		if (!text_applies(match, subject, i))
			return false;
	}
	return true;
}

uint32_t match_find(const struct match_index *index, uint32_t client, const struct match *subject)
{
	uint32_t best = find_exact(index, client, subject);

	for (uint32_t i = 0; i < index->wild_count && index->wild[i].rule < best; i++) {
		const struct match_wild *wild = &index->wild[i];
		if (wild->client == client && match_applies(wild->match, subject))
			return wild->rule;
	}
	return best;
}
