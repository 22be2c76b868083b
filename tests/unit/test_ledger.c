/* SPDX-License-Identifier: MIT */
/* Where mappings go, what may not be, and that the books always add up. */
#include "session/dma/ledger.h"

#include "suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

static const uint64_t narrow_top = (1ull << 39) - 1;

static struct ledger ledger;

static void setup(void)
{
	ledger_init(&ledger);
}

static void teardown(void)
{
	ledger_free(&ledger);
}

/* As ck_assert, which tells the test's runner of each call: too slow for loops. */
static void holds(bool condition, const char *what)
{
	if (!condition)
		ck_abort_msg("%s does not hold", what);
}

static void windows(const struct hwb_iova_range *ranges, uint32_t count)
{
	ledger_set_windows(&ledger, ranges, count);
}

/* Places, or returns 0, which is never an address of a mapping. */
static uint64_t place(uint64_t size, uint64_t alignment, uint64_t limit)
{
	struct fault fault = { 0 };
	uint64_t iova = 0;
	uint32_t count = ledger.count;

	if (ledger_place(&ledger, size, alignment, limit, &iova, &fault) == 0) {
		holds(iova != 0, "an address is not 0");
		holds(ledger.count == count + 1, "one more booking");
		return iova;
	}
	holds(fault.status == HWB_CONFLICT, "a lack of room is a conflict");
	holds(fault.reason[0] != 0, "a reason is given");
	holds(ledger.count == count, "a refusal books nothing");
	return 0;
}

static enum hwb_status place_at(uint64_t iova, uint64_t size, uint64_t limit)
{
	struct fault fault = { 0 };
	uint32_t count = ledger.count;
	uint64_t bytes = ledger.bytes;

	if (ledger_place_at(&ledger, iova, size, limit, &fault) == 0) {
		holds(ledger.bytes == bytes + size, "the sum grows");
		return HWB_OK;
	}
	holds(fault.reason[0] != 0, "a reason is given");
	holds(ledger.count == count, "a refusal books nothing");
	holds(ledger.bytes == bytes, "a refusal charges nothing");
	return fault.status;
}

/* ---- choice of address ---- */

START_TEST(first_is_above_the_first_page)
{
	uint64_t iova = place(PAGE, PAGE, UINT64_MAX);

	ck_assert_uint_eq(iova, PAGE);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 2 * PAGE);
	ck_assert_uint_eq(ledger.bytes, 2 * PAGE);
	ck_assert_uint_eq(ledger_find(&ledger, iova), PAGE);
}
END_TEST

START_TEST(alignment_holds)
{
	for (unsigned bit = 12; bit < 38; bit++) {
		uint64_t iova = place(PAGE, 1ull << bit, UINT64_MAX);
		ck_assert_uint_ne(iova, 0);
		ck_assert_uint_eq(iova % (1ull << bit), 0);
	}
	ck_assert_uint_eq(place(PAGE, 1ull << 39, UINT64_MAX), 0);
	ck_assert_uint_eq(place(PAGE, 1ull << 63, UINT64_MAX), 0);
}
END_TEST

START_TEST(gaps_before_an_aligned_one_are_used)
{
	ck_assert_uint_eq(place(PAGE, 1 << 20, UINT64_MAX), 1 << 20);
	/* Behind first; what lies below is for those that need it. */
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), (1 << 20) + PAGE);
	ck_assert_uint_eq(place(PAGE, PAGE, (1 << 20) - 1), PAGE);
}
END_TEST

START_TEST(limits_are_inclusive)
{
	ck_assert_uint_eq(place(PAGE, PAGE, 2 * PAGE - 2), 0);
	ck_assert_uint_eq(place(PAGE, PAGE, 2 * PAGE - 1), PAGE);
	ck_assert_uint_eq(place(PAGE, PAGE, 2 * PAGE - 1), 0);
	ck_assert_uint_eq(place(PAGE, PAGE, 0), 0);
	ck_assert_uint_eq(place(PAGE, PAGE, PAGE - 1), 0);
	/* 32-bit devices: both ends of what they reach. */
	ck_assert_uint_eq(place(0x100000, 0x100000, 0x7fffff), 0x100000);
	for (;;) {
		uint64_t iova = place(1u << 28, 1u << 28, UINT32_MAX);
		if (iova == 0)
			break;
		ck_assert_uint_le(iova + (1u << 28) - 1, UINT32_MAX);
	}
	ck_assert_uint_ne(place(1u << 28, 1u << 28, UINT64_MAX), 0);
}
END_TEST

START_TEST(the_msi_window_stays_free)
{
	/* Four gigabytes in pieces that would cover it, then exactly there. */
	for (uint64_t iova; (iova = place(1u << 20, 1u << 20, UINT32_MAX)) != 0;)
		ck_assert(iova + (1u << 20) - 1 < 0xfee00000 || iova > 0xfeefffff);
	ck_assert_uint_eq(ledger_find(&ledger, 0xfed00000), 1u << 20);
	ck_assert_uint_eq(ledger_find(&ledger, 0xfee00000), 0);
	ck_assert_uint_eq(ledger_find(&ledger, 0xfef00000), 1u << 20);
	ledger_free(&ledger);
	ledger_init(&ledger);
	ck_assert_uint_eq(place_at(0xfee00000, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0xfeeff000, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0xfedff000, 2 * PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0xfeeff000, 2 * PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0xfe000000, 0x2000000, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0xfedff000, PAGE, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(place_at(0xfef00000, PAGE, UINT64_MAX), HWB_OK);
}
END_TEST

START_TEST(the_narrow_top_is_the_end)
{
	ck_assert_uint_eq(place_at(narrow_top + 1 - PAGE, PAGE, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(place_at(narrow_top + 1, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place(1ull << 39, PAGE, UINT64_MAX), 0);
	ck_assert_uint_eq(place(1ull << 38, 1ull << 38, UINT64_MAX), 0);
	ck_assert_uint_eq(ledger_remove(&ledger, narrow_top + 1 - PAGE), PAGE);
	ck_assert_uint_eq(place(1ull << 38, 1ull << 38, UINT64_MAX), 1ull << 38);
}
END_TEST

START_TEST(holes_are_found_again)
{
	for (unsigned i = 0; i < 100; i++)
		ck_assert_uint_eq(place(PAGE, PAGE, 101 * PAGE - 1), (i + 1) * PAGE);
	ck_assert_uint_eq(place(PAGE, PAGE, 101 * PAGE - 1), 0);
	ck_assert_uint_eq(ledger_remove(&ledger, 50 * PAGE), PAGE);
	ck_assert_uint_eq(ledger_remove(&ledger, 51 * PAGE), PAGE);
	ck_assert_uint_eq(place(3 * PAGE, PAGE, 101 * PAGE - 1), 0);
	ck_assert_uint_eq(place(2 * PAGE, PAGE, 101 * PAGE - 1), 50 * PAGE);
}
END_TEST

/* ---- windows ---- */

START_TEST(windows_of_hardware)
{
	static const struct hwb_iova_range ranges[] = { { 0, 0x3fff },
		                                        { 0x8000, 0x8fff },
		                                        { 0x10000, 0x12fff } };

	windows(ranges, 3);
	ck_assert_uint_eq(ledger.window_count, 3);
	/* The first page stays out. */
	ck_assert_uint_eq(ledger.windows[0].first, PAGE);
	ck_assert_uint_eq(place_at(0, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place(3 * PAGE, PAGE, UINT64_MAX), PAGE);
	ck_assert_uint_eq(place(2 * PAGE, PAGE, UINT64_MAX), 0x10000);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 0x12000);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 0x8000);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 0);
}
END_TEST

START_TEST(no_mapping_spans_windows)
{
	static const struct hwb_iova_range ranges[] = { { 0x1000, 0x1fff }, { 0x2000, 0x2fff } };

	windows(ranges, 2);
	ck_assert_uint_eq(place(2 * PAGE, PAGE, UINT64_MAX), 0);
	ck_assert_uint_eq(place_at(0x1000, 2 * PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0x2000, PAGE, UINT64_MAX), HWB_OK);
}
END_TEST

START_TEST(odd_windows)
{
	static const struct hwb_iova_range first_page[] = { { 0, PAGE - 1 } };
	static const struct hwb_iova_range crooked[] = { { 0x1801, 0x47ff } };
	struct hwb_iova_range many[LEDGER_WINDOWS + 8];

	windows(first_page, 1);
	ck_assert_uint_eq(ledger.window_count, 0);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 0);
	ck_assert_uint_eq(place_at(PAGE, PAGE, UINT64_MAX), HWB_CONFLICT);
	windows(NULL, 0);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 0);
	windows(crooked, 1);
	ck_assert_uint_eq(place(2 * PAGE, PAGE, UINT64_MAX), 0x2000);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 0);
	for (unsigned i = 0; i < LEDGER_WINDOWS + 8; i++)
		many[i] = (struct hwb_iova_range){ (i + 1) * 0x10000ull,
			                           (i + 1) * 0x10000ull + 0xfff };
	windows(many, LEDGER_WINDOWS + 8);
	ck_assert_uint_eq(ledger.window_count, LEDGER_WINDOWS);
	ck_assert_uint_eq(place_at(LEDGER_WINDOWS * 0x10000ull, PAGE, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(place_at((LEDGER_WINDOWS + 1) * 0x10000ull, PAGE, UINT64_MAX),
	                  HWB_CONFLICT);
}
END_TEST

START_TEST(narrower_windows_leave_bookings_alone)
{
	static const struct hwb_iova_range narrow[] = { { 0x100000, 0x1fffff } };
	uint64_t old = place(PAGE, PAGE, UINT64_MAX);

	windows(narrow, 1);
	ck_assert_uint_eq(ledger_find(&ledger, old), PAGE);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 0x100000);
	ck_assert_uint_eq(ledger_remove(&ledger, old), PAGE);
	ck_assert_uint_eq(ledger.bytes, PAGE);
}
END_TEST

/* ---- fixed addresses ---- */

START_TEST(overlaps_are_conflicts)
{
	ck_assert_uint_eq(place_at(0x10000, 0x4000, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(place_at(0x10000, 0x4000, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0x10000, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0x11000, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0x13000, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0xf000, 2 * PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0x13000, 2 * PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0x8000, 0x10000, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(0xf000, PAGE, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(place_at(0x14000, PAGE, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(ledger.count, 3);
	ck_assert_uint_eq(ledger.bytes, 6 * PAGE);
}
END_TEST

START_TEST(fixed_and_chosen_do_not_meet)
{
	ck_assert_uint_eq(place_at(2 * PAGE, PAGE, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(place_at(4 * PAGE, 4 * PAGE, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), PAGE);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 3 * PAGE);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 8 * PAGE);
	ck_assert_uint_eq(place_at(8 * PAGE, PAGE, UINT64_MAX), HWB_CONFLICT);
}
END_TEST

START_TEST(fixed_ends_at_the_limit)
{
	ck_assert_uint_eq(place_at(0x10000, PAGE, 0x10ffe), HWB_INVALID);
	ck_assert_uint_eq(place_at(0x10000, PAGE, 0x10fff), HWB_OK);
	ck_assert_uint_eq(place_at(0x20000, PAGE, 0), HWB_INVALID);
}
END_TEST

/* ---- the edge of 64 bits ---- */

START_TEST(nothing_wraps)
{
	static const struct hwb_iova_range all[] = { { 0, UINT64_MAX } };
	const uint64_t last = UINT64_MAX - PAGE + 1;

	ck_assert_uint_eq(place_at(last, 2 * PAGE, UINT64_MAX), HWB_INVALID);
	ck_assert_uint_eq(place_at(PAGE, last, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(2 * PAGE, last, UINT64_MAX), HWB_INVALID);
	ck_assert_uint_eq(place_at(UINT64_MAX - 1, last, UINT64_MAX), HWB_INVALID);
	ck_assert_uint_eq(place(last, PAGE, UINT64_MAX), 0);
	ck_assert_uint_eq(place(last, 1ull << 63, UINT64_MAX), 0);
	windows(all, 1);
	ck_assert_uint_eq(place_at(last, PAGE, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(place_at(last, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(last, 2 * PAGE, UINT64_MAX), HWB_INVALID);
	ck_assert_uint_eq(place(PAGE, 1ull << 63, UINT64_MAX), 1ull << 63);
	/* Behind it there is room, but none that is aligned. */
	ck_assert_uint_eq(place(PAGE, 1ull << 63, UINT64_MAX), 0);
	ck_assert_uint_eq(ledger_find(&ledger, last), PAGE);
	ck_assert_uint_eq(ledger_remove(&ledger, last), PAGE);
	ck_assert_uint_eq(ledger_remove(&ledger, 1ull << 63), PAGE);
	/* All but the first page in one piece, to the very last byte. */
	ck_assert_uint_eq(place(last, PAGE, UINT64_MAX), PAGE);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 0);
	ck_assert_uint_eq(place_at(last, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(place_at(PAGE, PAGE, UINT64_MAX), HWB_CONFLICT);
	ck_assert_uint_eq(ledger_remove(&ledger, PAGE), last);
	ck_assert_uint_eq(ledger.bytes, 0);
	ck_assert_uint_ne(place(PAGE, PAGE, UINT64_MAX), 0);
}
END_TEST

START_TEST(a_window_at_the_very_top)
{
	static const struct hwb_iova_range top[] = { { UINT64_MAX - 4 * PAGE + 1, UINT64_MAX } };

	windows(top, 1);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), UINT64_MAX - (4 - i) * PAGE + 1);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), 0);
	ck_assert_uint_eq(ledger_remove(&ledger, UINT64_MAX - 3 * PAGE + 1), PAGE);
	ck_assert_uint_eq(place(2 * PAGE, PAGE, UINT64_MAX), 0);
	ck_assert_uint_eq(place(PAGE, PAGE, UINT64_MAX), UINT64_MAX - 3 * PAGE + 1);
}
END_TEST

/* ---- removal ---- */

START_TEST(only_the_start_names_a_mapping)
{
	ck_assert_uint_eq(place_at(0x10000, 0x4000, UINT64_MAX), HWB_OK);
	ck_assert_uint_eq(place_at(0x20000, PAGE, UINT64_MAX), HWB_OK);
	static const uint64_t others[] = { 0,       0xf000,  0x10001, 0x11000,   0x13fff,
		                           0x14000, 0x1f000, 0x21000, UINT64_MAX };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ck_assert_uint_eq(ledger_find(&ledger, others[i]), 0);
		ck_assert_uint_eq(ledger_remove(&ledger, others[i]), 0);
	}
	ck_assert_uint_eq(ledger.count, 2);
	ck_assert_uint_eq(ledger_remove(&ledger, 0x10000), 0x4000);
	ck_assert_uint_eq(ledger_remove(&ledger, 0x10000), 0);
	ck_assert_uint_eq(ledger_find(&ledger, 0x20000), PAGE);
	ck_assert_uint_eq(ledger_remove(&ledger, 0x20000), PAGE);
	ck_assert_uint_eq(ledger.count, 0);
	ck_assert_uint_eq(ledger.bytes, 0);
	ck_assert_uint_eq(ledger_remove(&ledger, 0x20000), 0);
}
END_TEST

/* ---- against a model of one byte a page ---- */

enum { MODEL_PAGES = 256 };

static const struct hwb_iova_range model_windows[] = { { 0, 60 * PAGE - 1 },
	                                               { 64 * PAGE, 130 * PAGE - 1 },
	                                               { 131 * PAGE, 200 * PAGE + 100 } };

struct model {
	uint8_t taken[MODEL_PAGES];   /* by a mapping */
	uint16_t length[MODEL_PAGES]; /* pages of the one that starts here */
};

static bool usable(unsigned page, unsigned pages)
{
	for (size_t i = 0; i < 3; i++) {
		uint64_t first = i == 0 ? PAGE : model_windows[i].first;
		if ((uint64_t)page * PAGE >= first &&
		    (uint64_t)(page + pages) * PAGE - 1 <= model_windows[i].last)
			return true;
	}
	return false;
}

static bool fits(const struct model *model, unsigned page, unsigned pages, uint64_t limit)
{
	if (page + pages > MODEL_PAGES || (uint64_t)(page + pages) * PAGE - 1 > limit ||
	    !usable(page, pages))
		return false;
	for (unsigned i = page; i < page + pages; i++)
		if (model->taken[i])
			return false;
	return true;
}

static bool fits_anywhere(const struct model *model, unsigned pages, unsigned alignment,
                          uint64_t limit)
{
	for (unsigned page = 0; page < MODEL_PAGES; page += alignment)
		if (fits(model, page, pages, limit))
			return true;
	return false;
}

static void mark(struct model *model, unsigned page, unsigned pages, bool taken)
{
	memset(model->taken + page, taken, pages);
	model->length[page] = (uint16_t)(taken ? pages : 0);
}

static const struct ledger_entry *last_entry(void)
{
	struct sorted_place end = { ledger.entries.chunk_count, 0 }, last;

	return sorted_before(&ledger.entries, end, &last);
}

static void same_books(const struct model *model)
{
	uint64_t bytes = 0;
	uint32_t count = 0;

	for (unsigned page = 0; page < MODEL_PAGES; page++) {
		holds(ledger_find(&ledger, (uint64_t)page * PAGE) ==
		              (uint64_t)model->length[page] * PAGE,
		      "the same mapping starts here");
		bytes += (uint64_t)model->length[page] * PAGE;
		count += model->length[page] != 0;
	}
	holds(ledger.bytes == bytes, "the same sum");
	holds(ledger.count == count, "the same count");
	struct sorted_place place = sorted_from(&ledger.entries, 0), before;
	for (const struct ledger_entry *entry; (entry = sorted_at(&ledger.entries, place)) != NULL;
	     place = sorted_next(&ledger.entries, place)) {
		const struct ledger_entry *last = sorted_before(&ledger.entries, place, &before);
		holds(last == NULL || last->iova + last->size - 1 < entry->iova,
		      "ascending, without overlap");
	}
}

static unsigned below(unsigned end)
{
	return (unsigned)rand() % end;
}

START_TEST(agrees_with_a_naive_model)
{
	struct model model = { 0 };

	srand((unsigned)_i + 1);
	windows(model_windows, 3);
	for (unsigned step = 0; step < 3000; step++) {
		unsigned pages = 1 + below(below(4) == 0 ? 24 : 4);
		unsigned page = below(MODEL_PAGES);
		uint64_t limit = below(3) == 0 ? (uint64_t)below(MODEL_PAGES) * PAGE + below(PAGE)
		                               : UINT64_MAX;
		switch (below(5)) {
		case 0:
		case 1: {
			unsigned alignment = 1u << below(6);
			bool expected = fits_anywhere(&model, pages, alignment, limit);
			uint64_t iova =
			        place((uint64_t)pages * PAGE, (uint64_t)alignment * PAGE, limit);
			holds((iova != 0) == expected, "room is found if there is any");
			if (iova == 0)
				break;
			holds(iova % ((uint64_t)alignment * PAGE) == 0, "the alignment");
			holds(fits(&model, (unsigned)(iova / PAGE), pages, limit),
			      "the place is free");
			mark(&model, (unsigned)(iova / PAGE), pages, true);
			break;
		}
		case 2: {
			bool expected = fits(&model, page, pages, limit);
			enum hwb_status status =
			        place_at((uint64_t)page * PAGE, (uint64_t)pages * PAGE, limit);
			holds((status == HWB_OK) == expected, "room is there or not");
			if (expected)
				mark(&model, page, pages, true);
			break;
		}
		default:
			holds(ledger_remove(&ledger, (uint64_t)page * PAGE) ==
			              (uint64_t)model.length[page] * PAGE,
			      "what is removed was there");
			if (model.length[page] != 0)
				mark(&model, page, model.length[page], false);
			break;
		}
		if (step % 64 == 0)
			same_books(&model);
	}
	same_books(&model);
}
END_TEST

/* ---- many ---- */

enum { MANY = 60000, SOME = 6000 };

START_TEST(many_mappings)
{
	for (unsigned i = 0; i < MANY; i++)
		holds(place(PAGE, PAGE, UINT32_MAX) == (uint64_t)(i + 1) * PAGE,
		      "one behind the other");
	holds(ledger.count == MANY, "all are booked");
	for (unsigned i = 0; i < MANY; i += 7)
		holds(ledger_find(&ledger, (uint64_t)(i + 1) * PAGE) == PAGE, "each is found");
	/* A ring: the oldest goes, a new one comes. */
	for (unsigned i = 0; i < 2000; i++) {
		holds(ledger_remove(&ledger, (uint64_t)(i + 1) * PAGE) == PAGE, "the oldest goes");
		holds(place(PAGE, PAGE, UINT32_MAX) != 0, "a new one comes");
	}
	holds(ledger.count == MANY, "as many as before");
	holds(ledger.bytes == (uint64_t)MANY * PAGE, "as much as before");
	/* From the end, then nothing is left. */
	while (ledger.count != 0)
		holds(ledger_remove(&ledger, last_entry()->iova) == PAGE, "each goes");
	holds(ledger.bytes == 0, "nothing is left");
}
END_TEST

START_TEST(some_fixed_from_the_top_down)
{
	for (unsigned i = 0; i < SOME; i++)
		holds(place_at((uint64_t)(2 * SOME - i) * PAGE, PAGE, UINT64_MAX) == HWB_OK,
		      "a free place is given");
	holds(place(PAGE, PAGE, UINT64_MAX) == PAGE, "the bottom is free");
	holds(ledger.count == SOME + 1, "all are booked");
}
END_TEST

/* Without an IOMMU an address is known only when the memory is there. */
START_TEST(what_others_place_has_its_room)
{
	struct ledger two;

	ledger_init(&two);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert_int_eq(ledger_reserve(&two, NULL), 0);
	ledger_give_up(&two);
	/* Booked in the order in which it was done, and wherever it is. */
	for (uint64_t i = 99; i-- > 0;)
		ledger_note_place(&two, (i << 44) + 0x1000, 0x1000);
	ck_assert_uint_eq(two.entries.reserved, 0);
	ck_assert_uint_eq(two.count, 99);
	ck_assert_uint_eq(two.bytes, 99 * 0x1000);
	for (uint64_t i = 0; i < 99; i++)
		ck_assert_uint_eq(ledger_remove(&two, (i << 44) + 0x1000), 0x1000);
	ck_assert_uint_eq(two.bytes, 0);
	ledger_free(&two);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *choice = tcase_create("choice");
	TCase *fixed = tcase_create("fixed");
	TCase *many = tcase_create("many");

	tcase_add_checked_fixture(choice, setup, teardown);
	tcase_add_checked_fixture(fixed, setup, teardown);
	tcase_add_checked_fixture(many, setup, teardown);
	tcase_add_test(choice, first_is_above_the_first_page);
	tcase_add_test(choice, alignment_holds);
	tcase_add_test(choice, gaps_before_an_aligned_one_are_used);
	tcase_add_test(choice, limits_are_inclusive);
	tcase_add_test(choice, the_msi_window_stays_free);
	tcase_add_test(choice, the_narrow_top_is_the_end);
	tcase_add_test(choice, holes_are_found_again);
	tcase_add_test(choice, windows_of_hardware);
	tcase_add_test(choice, no_mapping_spans_windows);
	tcase_add_test(choice, odd_windows);
	tcase_add_test(choice, narrower_windows_leave_bookings_alone);
	tcase_add_test(fixed, overlaps_are_conflicts);
	tcase_add_test(fixed, fixed_and_chosen_do_not_meet);
	tcase_add_test(fixed, fixed_ends_at_the_limit);
	tcase_add_test(fixed, nothing_wraps);
	tcase_add_test(fixed, a_window_at_the_very_top);
	tcase_add_test(fixed, only_the_start_names_a_mapping);
	tcase_add_loop_test(many, agrees_with_a_naive_model, 0, 4);
	tcase_add_test(many, many_mappings);
	tcase_add_test(many, what_others_place_has_its_room);
	tcase_add_test(many, some_fixed_from_the_top_down);
	suite_add_tcase(suite, choice);
	suite_add_tcase(suite, fixed);
	suite_add_tcase(suite, many);
	return suite_run(suite);
}
