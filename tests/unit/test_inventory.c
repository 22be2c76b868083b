/* SPDX-License-Identifier: MIT */
/* The order of addresses, and look-ups by it. */
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
	TCase *order = tcase_create("order");

	tcase_add_checked_fixture(order, setup, NULL);
	tcase_add_test(order, keys_ascend_and_are_never_zero);
	tcase_add_test(order, look_ups);
	tcase_add_test(order, impossible_numbers_find_nothing);
	suite_add_tcase(suite, order);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
