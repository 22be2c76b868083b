/* SPDX-License-Identifier: MIT */
/* Things in order, against an array of them. */
#include "util/sorted.h"

#include "suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 3000, NUMBERS = 5000 };

struct item {
	uint64_t number;
	uint32_t what;
};

static struct sorted list;
static bool there[NUMBERS]; /* number n * 10 */
static uint32_t count;

static void setup(void)
{
	sorted_init(&list, sizeof(struct item));
	memset(there, 0, sizeof(there));
	count = 0;
	srand(1);
}

static void teardown(void)
{
	sorted_free(&list);
	ck_assert_uint_eq(list.count, 0);
}

/* Forwards and backwards, and what is found is what is there. */
static void compare(void)
{
	struct sorted_place place = sorted_from(&list, 0), before;
	const struct item *item;
	uint32_t seen = 0;

	ck_assert_uint_eq(list.count, count);
	for (uint32_t i = 0; i < NUMBERS; i++) {
		item = sorted_find(&list, i * 10);
		ck_assert_int_eq(item != NULL, there[i]);
		ck_assert_ptr_null(sorted_find(&list, i * 10 + 1));
		ck_assert_ptr_eq(sorted_at(&list, sorted_from(&list, i * 10)),
		                 sorted_at(&list, place));
		if (!there[i])
			continue;
		ck_assert_uint_eq(item->what, i);
		ck_assert_ptr_eq(sorted_at(&list, place), item);
		const struct item *last = sorted_before(&list, place, &before);
		ck_assert_int_eq(last == NULL, seen == 0);
		ck_assert(last == NULL || last->number < item->number);
		place = sorted_next(&list, place);
		seen++;
	}
	ck_assert_uint_eq(seen, count);
	ck_assert_ptr_null(sorted_at(&list, place));
}

static void add(uint32_t i, bool reserved)
{
	struct item *item =
	        reserved ? sorted_add_reserved(&list, i * 10) : sorted_add(&list, i * 10);

	ck_assert_ptr_nonnull(item);
	ck_assert_uint_eq(item->number, i * 10);
	ck_assert_uint_eq(item->what, 0);
	item->what = i;
	there[i] = true;
	count++;
}

static void drop(uint32_t i)
{
	sorted_remove(&list, sorted_from(&list, i * 10));
	there[i] = false;
	count--;
}

START_TEST(empty)
{
	compare();
}
END_TEST

START_TEST(ascending_and_descending)
{
	for (uint32_t i = 0; i < MANY; i++)
		add(i, false);
	compare();
	/* Those that only grow leave no chunk half empty. */
	ck_assert_uint_le(list.chunk_count, MANY / 63 + 1);
	for (uint32_t i = MANY; i-- > 0;)
		drop(i);
	compare();
	for (uint32_t i = MANY; i-- > 0;)
		add(i, false);
	compare();
	for (uint32_t i = 0; i < MANY; i++)
		drop(i);
	compare();
}
END_TEST

START_TEST(at_random)
{
	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t i = (uint32_t)rand() % NUMBERS;
		if (there[i])
			drop(i);
		else
			add(i, false);
		if (round % 2000 == 0)
			compare();
	}
	compare();
}
END_TEST

/* Who lets go of most cannot have each of the others keep a chunk. */
START_TEST(few_are_left)
{
	for (uint32_t i = 0; i < MANY; i++)
		add(i, false);
	for (uint32_t i = 0; i < MANY; i++)
		if (i % 64 != 5)
			drop(i);
	compare();
	ck_assert_uint_le(list.chunk_count, count / 16 + 1);
	/* And from the other end. */
	for (uint32_t i = 0; i < MANY; i++)
		if (!there[i])
			add(i, false);
	for (uint32_t i = MANY; i-- > 0;)
		if (i % 50 != 0)
			drop(i);
	compare();
	ck_assert_uint_le(list.chunk_count, count / 16 + 1);
}
END_TEST

/* Whatever comes meanwhile. */
START_TEST(reserved)
{
	enum { RESERVED = 200 };

	for (uint32_t i = 0; i < RESERVED; i++)
		ck_assert_int_eq(sorted_reserve(&list), 0);
	for (uint32_t i = 0; i < MANY; i++)
		add(i, false);
	for (uint32_t i = 0; i < RESERVED - 10; i++)
		add(MANY + (i * 7) % RESERVED, true);
	compare();
	ck_assert_uint_eq(list.reserved, 10);
	sorted_give_up(&list);
	ck_assert_uint_eq(list.reserved, 9);
	compare();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sorted");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, empty);
	tcase_add_test(all, ascending_and_descending);
	tcase_add_test(all, at_random);
	tcase_add_test(all, few_are_left);
	tcase_add_test(all, reserved);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
