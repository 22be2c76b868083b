/* SPDX-License-Identifier: MIT */
/* The list of devices is read again and again: each time all that the library has is given back,
 * however it ends. The library is ours here, to fail when it is told to. */
#include "device/scan.h"

#include <check.h>
#include <errno.h>
#include <pciaccess.h>
#include <stdlib.h>

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

int main(void)
{
	Suite *suite = suite_create("scan");
	TCase *tests = tcase_create("scan");
	tcase_add_checked_fixture(tests, reset, NULL);
	tcase_add_test(tests, no_device);
	tcase_add_test(tests, a_device_leaves_meanwhile);
	tcase_add_test(tests, no_memory_for_the_list);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
