/* SPDX-License-Identifier: MIT */
/*
 * What the daemon after this one has to know, at any moment: a table of records in a
 * memfd that the service manager keeps (store.h). It is written as things change, so
 * that it is right even if we are killed by the next instruction: a record is never
 * changed but replaced, and counts from the one store on that says so. Of two that
 * stand for the same thing the later one counts.
 *
 * The table cannot be cut or grown; it begins with a version of its layout, and each
 * record has a checksum. For the loop, but for note_new_id(). Without a manager nothing is
 * written, and every note is 0.
 */
#ifndef HWBROKERD_RESUME_NOTE_H
#define HWBROKERD_RESUME_NOTE_H

#include "util/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which they are taken up again. Another meaning of a record, or another
 * size, is another NOTE_VERSION (note.c). */
enum note_kind {
	NOTE_PEER = 1,
	NOTE_DOMAIN,
	NOTE_MAPPING,
	NOTE_DEVICE,
	NOTE_REGION,
	NOTE_PORTS,
	NOTE_IRQ,
	NOTE_TAKEN,
	NOTE_LINE,
	NOTE_KINDS
};

enum { NOTE_BODY = 128 };

/* A record as it is found. */
struct note {
	uint32_t index;
	enum note_kind kind;
	uint64_t id;
	const void *body; /* NOTE_BODY bytes, 8-aligned */
};

/* Starts an empty table; the memfd is the caller's to keep. -1: none is kept. */
int note_begin(void);

/* Gives it up: it is not kept after all. */
void note_end(void);

/* Takes over the table that the daemon before has left in `fd`. On failure it is of no
 * use, and `fault` says why. */
int note_resume(int fd, struct fault *fault);
/* What the former daemon had begun is done: see note_resume(). */
void note_resumed(void);
/* Calls `each` for what counts, by kind, then by id; it may drop the record. */
int note_each(void (*each)(const struct note *note, void *context), void *context);

/* Writes a record in place of number `old` (0: of none), and returns its number; 0: it is
 * not written. What follows `size` bytes of the body is zero. */
uint32_t note_put(uint32_t old, enum note_kind kind, uint64_t id, const void *body, size_t size);
void note_drop(uint32_t number);

/* A number beside the record that changes freely, 0 at first. */
void note_set_live(uint32_t number, uint32_t live);
uint32_t note_live(uint32_t number);

/* A number that no other thing has, of this daemon and of those that it goes on for. */
uint32_t note_new_id(void);

bool note_works(void);

#endif
