/* SPDX-License-Identifier: MIT */
/* Opening a device that somebody unbinds from vfio-pci as soon as it is bound. The virtual PC
 * has a host driver that does so (tests/guest/test_io_mem.c), but not each time. */
#define _GNU_SOURCE /* memfd_create */
#include "device/operate.h"
#include "kernel/kernel.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static bool bound;        /* to vfio-pci */
static uint32_t unbinds;  /* so often still, at once */
static uint32_t probes;   /* in all */
static uint64_t instance; /* of what is at the address */
static bool taken;        /* when it is offered to the drivers */

/* ---- the kernel's side: all that is asked of /sys ---- */

ssize_t __wrap_readlink(const char *path, char *target, size_t size);
int __wrap_stat(const char *path, struct stat *status);
int __wrap_open(const char *path, int flags, ...);

ssize_t __wrap_readlink(const char *path, char *target, size_t size)
{
	ck_assert_ptr_nonnull(strstr(path, "/driver"));
	if (bound)
		return snprintf(target, size, "../drivers/vfio-pci");
	errno = ENOENT;
	return -1;
}

int __wrap_stat(const char *path, struct stat *status)
{
	(void)path;
	*status = (struct stat){ .st_ino = instance };
	return 0;
}

int __wrap_open(const char *path, int flags, ...)
{
	(void)flags;
	/* It has none. */
	if (strstr(path, "driver/unbind") != NULL) {
		errno = ENOENT;
		return -1;
	}
	if (strstr(path, "drivers_probe") != NULL) {
		probes++;
		bound = taken;
	}
	return memfd_create("attribute", MFD_CLOEXEC);
}

static int open_device(const struct hwb_pci_address *address, uint32_t group,
                       struct kernel_domain *domain, int wanted_fd, int failed_fd,
                       struct kernel_device **device, struct fault *fault)
{
	(void)address;
	(void)group;
	(void)wanted_fd;
	(void)failed_fd;
	if (unbinds != 0) {
		unbinds--;
		bound = false;
	}
	if (!bound)
		return fault_errno(fault, ENODEV, "VFIO cannot open it");
	*device = (struct kernel_device *)domain;
	return 0;
}

static const struct kernel_backend kernel = { .open = open_device };

/* ---- */

static struct group group;
static struct device device;
static struct fault fault;

static int open_after(uint32_t times, bool again)
{
	group = (struct group){ .domain = (struct kernel_domain *)&group };
	device = (struct device){ .group = &group,
		                  .instance = 7,
		                  .unit = { .claimed = true, .origin.driver = "nvme" } };
	fault = (struct fault){ 0 };
	bound = true;
	taken = again;
	unbinds = times;
	probes = 0;
	return operate_open(&kernel, &device, NULL, &fault);
}

START_TEST(it_is_bound_again)
{
	instance = 7;
	ck_assert_int_eq(open_after(0, true), 0);
	ck_assert_uint_eq(probes, 0);
	ck_assert_int_eq(open_after(1, true), 0);
	ck_assert_uint_eq(probes, 1);
	ck_assert_int_eq(open_after(2, true), 0);
	ck_assert_uint_eq(probes, 2);
	ck_assert_uint_eq(group.open_count, 1);
}
END_TEST

START_TEST(but_not_for_ever)
{
	instance = 7;
	ck_assert_int_eq(open_after(100, true), -1);
	ck_assert_uint_eq(probes, 2);
	ck_assert_int_eq(fault.host_errno, ENODEV);
	ck_assert_ptr_null(device.unit.opened);
	ck_assert_uint_eq(group.open_count, 0);
}
END_TEST

START_TEST(nor_if_another_device_is_there)
{
	instance = 8;
	ck_assert_int_eq(open_after(1, true), -1);
	ck_assert_uint_eq(probes, 0);
}
END_TEST

START_TEST(why_it_cannot_be_bound_is_said)
{
	instance = 7;
	ck_assert_int_eq(open_after(1, false), -1);
	ck_assert_uint_gt(probes, 1);
	ck_assert_ptr_nonnull(strstr(fault.reason, "vfio-pci does not take"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("operate");
	TCase *tests = tcase_create("unbound at once");

	tcase_add_test(tests, it_is_bound_again);
	tcase_add_test(tests, but_not_for_ever);
	tcase_add_test(tests, nor_if_another_device_is_there);
	tcase_add_test(tests, why_it_cannot_be_bound_is_said);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
