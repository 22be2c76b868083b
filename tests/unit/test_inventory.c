/* SPDX-License-Identifier: MIT */
/* The order of addresses, look-ups by it, and BARs that share a page. */
#include "device/inventory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 4 };

static struct device devices[DEVICES];
static struct device *list[DEVICES] = { &devices[0], &devices[1], &devices[2], &devices[3] };

static void setup(void)
{
	memset(devices, 0, sizeof(devices));
}

static struct hwb_bar *bar(unsigned device, unsigned number, uint64_t address, uint64_t size,
                           uint32_t flags)
{
	struct hwb_bar *made = &devices[device].facts.bars[number];

	*made = (struct hwb_bar){ .address = address, .size = size, .flags = flags };
	return made;
}

static bool partial(const struct hwb_bar *one)
{
	return (one->flags & HWB_BAR_PARTIAL_PAGE) != 0;
}

/* ---- pages ---- */

START_TEST(whole_pages_are_not_partial)
{
	struct hwb_bar *a = bar(0, 0, 0xfebc0000, 0x20000, 0);
	struct hwb_bar *b = bar(0, 3, 0xfebe0000, 0x1000, HWB_BAR_PREFETCHABLE);
	struct hwb_bar *c = bar(1, 0, 0xfebe1000, 0x1000, HWB_BAR_64BIT);
	struct hwb_bar *top = bar(2, 4, UINT64_MAX - 0xfff, 0x1000, HWB_BAR_64BIT);

	inventory_mark_partial_pages(list, DEVICES);
	ck_assert_uint_eq(a->flags, 0);
	ck_assert_uint_eq(b->flags, HWB_BAR_PREFETCHABLE);
	ck_assert_uint_eq(c->flags, HWB_BAR_64BIT);
	ck_assert_uint_eq(top->flags, HWB_BAR_64BIT);
}
END_TEST

START_TEST(small_ones_are_partial_even_alone)
{
	struct hwb_bar *tiny = bar(0, 0, 0xfebc0000, 16, 0);
	struct hwb_bar *almost = bar(1, 1, 0xfebd0000, 0x800, HWB_BAR_64BIT);
	struct hwb_bar *crooked = bar(2, 5, 0xfebe0800, 0x1000, 0);

	inventory_mark_partial_pages(list, DEVICES);
	ck_assert(partial(tiny));
	ck_assert_uint_eq(almost->flags, HWB_BAR_64BIT | HWB_BAR_PARTIAL_PAGE);
	ck_assert(partial(crooked));
}
END_TEST

START_TEST(neighbours_in_a_page_are_both_partial)
{
	/* Of one device, and of two; whichever comes first in the list. */
	struct hwb_bar *a = bar(3, 0, 0xf0000000, 0x1400, 0);
	struct hwb_bar *b = bar(0, 2, 0xf0001400, 0x400, 0);
	struct hwb_bar *c = bar(0, 0, 0xf0010000, 0x1800, 0);
	struct hwb_bar *d = bar(0, 1, 0xf0011800, 0x2000, 0);
	struct hwb_bar *apart = bar(1, 0, 0xf0002000, 0x1000, 0);

	inventory_mark_partial_pages(list, DEVICES);
	ck_assert(partial(a) && partial(b));
	ck_assert(partial(c) && partial(d));
	ck_assert(!partial(apart));
}
END_TEST

START_TEST(ports_and_absent_bars_do_not_count)
{
	struct hwb_bar *memory = bar(0, 0, 0xc000, 0x1000, 0);
	struct hwb_bar *ports = bar(0, 1, 0xc040, 0x20, HWB_BAR_IO);
	struct hwb_bar *absent = bar(1, 0, 0xc100, 0, 0);

	inventory_mark_partial_pages(list, DEVICES);
	ck_assert(!partial(memory));
	ck_assert_uint_eq(ports->flags, HWB_BAR_IO);
	ck_assert_uint_eq(absent->flags, 0);
	inventory_mark_partial_pages(list, 0);
}
END_TEST

START_TEST(the_same_place_twice_is_shared)
{
	struct hwb_bar *a = bar(0, 0, 0xf0000000, 0x4000, 0);
	struct hwb_bar *b = bar(1, 0, 0xf0000000, 0x4000, 0);

	inventory_mark_partial_pages(list, DEVICES);
	ck_assert(partial(a) && partial(b));
}
END_TEST

/* Firmware can leave one BAR within another; each that lies there shares a page
 * with it, not only the first. */
START_TEST(all_within_a_large_one_share_with_it)
{
	struct hwb_bar *large = bar(0, 0, 0xf0000000, 0x100000, 0);
	struct hwb_bar *first = bar(1, 0, 0xf0001000, 0x1000, 0);
	struct hwb_bar *second = bar(2, 0, 0xf0008000, 0x1000, 0);
	struct hwb_bar *third = bar(3, 0, 0xf00ff000, 0x1000, 0);

	inventory_mark_partial_pages(list, DEVICES);
	ck_assert(partial(large));
	ck_assert(partial(first));
	ck_assert(partial(second));
	ck_assert(partial(third));
}
END_TEST

/* ---- order ---- */

static const struct hwb_pci_address ascending[] = {
	{ 0, 0, 0, 0, 0 },       { 0, 0, 0, 7, 0 },
	{ 0, 0, 1, 0, 0 },       { 0, 0, 31, 7, 0 },
	{ 0, 1, 0, 0, 0 },       { 0, 255, 31, 7, 0 },
	{ 1, 0, 0, 0, 0 },       { 0xffff, 255, 31, 7, 0 },
	{ 0x10000, 0, 0, 0, 0 }, { UINT32_MAX, 255, 31, 7, 0 },
};

enum { ADDRESSES = sizeof(ascending) / sizeof(ascending[0]) };

START_TEST(keys_ascend_and_are_never_zero)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < ADDRESSES; i++) {
		uint64_t key = inventory_key(&ascending[i]);
		ck_assert_uint_gt(key, last);
		/* A cursor of the next device is never 0 either. */
		ck_assert_uint_ne(key + 1, 0);
		last = key;
	}
}
END_TEST

START_TEST(look_ups)
{
	struct device all[ADDRESSES];
	struct device *pointers[ADDRESSES];
	struct inventory inventory = { .devices = pointers, .count = ADDRESSES };
	struct hwb_pci_address absent = { 0, 0, 0, 1, 0 };

	memset(all, 0, sizeof(all));
	for (unsigned i = 0; i < ADDRESSES; i++) {
		all[i].facts.address = ascending[i];
		pointers[i] = &all[i];
	}
	ck_assert_uint_eq(inventory_from(&inventory, 0), 0);
	ck_assert_uint_eq(inventory_from(&inventory, UINT64_MAX), ADDRESSES);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		uint64_t key = inventory_key(&ascending[i]);
		ck_assert_ptr_eq(inventory_find(&inventory, &ascending[i]), &all[i]);
		ck_assert_uint_eq(inventory_from(&inventory, key), i);
		ck_assert_uint_eq(inventory_from(&inventory, key + 1), i + 1);
	}
	ck_assert_ptr_null(inventory_find(&inventory, &absent));
	absent = (struct hwb_pci_address){ 2, 0, 0, 0, 0 };
	ck_assert_ptr_null(inventory_find(&inventory, &absent));
	inventory.count = 0;
	ck_assert_ptr_null(inventory_find(&inventory, &ascending[0]));
	ck_assert_uint_eq(inventory_from(&inventory, 0), 0);
}
END_TEST

/* The wire has 8 bits for what are 5 and 3: what no device can have as its
 * number must find none, rather than one of another number. */
START_TEST(impossible_numbers_find_nothing)
{
	struct device *device = &devices[0];
	struct inventory inventory = { .devices = list, .count = 1 };
	struct hwb_pci_address address = { 0, 0, 40, 0, 0 };

	device->facts.address = (struct hwb_pci_address){ 0, 1, 8, 0, 0 };
	ck_assert_ptr_null(inventory_find(&inventory, &address));
	address = (struct hwb_pci_address){ 0, 1, 7, 8, 0 };
	ck_assert_ptr_null(inventory_find(&inventory, &address));
	address = (struct hwb_pci_address){ 0, 1, 0, 0x40, 0 };
	ck_assert_ptr_null(inventory_find(&inventory, &address));
	ck_assert_ptr_eq(inventory_find(&inventory, &device->facts.address), device);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inventory");
	TCase *pages = tcase_create("pages");
	TCase *order = tcase_create("order");

	tcase_add_checked_fixture(pages, setup, NULL);
	tcase_add_checked_fixture(order, setup, NULL);
	tcase_add_test(pages, whole_pages_are_not_partial);
	tcase_add_test(pages, small_ones_are_partial_even_alone);
	tcase_add_test(pages, neighbours_in_a_page_are_both_partial);
	tcase_add_test(pages, ports_and_absent_bars_do_not_count);
	tcase_add_test(pages, the_same_place_twice_is_shared);
	tcase_add_test(pages, all_within_a_large_one_share_with_it);
	tcase_add_test(order, keys_ascend_and_are_never_zero);
	tcase_add_test(order, look_ups);
	tcase_add_test(order, impossible_numbers_find_nothing);
	suite_add_tcase(suite, pages);
	suite_add_tcase(suite, order);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
