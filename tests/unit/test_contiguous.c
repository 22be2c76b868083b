/* SPDX-License-Identifier: MIT */
/* Which of the pages that are free are one piece, as a device needs it. */
#include "kernel/memory/contiguous.h"

#include "kernel/memory/memory.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>

enum { HUGE = MEMORY_HUGE_PAGE };

static struct contiguous_want want(uint64_t pages, uint64_t alignment, uint64_t limit)
{
	return (struct contiguous_want){
		.size = pages * HUGE,
		.page_size = HUGE,
		.alignment = alignment,
		.limit = limit,
	};
}

static uint64_t find(const uint64_t *sorted, uint64_t count, struct contiguous_want wanted,
                     uint64_t *longest)
{
	return contiguous_find(sorted, count, wanted.size / HUGE, &wanted, longest);
}

static const uint64_t pages[] = {
	/* one, three, two, and four of them */
	1ull * HUGE,  8ull * HUGE,  9ull * HUGE,  10ull * HUGE, 20ull * HUGE,
	21ull * HUGE, 31ull * HUGE, 32ull * HUGE, 33ull * HUGE, 34ull * HUGE,
};
enum { PAGES = sizeof(pages) / sizeof(pages[0]) };

START_TEST(the_highest_piece_is_taken)
{
	uint64_t longest;

	ck_assert_uint_eq(find(pages, PAGES, want(1, 0, UINT64_MAX), &longest), 9);
	ck_assert_uint_eq(find(pages, PAGES, want(2, 0, UINT64_MAX), &longest), 8);
	ck_assert_uint_eq(find(pages, PAGES, want(4, 0, UINT64_MAX), &longest), 6);
	ck_assert_uint_eq(find(pages, PAGES, want(5, 0, UINT64_MAX), &longest), UINT64_MAX);
	ck_assert_uint_eq(longest, 4);
	ck_assert_uint_eq(find(pages, 0, want(1, 0, UINT64_MAX), &longest), UINT64_MAX);
	ck_assert_uint_eq(longest, 0);
}
END_TEST

START_TEST(limits_are_of_the_last_byte)
{
	uint64_t longest;

	ck_assert_uint_eq(find(pages, PAGES, want(3, 0, 11ull * HUGE - 1), &longest), 1);
	ck_assert_uint_eq(find(pages, PAGES, want(3, 0, 11ull * HUGE - 2), &longest), UINT64_MAX);
	ck_assert_uint_eq(longest, 2);
	ck_assert_uint_eq(find(pages, PAGES, want(1, 0, 2ull * HUGE - 1), &longest), 0);
	/* What is larger, and beyond the limit, is no piece. */
	ck_assert_uint_eq(find(pages, PAGES, want(1, 0, 2ull * HUGE - 2), &longest), UINT64_MAX);
	ck_assert_uint_eq(longest, 0);
}
END_TEST

START_TEST(alignment_is_of_the_first_byte)
{
	uint64_t longest;

	ck_assert_uint_eq(find(pages, PAGES, want(2, 4ull * HUGE, UINT64_MAX), &longest), 7);
	ck_assert_uint_eq(find(pages, PAGES, want(4, 4ull * HUGE, UINT64_MAX), &longest),
	                  UINT64_MAX);
	ck_assert_uint_eq(longest, 3);
	ck_assert_uint_eq(find(pages, PAGES, want(1, 64ull * HUGE, UINT64_MAX), &longest),
	                  UINT64_MAX);
	ck_assert_uint_eq(longest, 0);
	ck_assert_uint_eq(find(pages, PAGES, want(3, 8ull * HUGE, UINT64_MAX), &longest), 7);
	ck_assert_uint_eq(find(pages, PAGES, want(3, 8ull * HUGE, 32ull * HUGE), &longest), 1);
}
END_TEST

START_TEST(order_counts)
{
	const uint64_t up[] = { 4ull * HUGE, 5ull * HUGE, 6ull * HUGE };
	const uint64_t down[] = { 6ull * HUGE, 5ull * HUGE, 4ull * HUGE };
	const struct contiguous_want any = want(3, 0, UINT64_MAX);

	ck_assert(contiguous_fits(up, 3, &any));
	ck_assert(!contiguous_fits(down, 3, &any));
	ck_assert(contiguous_fits(down, 1, &any));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contiguous");
	TCase *tests = tcase_create("pieces");

	tcase_add_test(tests, the_highest_piece_is_taken);
	tcase_add_test(tests, limits_are_of_the_last_byte);
	tcase_add_test(tests, alignment_is_of_the_first_byte);
	tcase_add_test(tests, order_counts);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
