/* SPDX-License-Identifier: MIT */
#include "session/dma/ledger.h"

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
	sorted_init(&ledger->entries, sizeof(struct ledger_entry));
}

void ledger_free(struct ledger *ledger)
{
	sorted_free(&ledger->entries);
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

static uint64_t last_of(const struct ledger_entry *entry)
{
	return entry->iova + (entry->size - 1);
}

/* Where the first entry is that ends at or above `address`. */
static struct sorted_place position(const struct ledger *ledger, uint64_t address)
{
	struct sorted_place place = sorted_from(&ledger->entries, address), before;
	const struct ledger_entry *entry = sorted_before(&ledger->entries, place, &before);

	return entry != NULL && last_of(entry) >= address ? before : place;
}

static void note(struct ledger *ledger, struct ledger_entry *entry, uint64_t size)
{
	entry->size = size;
	ledger->count++;
	ledger->bytes += size;
}

static int refuse_memory(struct fault *fault)
{
	return fault_set(fault, HWB_NO_MEMORY, "no memory to book a DMA mapping");
}

static int insert(struct ledger *ledger, uint64_t iova, uint64_t size, struct fault *fault)
{
	struct ledger_entry *entry = sorted_add(&ledger->entries, iova);

	if (entry == NULL)
		return refuse_memory(fault);
	note(ledger, entry, size);
	return 0;
}

int ledger_reserve(struct ledger *ledger, struct fault *fault)
{
	return sorted_reserve(&ledger->entries) == 0 ? 0 : refuse_memory(fault);
}

void ledger_give_up(struct ledger *ledger)
{
	sorted_give_up(&ledger->entries);
}

void ledger_note_place(struct ledger *ledger, uint64_t iova, uint64_t size)
{
	note(ledger, sorted_add_reserved(&ledger->entries, iova), size);
}

/* First fit at or above `from` in one window. */
static bool search_window(const struct ledger *ledger, const struct hwb_iova_range *window,
                          uint64_t from, uint64_t size, uint64_t alignment, uint64_t limit,
                          uint64_t *iova)
{
	uint64_t last = window->last < limit ? window->last : limit;
	uint64_t candidate = window->first > from ? window->first : from;

	struct sorted_place at = position(ledger, candidate);
	for (;; at = sorted_next(&ledger->entries, at)) {
		const struct ledger_entry *entry = sorted_at(&ledger->entries, at);
		if (candidate > UINT64_MAX - (alignment - 1))
			return false;
		candidate = (candidate + alignment - 1) & ~(alignment - 1);
		if (candidate > last || last - candidate < size - 1)
			return false;
		if (entry == NULL || candidate + (size - 1) < entry->iova) {
			*iova = candidate;
			return true;
		}
		uint64_t end = last_of(entry);
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
	const struct ledger_entry *entry = sorted_at(&ledger->entries, position(ledger, iova));
	if (entry != NULL && entry->iova <= last)
		return fault_set(fault, HWB_CONFLICT,
		                 "0x%" PRIx64 "-0x%" PRIx64 " overlaps the mapping at 0x%" PRIx64,
		                 iova, last, entry->iova);
	return insert(ledger, iova, size, fault);
}

uint64_t ledger_find(const struct ledger *ledger, uint64_t iova)
{
	const struct ledger_entry *entry = sorted_find(&ledger->entries, iova);

	return entry == NULL ? 0 : entry->size;
}

uint32_t *ledger_note(struct ledger *ledger, uint64_t iova)
{
	struct ledger_entry *entry = sorted_find(&ledger->entries, iova);

	return entry == NULL ? NULL : &entry->note;
}

uint64_t ledger_remove(struct ledger *ledger, uint64_t iova)
{
	struct sorted_place place = sorted_from(&ledger->entries, iova);
	const struct ledger_entry *entry = sorted_at(&ledger->entries, place);

	if (entry == NULL || entry->iova != iova)
		return 0;
	uint64_t size = entry->size;
	sorted_remove(&ledger->entries, place);
	ledger->count--;
	ledger->bytes -= size;
	return size;
}
