/* SPDX-License-Identifier: MIT */
/* The order of addresses, look-ups by it, and how the list follows the bus. */
#include "device/inventory.h"

#include "suite.h"

#include <check.h>
#include <stdio.h>
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

/* ---- following the bus ---- */

static struct inventory known;
static char told[128]; /* "+1 -3 " as devices arrive and leave */

static bool leaves(struct inventory_watcher *watcher, struct device *device)
{
	(void)watcher;
	if (!device->left)
		snprintf(told + strlen(told), sizeof(told) - strlen(told), "-%u ",
		         device->facts.address.device);
	device->left = true;
	if (!lifecycle_is_idle(device->state))
		return false;
	lifecycle_step(&device->state, LIFE_REMOVED, device->name);
	device->left = false;
	return true;
}

static void arrives(struct inventory_watcher *watcher, struct device *device)
{
	(void)watcher;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "+%u ",
	         device->facts.address.device);
}

static struct inventory_watcher watcher = { .left = leaves, .arrived = arrives };

/* What inventory_merge() says of a bus with `count` devices: instances by device number,
 * 0: none there. */
static int merge(const uint64_t *instances, uint32_t count)
{
	struct scan scan = { .devices = calloc(count, sizeof(struct device *)) };

	told[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		if (instances[i] == 0)
			continue;
		struct device *device = calloc(1, sizeof(*device));
		device->facts.address = (struct hwb_pci_address){ 0, 0, (uint8_t)i, 0, 0 };
		device->facts.iommu_group = i / 2;
		device->facts.vendor = (uint16_t)instances[i];
		device->facts.bars[0].address = 0x1000 * instances[i];
		device->instance = instances[i];
		device->wanted_fd = -1;
		device->failed_fd = -1;
		scan.devices[scan.count++] = device;
	}
	return inventory_merge(&known, NULL, &scan, &watcher);
}

static struct device *number(uint8_t device)
{
	return inventory_find(&known, &(struct hwb_pci_address){ 0, 0, device, 0, 0 });
}

static void forget(void)
{
	inventory_free(&known);
}

START_TEST(devices_come_and_go)
{
	ck_assert_int_eq(merge((uint64_t[]){ 0, 11, 0, 13 }, 4), 0);
	ck_assert_str_eq(told, "+1 +3 ");
	struct device *three = number(3);
	/* Between two others, and no word of those that stay. */
	ck_assert_int_eq(merge((uint64_t[]){ 0, 11, 12, 13 }, 4), 0);
	ck_assert_str_eq(told, "+2 ");
	ck_assert_uint_eq(known.count, 3);
	ck_assert_ptr_eq(number(3), three);
	ck_assert_ptr_eq(number(2)->group, three->group);
	ck_assert_ptr_ne(number(1)->group, three->group);
	ck_assert_int_eq(merge((uint64_t[]){ 0, 11, 12, 0 }, 4), 0);
	ck_assert_str_eq(told, "-3 ");
	ck_assert_int_eq(three->state, LIFE_GONE);
	/* Gone is told once. */
	ck_assert_int_eq(merge((uint64_t[]){ 0, 11, 12, 0 }, 4), 0);
	ck_assert_str_eq(told, "");
	ck_assert_int_eq(merge((uint64_t[]){ 0, 11, 12, 33 }, 4), 0);
	ck_assert_str_eq(told, "+3 ");
	ck_assert_ptr_eq(number(3), three);
	ck_assert_uint_eq(three->instance, 33);
	ck_assert_int_eq(three->state, LIFE_HOST);
}
END_TEST

/* Unplugged and plugged in between two looks. */
START_TEST(another_device_at_an_address)
{
	merge((uint64_t[]){ 0, 11 }, 2);
	ck_assert_int_eq(merge((uint64_t[]){ 0, 12 }, 2), 0);
	ck_assert_str_eq(told, "-1 +1 ");
	ck_assert_uint_eq(number(1)->facts.vendor, 12);
}
END_TEST

START_TEST(a_busy_device_leaves_later)
{
	merge((uint64_t[]){ 0, 11 }, 2);
	struct device *device = number(1);
	device->state = LIFE_RESETTING;
	ck_assert_int_eq(merge((uint64_t[]){ 0, 12 }, 2), 1);
	ck_assert_str_eq(told, "-1 ");
	ck_assert_uint_eq(device->instance, 11);
	ck_assert_int_eq(merge((uint64_t[]){ 0, 12 }, 2), 1);
	ck_assert_str_eq(told, "");
	device->state = LIFE_FREE;
	ck_assert_int_eq(merge((uint64_t[]){ 0, 12 }, 2), 0);
	ck_assert_str_eq(told, "+1 ");
	ck_assert_uint_eq(device->instance, 12);
}
END_TEST

/* The kernel assigns a newcomer's addresses after it has told of it. */
START_TEST(addresses_are_learnt_later)
{
	struct scan scan;

	merge((uint64_t[]){ 0, 11 }, 2);
	struct device *device = number(1);
	scan = (struct scan){ .devices = calloc(1, sizeof(struct device *)), .count = 1 };
	scan.devices[0] = malloc(sizeof(*device));
	*scan.devices[0] = *device;
	scan.devices[0]->facts.bars[0].address = 0xfe000000;
	ck_assert_int_eq(inventory_merge(&known, NULL, &scan, &watcher), 0);
	ck_assert_uint_eq(device->facts.bars[0].address, 0xfe000000);
	/* Not under an owner's hands. */
	device->state = LIFE_GRANTED;
	merge((uint64_t[]){ 0, 11 }, 2);
	ck_assert_uint_eq(device->facts.bars[0].address, 0xfe000000);
}
END_TEST

/* One scan of the device that is known, which began after message `since` and has read `driver`. */
static void look_at(const struct device *device, const char *driver, uint64_t since)
{
	struct scan scan = { .devices = calloc(1, sizeof(struct device *)),
		             .count = 1,
		             .since = since };

	scan.devices[0] = malloc(sizeof(*device));
	*scan.devices[0] = *device;
	scan.devices[0]->told = 0;
	snprintf(scan.devices[0]->driver, sizeof(scan.devices[0]->driver), "%s", driver);
	snprintf(scan.devices[0]->whereabouts.driver, sizeof(scan.devices[0]->whereabouts.driver),
	         "%s", driver);
	inventory_merge(&known, NULL, &scan, &watcher);
}

static void tell(struct device *device, const char *driver, uint64_t message)
{
	device->told = message;
	snprintf(device->driver, sizeof(device->driver), "%s", driver);
	whereabouts_driver(&device->whereabouts, driver);
}

/* A message that came while the bus was looked at is newer than what was read then. */
START_TEST(drivers_are_the_newest_told_or_read)
{
	merge((uint64_t[]){ 0, 11 }, 2);
	struct device *device = number(1);
	look_at(device, "igb", 0);
	ck_assert_str_eq(device->driver, "igb");
	tell(device, "e1000e", 5);
	look_at(device, "igb", 4);
	ck_assert_str_eq(device->driver, "e1000e");
	ck_assert_str_eq(device->whereabouts.driver, "e1000e");
	look_at(device, "igb", 5);
	ck_assert_str_eq(device->driver, "igb");
	ck_assert_str_eq(device->whereabouts.driver, "igb");
	/* Of another one at the same address, too. */
	tell(device, "", 6);
	merge((uint64_t[]){ 0, 12 }, 2);
	ck_assert_str_eq(told, "-1 +1 ");
	ck_assert_str_eq(device->driver, "");
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
	TCase *bus = tcase_create("bus");
	tcase_add_checked_fixture(bus, NULL, forget);
	tcase_add_test(bus, devices_come_and_go);
	tcase_add_test(bus, another_device_at_an_address);
	tcase_add_test(bus, a_busy_device_leaves_later);
	tcase_add_test(bus, addresses_are_learnt_later);
	tcase_add_test(bus, drivers_are_the_newest_told_or_read);
	suite_add_tcase(suite, bus);
	return suite_run(suite);
}
