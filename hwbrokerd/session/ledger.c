/* SPDX-License-Identifier: MIT */
#include "session/ledger.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

/* Until a group is there whose own reserved regions the kernel tells. */
#if defined(__aarch64__)
/* Where Linux' drivers for SMMUs put the doorbell of interrupts (MSI_IOVA_BASE). */
static const struct hwb_iova_range msi_window = { 0x08000000, 0x080fffff };
#else
/* x86: writes to 0xfeexxxxx are interrupts, whatever the IOMMU's tables say
 * (Intel SDM volume 3, 11.11.1). */
static const struct hwb_iova_range msi_window = { 0xfee00000, 0xfeefffff };
#endif

/* The narrowest VT-d address width in use (SAGAW bit 1: 39 bits). */
static const uint64_t narrow_top = (1ull << 39) - 1;

void ledger_init(struct ledger *ledger)
{
	*ledger = (struct ledger){
		.windows = { { PAGE, msi_window.first - 1 }, { msi_window.last + 1, narrow_top } },
		.window_count = 2,
	};
}

void ledger_free(struct ledger *ledger)
{
	free(ledger->entries);
	*ledger = (struct ledger){ 0 };
}

void ledger_set_windows(struct ledger *ledger, const struct hwb_iova_range *windows, uint32_t count)
{
	ledger->window_count = 0;
	for (uint32_t i = 0; i < count && ledger->window_count < LEDGER_WINDOWS; i++) {
		struct hwb_iova_range window = windows[i];
		if (window.first < PAGE)
			window.first = PAGE;
		if (window.first <= window.last)
			ledger->windows[ledger->window_count++] = window;
	}
}

/* Index of the first entry that ends above `address`. */
static uint32_t position(const struct ledger *ledger, uint64_t address)
{
	uint32_t low = 0, high = ledger->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct ledger_entry *entry = &ledger->entries[middle];
		if (entry->iova + (entry->size - 1) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Room for one entry beside those that are there or to come. */
static int make_room(struct ledger *ledger, struct fault *fault)
{
	if (ledger->count + ledger->reserved == ledger->capacity) {
		uint32_t capacity = ledger->capacity == 0 ? 16 : ledger->capacity * 2;
		struct ledger_entry *more =
		        realloc(ledger->entries, capacity * sizeof(struct ledger_entry));
		if (more == NULL)
			return fault_set(fault, HWB_NO_MEMORY, "no memory to book a DMA mapping");
		ledger->entries = more;
		ledger->capacity = capacity;
	}
	return 0;
}

static void put(struct ledger *ledger, uint64_t iova, uint64_t size)
{
	uint32_t at = position(ledger, iova);
	memmove(ledger->entries + at + 1, ledger->entries + at,
	        (ledger->count - at) * sizeof(struct ledger_entry));
	ledger->entries[at] = (struct ledger_entry){ .iova = iova, .size = size };
	ledger->count++;
	ledger->bytes += size;
}

static int insert(struct ledger *ledger, uint64_t iova, uint64_t size, struct fault *fault)
{
	if (make_room(ledger, fault) != 0)
		return -1;
	put(ledger, iova, size);
	return 0;
}

int ledger_reserve(struct ledger *ledger, struct fault *fault)
{
	if (make_room(ledger, fault) != 0)
		return -1;
	ledger->reserved++;
	return 0;
}

void ledger_give_up(struct ledger *ledger)
{
	ledger->reserved--;
}

void ledger_note_place(struct ledger *ledger, uint64_t iova, uint64_t size)
{
	ledger->reserved--;
	put(ledger, iova, size);
}

/* First fit at or above `from` in one window. */
static bool search_window(const struct ledger *ledger, const struct hwb_iova_range *window,
                          uint64_t from, uint64_t size, uint64_t alignment, uint64_t limit,
                          uint64_t *iova)
{
	uint64_t last = window->last < limit ? window->last : limit;
	uint64_t candidate = window->first > from ? window->first : from;

	for (uint32_t at = position(ledger, candidate);; at++) {
		if (candidate > UINT64_MAX - (alignment - 1))
			return false;
		candidate = (candidate + alignment - 1) & ~(alignment - 1);
		if (candidate > last || last - candidate < size - 1)
			return false;
		if (at == ledger->count || candidate + (size - 1) < ledger->entries[at].iova) {
			*iova = candidate;
			return true;
		}
		uint64_t end = ledger->entries[at].iova + (ledger->entries[at].size - 1);
		if (end == UINT64_MAX)
			return false;
		if (end + 1 > candidate)
			candidate = end + 1;
	}
}

static bool search(const struct ledger *ledger, uint64_t from, uint64_t size, uint64_t alignment,
                   uint64_t limit, uint64_t *iova)
{
	for (uint32_t i = 0; i < ledger->window_count; i++)
		if (ledger->windows[i].last >= from &&
		    search_window(ledger, &ledger->windows[i], from, size, alignment, limit, iova))
			return true;
	return false;
}

int ledger_place(struct ledger *ledger, uint64_t size, uint64_t alignment, uint64_t limit,
                 uint64_t *iova, struct fault *fault)
{
	/* From where the last search ended, so that a long row of mappings is not
	 * walked again for each; then once from the bottom. */
	if (!search(ledger, ledger->hint, size, alignment, limit, iova) &&
	    !search(ledger, 0, size, alignment, limit, iova))
		return fault_set(fault, HWB_CONFLICT,
		                 "no room for %" PRIu64 " bytes, aligned to 0x%" PRIx64
		                 ", at or below 0x%" PRIx64 " in this domain",
		                 size, alignment, limit);
	if (insert(ledger, *iova, size, fault) != 0)
		return -1;
	ledger->hint = *iova + size;
	return 0;
}

int ledger_place_at(struct ledger *ledger, uint64_t iova, uint64_t size, uint64_t limit,
                    struct fault *fault)
{
	uint64_t last = iova + (size - 1);
	bool inside = false;

	if (last < iova || last > limit)
		return fault_set(fault, HWB_INVALID,
		                 "0x%" PRIx64 " and %" PRIu64
		                 " bytes end above the limit 0x%" PRIx64,
		                 iova, size, limit);
	for (uint32_t i = 0; i < ledger->window_count && !inside; i++)
		inside = iova >= ledger->windows[i].first && last <= ledger->windows[i].last;
	if (!inside)
		return fault_set(fault, HWB_CONFLICT,
		                 "0x%" PRIx64 "-0x%" PRIx64
		                 " is not within a usable window of this "
		                 "domain (DOMAIN_INFO lists them)",
		                 iova, last);
	uint32_t at = position(ledger, iova);
	if (at < ledger->count && ledger->entries[at].iova <= last)
		return fault_set(fault, HWB_CONFLICT,
		                 "0x%" PRIx64 "-0x%" PRIx64 " overlaps the mapping at 0x%" PRIx64,
		                 iova, last, ledger->entries[at].iova);
	return insert(ledger, iova, size, fault);
}

static uint32_t exact(const struct ledger *ledger, uint64_t iova)
{
	uint32_t at = position(ledger, iova);
	return at < ledger->count && ledger->entries[at].iova == iova ? at : UINT32_MAX;
}

uint64_t ledger_find(const struct ledger *ledger, uint64_t iova)
{
	uint32_t at = exact(ledger, iova);
	return at == UINT32_MAX ? 0 : ledger->entries[at].size;
}

uint32_t *ledger_note(struct ledger *ledger, uint64_t iova)
{
	uint32_t at = exact(ledger, iova);
	return at == UINT32_MAX ? NULL : &ledger->entries[at].note;
}

uint64_t ledger_remove(struct ledger *ledger, uint64_t iova)
{
	uint32_t at = exact(ledger, iova);
	if (at == UINT32_MAX)
		return 0;
	uint64_t size = ledger->entries[at].size;
	ledger->count--;
	ledger->bytes -= size;
	memmove(ledger->entries + at, ledger->entries + at + 1,
	        (ledger->count - at) * sizeof(struct ledger_entry));
	return size;
}
