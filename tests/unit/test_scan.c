/* SPDX-License-Identifier: MIT */
/* The list of devices is read again and again: each time all that the library has is given back,
 * however it ends. The library is ours here, to fail when it is told to. */
#include "device/scan.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <pciaccess.h>
#include <stdlib.h>
#include <string.h>

static int open_systems; /* with /proc/mtrr and the list */
static int iterators;
static int init_error;
static bool no_iterator;

int pci_system_init(void)
{
	open_systems++; /* as it is: nothing of it ends where the rest fails */
	return init_error;
}

void pci_system_cleanup(void)
{
	open_systems--;
}

struct pci_device_iterator *pci_slot_match_iterator_create(const struct pci_slot_match *match)
{
	ck_assert_ptr_null(match);
	if (no_iterator)
		return NULL;
	iterators++;
	return malloc(1);
}

struct pci_device *pci_device_next(struct pci_device_iterator *iterator)
{
	ck_assert_ptr_nonnull(iterator);
	return NULL;
}

void pci_iterator_destroy(struct pci_device_iterator *iterator)
{
	if (iterator == NULL)
		return;
	iterators--;
	free(iterator);
}

static void reset(void)
{
	open_systems = 0;
	iterators = 0;
	init_error = 0;
	no_iterator = false;
}

static void nothing_is_left(int result, enum hwb_status status)
{
	struct scan scan;
	struct fault fault = { 0 };

	ck_assert_int_eq(scan_read(&scan, &fault), result);
	if (result != 0)
		ck_assert_int_eq(fault.status, status);
	ck_assert_int_eq(open_systems, 0);
	ck_assert_int_eq(iterators, 0);
	scan_free(&scan);
}

START_TEST(no_device)
{
	nothing_is_left(0, HWB_OK);
}
END_TEST

START_TEST(a_device_leaves_meanwhile)
{
	init_error = ENOENT;
	nothing_is_left(-1, HWB_HOST_ERROR);
}
END_TEST

START_TEST(no_memory_for_the_list)
{
	no_iterator = true;
	nothing_is_left(-1, HWB_NO_MEMORY);
}
END_TEST

/* Of the virtual PC's e1000e and its NVMe disk, and one that the kernel found no room for. */
START_TEST(bars_of_a_device)
{
	struct hwb_bar bars[HWB_BARS];

	memset(bars, 0xff, sizeof(bars));
	scan_bars("0x00000000feb40000 0x00000000feb5ffff 0x0000000000040200\n"
	          "0x000000000000c040 0x000000000000c05f 0x0000000000040101\n"
	          "0x0000000000000000 0x0000000000003fff 0x0000000020040200\n"
	          "0x00000000feb80000 0x00000000feb800ff 0x0000000000040200\n"
	          "0x00000040fe000000 0x00000040feffffff 0x000000000014220c\n"
	          "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
	          "0x00000000feb00000 0x00000000feb3ffff 0x0000000000046200\n",
	          1 << 3, bars);
	ck_assert_uint_eq(bars[0].address, 0xfeb40000);
	ck_assert_uint_eq(bars[0].size, 0x20000);
	ck_assert_uint_eq(bars[0].flags, 0);
	ck_assert_uint_eq(bars[1].address, 0xc040);
	ck_assert_uint_eq(bars[1].size, 32);
	ck_assert_uint_eq(bars[1].flags, HWB_BAR_IO);
	ck_assert_uint_eq(bars[2].size, 0);
	ck_assert_uint_eq(bars[3].size, 256);
	ck_assert_uint_eq(bars[3].flags, HWB_BAR_MSIX_TABLE | HWB_BAR_PARTIAL_PAGE);
	ck_assert_uint_eq(bars[4].address, 0x40fe000000);
	ck_assert_uint_eq(bars[4].size, 0x1000000);
	ck_assert_uint_eq(bars[4].flags, HWB_BAR_64BIT | HWB_BAR_PREFETCHABLE);
	ck_assert_uint_eq(bars[5].size, 0);
	/* Cut short: what is there. */
	scan_bars("0x00000000feb40000 0x00000000feb5ffff 0x0000000000040200\n0x0000", 0, bars);
	ck_assert_uint_eq(bars[0].size, 0x20000);
	ck_assert_uint_eq(bars[1].size, 0);
	ck_assert_uint_eq(bars[4].size, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scan");
	TCase *tests = tcase_create("scan");
	tcase_add_checked_fixture(tests, reset, NULL);
	tcase_add_test(tests, no_device);
	tcase_add_test(tests, a_device_leaves_meanwhile);
	tcase_add_test(tests, no_memory_for_the_list);
	tcase_add_test(tests, bars_of_a_device);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
