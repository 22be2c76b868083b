/* SPDX-License-Identifier: MIT */
/* Opening a device that somebody unbinds from vfio-pci as soon as it is bound: the virtual PC
 * has a host driver that does so (tests/guest/test_io_mem.c), but not each time. And what
 * becomes of a device on its way to rest when there is no free descriptor. */
#define _GNU_SOURCE /* memfd_create */
#include "device/operate.h"
#include "kernel/kernel.h"
#include "suite.h"

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

static int no_descriptors;            /* 0: there are some; else errno */
static uint32_t no_descriptors_times; /* for so many calls, and that is the last; 0: all */
static uint32_t resets_written;

/* ---- the kernel's side: all that is asked of /sys ---- */

ssize_t __wrap_readlinkat(int folder, const char *path, char *target, size_t size);
int __wrap_stat(const char *path, struct stat *status);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);

ssize_t __wrap_readlinkat(int folder, const char *path, char *target, size_t size)
{
	(void)folder;
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
	if (no_descriptors != 0 && (no_descriptors_times == 0 || --no_descriptors_times > 0)) {
		errno = no_descriptors;
		return -1;
	}
	no_descriptors = 0;
	if (strstr(path, "/reset") != NULL)
		resets_written++;
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

int __wrap_openat(int folder, const char *path, int flags, ...)
{
	(void)folder;
	return __wrap_open(path, flags);
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

/* ---- the way to rest ---- */

static int rest_error; /* of kernel.rest: 0: it is */
static int open_error; /* of kernel.open */
static uint32_t rests, closes;

static int rest(struct kernel_device *opened, bool shut, uint32_t bars, struct fault *why)
{
	(void)opened;
	(void)shut;
	(void)bars;
	rests++;
	return rest_error == 0 ? 0 : fault_errno(why, rest_error, "cannot reset it");
}

static bool resets(const struct kernel_device *opened)
{
	(void)opened;
	return true;
}

static void close_device(struct kernel_device *opened)
{
	(void)opened;
	closes++;
}

static void free_domain(struct kernel_domain *domain)
{
	(void)domain;
}

static int open_again(const struct hwb_pci_address *address, uint32_t id,
                      struct kernel_domain *domain, int wanted_fd, int failed_fd,
                      struct kernel_device **opened, struct fault *why)
{
	(void)address;
	(void)id;
	(void)wanted_fd;
	(void)failed_fd;
	*opened = (struct kernel_device *)domain;
	return open_error == 0 ? 0 : fault_errno(why, open_error, "cannot open it");
}

static const struct kernel_backend resting = {
	.open = open_again,
	.rest = rest,
	.resets = resets,
	.close = close_device,
	.domain_free = free_domain,
};

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

static void set_open(void)
{
	group = (struct group){ .domain = (struct kernel_domain *)&group, .open_count = 1 };
	device = (struct device){ .group = &group,
		                  .instance = 7,
		                  .unit = { .claimed = true,
		                            .opened = (struct kernel_device *)&group,
		                            .domain = (struct kernel_domain *)&group,
		                            .origin.driver = "nvme" } };
	pthread_mutex_init(&device.exposed.lock, NULL);
	fault = (struct fault){ 0 };
	instance = 7;
	bound = false;
	rest_error = open_error = no_descriptors = 0;
	rests = closes = resets_written = 0;
}

START_TEST(without_a_descriptor_it_is_reset_later)
{
	static const int errors[] = { EMFILE, ENFILE };

	set_open();
	rest_error = errors[_i];
	for (int tries = 0; tries < 3; tries++) {
		ck_assert_int_eq(operate_retire(&resting, &device, false, &fault), OPERATE_SHORT);
		ck_assert_int_eq(fault.host_errno, errors[_i]);
		/* It stays open, and whoever may not have it is not given it. */
		ck_assert_ptr_nonnull(device.unit.opened);
		ck_assert(operate_stays(&device));
		ck_assert(!device.unit.unfit);
		ck_assert_uint_eq(closes, 0);
	}
	rest_error = 0;
	ck_assert_int_eq(operate_retire(&resting, &device, false, &fault), 0);
	ck_assert_uint_eq(rests, 4);
	ck_assert_uint_eq(closes, 1);
	ck_assert(!operate_stays(&device));
}
END_TEST

/* The kernel waits for whoever unbinds it, so it is closed first, and reset then. */
START_TEST(a_reset_that_is_owed_is_done)
{
	set_open();
	rest_error = EAGAIN;
	no_descriptors = EMFILE;
	ck_assert_int_eq(operate_retire(&resting, &device, false, &fault), OPERATE_SHORT);
	ck_assert_ptr_null(device.unit.opened);
	ck_assert(operate_stays(&device));
	ck_assert_int_eq(operate_retire(&resting, &device, false, &fault), OPERATE_SHORT);
	/* Until then it is for nobody, and not for the host. */
	ck_assert_int_ne(operate_open(&resting, &device, NULL, &fault), 0);
	ck_assert_int_ne(operate_restore(&device, &fault), 0);
	ck_assert_uint_eq(resets_written, 0);
	no_descriptors = 0;
	ck_assert_int_eq(operate_retire(&resting, &device, false, &fault), 0);
	ck_assert_uint_eq(resets_written, 1);
	ck_assert(!device.unit.unfit && !operate_stays(&device));
}
END_TEST

START_TEST(a_descriptor_that_was_lent_is_waited_for_without_one)
{
	set_open();
	device.unit.opened = NULL;
	device.unit.lent = true;
	group.open_count = 0;
	bound = true;
	open_error = ENFILE;
	ck_assert_int_eq(operate_retire(&resting, &device, false, &fault), OPERATE_SHORT);
	ck_assert(device.unit.lent && !device.unit.unfit);
	open_error = 0;
	ck_assert_int_eq(operate_retire(&resting, &device, false, &fault), 0);
	ck_assert(!device.unit.lent);
	ck_assert_uint_eq(rests, 1);
	/* What is not for want of one is so still. */
	set_open();
	device.unit.opened = NULL;
	device.unit.lent = true;
	group.open_count = 0;
	bound = true;
	open_error = ENODEV;
	ck_assert_int_eq(operate_retire(&resting, &device, false, &fault), -1);
	ck_assert(device.unit.unfit);
}
END_TEST

START_TEST(another_domain_is_not_left_without_a_descriptor)
{
	set_open();
	rest_error = EMFILE;
	ck_assert_int_eq(operate_open(&resting, &device, (struct kernel_domain *)&device, &fault),
	                 -1);
	ck_assert_int_eq(fault.host_errno, EMFILE);
	ck_assert_ptr_eq(device.unit.opened, &group);
	ck_assert_ptr_eq(device.exposed.opened, &group);
	ck_assert(!device.unit.unfit);
}
END_TEST

START_TEST(it_is_given_up_in_the_end)
{
	set_open();
	rest_error = EMFILE;
	ck_assert_int_eq(operate_retire(&resting, &device, false, &fault), OPERATE_SHORT);
	operate_give_up(&device);
	ck_assert(operate_stays(&device));
	ck_assert_int_ne(operate_restore(&device, &fault), 0);
}
END_TEST

/* A claim that failed. */
START_TEST(the_host_has_it_back_without_a_descriptor)
{
	struct operate_targets targets = { .items = { { .device = &device, .fresh = true } },
		                           .count = 1 };

	set_open();
	device.unit.opened = NULL;
	device.unit.origin.driver[0] = '\0';
	no_descriptors = EMFILE;
	no_descriptors_times = 3;
	operate_unclaim(&targets);
	ck_assert(!device.unit.claimed);
	ck_assert_uint_eq(no_descriptors_times, 0);
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
	TCase *rest_tests = tcase_create("no free descriptor");
	tcase_add_loop_test(rest_tests, without_a_descriptor_it_is_reset_later, 0, 2);
	tcase_add_test(rest_tests, a_reset_that_is_owed_is_done);
	tcase_add_test(rest_tests, a_descriptor_that_was_lent_is_waited_for_without_one);
	tcase_add_test(rest_tests, another_domain_is_not_left_without_a_descriptor);
	tcase_add_test(rest_tests, it_is_given_up_in_the_end);
	tcase_add_test(rest_tests, the_host_has_it_back_without_a_descriptor);
	suite_add_tcase(suite, rest_tests);
	return suite_run(suite);
}
