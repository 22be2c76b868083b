/* SPDX-License-Identifier: MIT */
/*
 * The device addresses of one domain: what is mapped where, and where there is
 * room. The kernel does the mapping; this is what quotas, overlaps and choice of
 * address are decided by, before the kernel is asked. Pure bookkeeping.
 */
#ifndef HWBROKERD_SESSION_LEDGER_H
#define HWBROKERD_SESSION_LEDGER_H

#include "util/fault.h"
#include "util/sorted.h"

enum { LEDGER_WINDOWS = 32 };

struct ledger_entry {
	uint64_t iova;
	uint64_t size;
	uint32_t note; /* note.h; 0: none */
};

struct ledger {
	struct sorted entries; /* by address, without overlap */
	uint32_t count;
	uint64_t bytes;
	uint64_t hint;                                 /* where the last search ended */
	struct hwb_iova_range windows[LEDGER_WINDOWS]; /* ascending */
	uint32_t window_count;
};

/* Starts with the windows that hold on every PC: below 2^39, without page 0 and
 * the MSI window. */
void ledger_init(struct ledger *ledger);
void ledger_free(struct ledger *ledger);

/* The windows of the real hardware, once it is known; at most LEDGER_WINDOWS.
 * The first page stays out: 0 is no address that a driver can tell from none. */
void ledger_set_windows(struct ledger *ledger, const struct hwb_iova_range *windows,
                        uint32_t count);

/* Books `size` bytes (a multiple of 4096) where there is room: aligned to
 * `alignment` (a power of two, at least 4096), ending at or below `limit`. */
int ledger_place(struct ledger *ledger, uint64_t size, uint64_t alignment, uint64_t limit,
                 uint64_t *iova, struct fault *fault);

/* Has room for one more entry, whatever is booked meanwhile, until ledger_note_place() or
 * ledger_give_up(). */
int ledger_reserve(struct ledger *ledger, struct fault *fault);
void ledger_give_up(struct ledger *ledger);
/* Books what was placed by others, within windows or not: memory at its own address, where
 * there is nothing else. Never fails. */
void ledger_note_place(struct ledger *ledger, uint64_t iova, uint64_t size);

/* Books exactly there. */
int ledger_place_at(struct ledger *ledger, uint64_t iova, uint64_t size, uint64_t limit,
                    struct fault *fault);

/* Size of the mapping that starts at `iova`, 0: none does. */
uint64_t ledger_find(const struct ledger *ledger, uint64_t iova);

/* Where the note of the mapping is that starts at `iova`; NULL: none does. */
uint32_t *ledger_note(struct ledger *ledger, uint64_t iova);

/* Takes it off the books; returns its size, 0: none starts there. */
uint64_t ledger_remove(struct ledger *ledger, uint64_t iova);

#endif
