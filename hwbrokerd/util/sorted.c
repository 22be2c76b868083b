/* SPDX-License-Identifier: MIT */
#include "util/sorted.h"

#include <stdbool.h>
#include <string.h>

/* Of a chunk, which is never empty; below the second it may join a neighbour, up to the third. */
enum { THINGS = 64, SPARSE = THINGS / 4, JOINED = THINGS * 3 / 4 };

struct sorted_chunk {
	struct sorted_chunk *next; /* of the spares */
	uint32_t used;
	_Alignas(8) unsigned char things[];
};

void sorted_init(struct sorted *list, size_t size)
{
	*list = (struct sorted){ .size = size };
}

void sorted_free(struct sorted *list)
{
	for (uint32_t i = 0; i < list->chunk_count; i++)
		free(list->chunks[i]);
	while (list->spares != NULL) {
		struct sorted_chunk *next = list->spares->next;
		free(list->spares);
		list->spares = next;
	}
	free(list->chunks);
	*list = (struct sorted){ .size = list->size };
}

static void *thing(const struct sorted *list, struct sorted_chunk *chunk, uint32_t slot)
{
	return chunk->things + slot * list->size;
}

static uint64_t number_of(const struct sorted *list, struct sorted_chunk *chunk, uint32_t slot)
{
	return *(const uint64_t *)thing(list, chunk, slot);
}

/* The last chunk whose first number is not above; the first one if there is none. */
static uint32_t chunk_for(const struct sorted *list, uint64_t number)
{
	uint32_t low = 1, high = list->chunk_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (number_of(list, list->chunks[middle], 0) <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

static uint32_t slot_for(const struct sorted *list, struct sorted_chunk *chunk, uint64_t number)
{
	uint32_t low = 0, high = chunk->used;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (number_of(list, chunk, middle) < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct sorted_place sorted_from(const struct sorted *list, uint64_t number)
{
	struct sorted_place place = { .chunk = chunk_for(list, number) };

	if (list->chunk_count == 0)
		return place;
	place.slot = slot_for(list, list->chunks[place.chunk], number);
	if (place.slot == list->chunks[place.chunk]->used)
		place = (struct sorted_place){ .chunk = place.chunk + 1 };
	return place;
}

struct sorted_place sorted_next(const struct sorted *list, struct sorted_place place)
{
	place.slot++;
	if (place.slot == list->chunks[place.chunk]->used)
		place = (struct sorted_place){ .chunk = place.chunk + 1 };
	return place;
}

void *sorted_at(const struct sorted *list, struct sorted_place place)
{
	return place.chunk < list->chunk_count ? thing(list, list->chunks[place.chunk], place.slot)
	                                       : NULL;
}

void *sorted_before(const struct sorted *list, struct sorted_place place,
                    struct sorted_place *before)
{
	*before = place;
	if (place.slot == 0) {
		if (place.chunk == 0)
			return NULL;
		before->chunk--;
		before->slot = list->chunks[before->chunk]->used;
	}
	before->slot--;
	return sorted_at(list, *before);
}

void *sorted_find(const struct sorted *list, uint64_t number)
{
	uint64_t *found = sorted_at(list, sorted_from(list, number));

	return found != NULL && *found == number ? found : NULL;
}

/* ---- coming and going ---- */

static struct sorted_chunk *new_chunk(const struct sorted *list)
{
	struct sorted_chunk *chunk = malloc(sizeof(*chunk) + THINGS * list->size);

	if (chunk != NULL)
		chunk->used = 0;
	return chunk;
}

/* Room for one more pointer, beside those that are reserved. */
static int make_room(struct sorted *list)
{
	if (list->chunk_count + list->reserved < list->capacity)
		return 0;
	uint32_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
	struct sorted_chunk **more =
	        realloc(list->chunks, capacity * sizeof(struct sorted_chunk *));
	if (more == NULL)
		return -1;
	list->chunks = more;
	list->capacity = capacity;
	return 0;
}

static bool needs_chunk(const struct sorted *list, uint64_t number)
{
	return list->chunk_count == 0 || list->chunks[chunk_for(list, number)]->used == THINGS;
}

static void insert_chunk(struct sorted *list, uint32_t at, struct sorted_chunk *chunk)
{
	memmove(list->chunks + at + 1, list->chunks + at,
	        (list->chunk_count - at) * sizeof(struct sorted_chunk *));
	list->chunks[at] = chunk;
	list->chunk_count++;
}

/* Behind a full one, of which it takes the second half; or, where numbers only grow, nothing:
 * then the chunks stay full. */
static void split(struct sorted *list, uint64_t number, struct sorted_chunk *fresh)
{
	uint32_t at = chunk_for(list, number);

	if (list->chunk_count == 0) {
		insert_chunk(list, 0, fresh);
		return;
	}
	struct sorted_chunk *full = list->chunks[at];
	bool last = at + 1 == list->chunk_count && number > number_of(list, full, full->used - 1);
	uint32_t keep = last ? THINGS - 1 : THINGS / 2;
	fresh->used = THINGS - keep;
	memcpy(fresh->things, thing(list, full, keep), fresh->used * list->size);
	full->used = keep;
	insert_chunk(list, at + 1, fresh);
}

static void *put(struct sorted *list, uint64_t number)
{
	struct sorted_chunk *chunk = list->chunks[chunk_for(list, number)];
	uint32_t slot = slot_for(list, chunk, number);
	uint64_t *added = thing(list, chunk, slot);

	memmove(thing(list, chunk, slot + 1), added, (chunk->used - slot) * list->size);
	memset(added, 0, list->size);
	*added = number;
	chunk->used++;
	list->count++;
	return added;
}

void *sorted_add(struct sorted *list, uint64_t number)
{
	if (needs_chunk(list, number)) {
		struct sorted_chunk *fresh = make_room(list) == 0 ? new_chunk(list) : NULL;
		if (fresh == NULL)
			return NULL;
		split(list, number, fresh);
	}
	return put(list, number);
}

static void drop_chunk(struct sorted *list, uint32_t at)
{
	free(list->chunks[at]);
	list->chunk_count--;
	memmove(list->chunks + at, list->chunks + at + 1,
	        (list->chunk_count - at) * sizeof(struct sorted_chunk *));
}

/* The chunk takes what is in the next one, if there is one, and room in both. */
static bool join(struct sorted *list, uint32_t at)
{
	if (at + 1 >= list->chunk_count)
		return false;
	struct sorted_chunk *chunk = list->chunks[at], *next = list->chunks[at + 1];
	if (chunk->used + next->used > JOINED)
		return false;
	memcpy(thing(list, chunk, chunk->used), next->things, next->used * list->size);
	chunk->used += next->used;
	drop_chunk(list, at + 1);
	return true;
}

void sorted_remove(struct sorted *list, struct sorted_place place)
{
	uint32_t at = place.chunk;
	struct sorted_chunk *chunk = list->chunks[at];

	chunk->used--;
	list->count--;
	memmove(thing(list, chunk, place.slot), thing(list, chunk, place.slot + 1),
	        (chunk->used - place.slot) * list->size);
	if (chunk->used == 0)
		drop_chunk(list, at);
	else if (chunk->used < SPARSE && !join(list, at) && at > 0)
		join(list, at - 1);
}

/* ---- reserving ---- */

int sorted_reserve(struct sorted *list)
{
	struct sorted_chunk *spare = make_room(list) == 0 ? new_chunk(list) : NULL;

	if (spare == NULL)
		return -1;
	spare->next = list->spares;
	list->spares = spare;
	list->reserved++;
	return 0;
}

static struct sorted_chunk *take_spare(struct sorted *list)
{
	struct sorted_chunk *spare = list->spares;

	list->spares = spare->next;
	list->reserved--;
	return spare;
}

void sorted_give_up(struct sorted *list)
{
	free(take_spare(list));
}

void *sorted_add_reserved(struct sorted *list, uint64_t number)
{
	struct sorted_chunk *spare = take_spare(list);

	if (needs_chunk(list, number))
		split(list, number, spare);
	else
		free(spare);
	return put(list, number);
}
