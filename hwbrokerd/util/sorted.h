/* SPDX-License-Identifier: MIT */
/*
 * Things in order of a number, many of them, that come and go anywhere: in chunks, so that what
 * comes or goes moves a few others only, however many there are.
 *
 * A thing is a structure that begins with its number, a uint64_t; each number is there once.
 * Pointers to things, and places, last until something comes or goes.
 */
#ifndef HWBROKERD_UTIL_SORTED_H
#define HWBROKERD_UTIL_SORTED_H

#include <stdint.h>
#include <stdlib.h>

struct sorted_chunk;

struct sorted {
	size_t size; /* of a thing */
	uint32_t count;
	struct sorted_chunk **chunks;
	uint32_t chunk_count;
	uint32_t capacity;           /* of chunks, those that are reserved among them */
	struct sorted_chunk *spares; /* one for each reservation */
	uint32_t reserved;
};

/* Of a thing, or behind the last. */
struct sorted_place {
	uint32_t chunk;
	uint32_t slot;
};

void sorted_init(struct sorted *list, size_t size);
void sorted_free(struct sorted *list);

/* Where the first thing is whose number is not less. */
struct sorted_place sorted_from(const struct sorted *list, uint64_t number);
struct sorted_place sorted_next(const struct sorted *list, struct sorted_place place);
/* What is there; NULL behind the last. */
void *sorted_at(const struct sorted *list, struct sorted_place place);
/* The thing before it; NULL: none is. And where that is. */
void *sorted_before(const struct sorted *list, struct sorted_place place,
                    struct sorted_place *before);
/* The thing with this number; NULL: none has it. */
void *sorted_find(const struct sorted *list, uint64_t number);

/* A new thing, all zeros but its number. NULL: no memory. */
void *sorted_add(struct sorted *list, uint64_t number);
void sorted_remove(struct sorted *list, struct sorted_place place);

/* One more can be added, by sorted_add_reserved(), whatever comes and goes until then. -1: no
 * memory. */
int sorted_reserve(struct sorted *list);
void sorted_give_up(struct sorted *list);
void *sorted_add_reserved(struct sorted *list, uint64_t number);

#endif
