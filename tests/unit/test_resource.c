/* SPDX-License-Identifier: MIT */
/* Descriptors of BARs, and what kernels say when one is mapped. */
#include "kernel/resource.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What mmap() answers; 0: as it is. */
static int refusal;
static int tries; /* of it */

void *__real_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);

void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
	tries += fd >= 0;
	if (refusal == 0 || fd < 0)
		return __real_mmap(at, length, protection, flags, fd, offset);
	errno = refusal;
	return MAP_FAILED;
}

static char folder[] = "/tmp/test_resource.XXXXXX";
static int directory = -1;
static uint32_t mapped;
static struct fault fault;

static void make(const char *name)
{
	int fd = openat(directory, name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make("resource0");
	make("resource2");
	make("resource2_wc");
}

static void tear_down(void)
{
	unlinkat(directory, "resource0", 0);
	unlinkat(directory, "resource2", 0);
	unlinkat(directory, "resource2_wc", 0);
	close(directory);
	rmdir(folder);
	refusal = 0;
	tries = 0;
	mapped = 0;
}

static int try(uint32_t bar, bool *wc)
{
	int fd = -1;
	int result = resource_open(directory, "0000:00:03.0", bar, wc, &mapped, &fd, &fault);

	ck_assert_int_eq(fd >= 0, result == 0);
	if (fd >= 0)
		close(fd);
	return result;
}

START_TEST(write_combined_where_there_is_such_a_file)
{
	bool wc = true;

	ck_assert_int_eq(try(2, &wc), 0);
	ck_assert(wc);
	ck_assert_int_eq(try(0, &wc), 0);
	ck_assert(!wc);
	ck_assert_int_eq(try(1, &wc), -1);
	ck_assert_int_eq(fault.status, HWB_GONE);
}
END_TEST

/* As iomem_is_exclusive() of the kernel has it. */
START_TEST(a_driver_that_claims_at_open)
{
	bool wc = false;

	refusal = EINVAL;
	ck_assert_int_eq(try(0, &wc), -1);
	ck_assert_int_eq(fault.status, HWB_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(fault.reason, "BAR 0 of 0000:00:03.0 is claimed"));
	ck_assert_ptr_nonnull(strstr(fault.reason, "grant = mediated"));
	ck_assert_ptr_nonnull(strstr(fault.reason, "grant = device"));
	wc = true;
	ck_assert_int_eq(try(2, &wc), -1);
	ck_assert_int_eq(fault.status, HWB_UNSUPPORTED);
}
END_TEST

/* Ports are read and written, and memory that is short comes back. */
START_TEST(what_does_not_map_for_another_reason)
{
	bool wc = false;

	refusal = ENODEV;
	ck_assert_int_eq(try(0, &wc), 0);
	refusal = ENOMEM;
	ck_assert_int_eq(try(0, &wc), 0);
}
END_TEST

/* What was found to map is not tried again; what was not is, as its driver may be another now. */
START_TEST(what_maps_is_tried_once)
{
	bool wc = false;

	refusal = EINVAL;
	ck_assert_int_eq(try(0, &wc), -1);
	ck_assert_int_eq(try(0, &wc), -1);
	ck_assert_int_eq(tries, 2);
	refusal = ENOMEM;
	ck_assert_int_eq(try(0, &wc), 0);
	ck_assert_uint_eq(mapped, 0);
	refusal = 0;
	ck_assert_int_eq(try(0, &wc), 0);
	ck_assert_uint_eq(mapped, 1u << 0);
	refusal = ENODEV;
	ck_assert_int_eq(try(2, &wc), 0);
	ck_assert_uint_eq(mapped, 1u << 0 | 1u << 2);
	ck_assert_int_eq(tries, 5);

	refusal = EINVAL;
	ck_assert_int_eq(try(0, &wc), 0);
	ck_assert_int_eq(try(2, &wc), 0);
	ck_assert_int_eq(tries, 5);
	mapped = 1u << 2;
	ck_assert_int_eq(try(0, &wc), -1);
	ck_assert_int_eq(tries, 6);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resource");
	TCase *tests = tcase_create("resource");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, write_combined_where_there_is_such_a_file);
	tcase_add_test(tests, a_driver_that_claims_at_open);
	tcase_add_test(tests, what_does_not_map_for_another_reason);
	tcase_add_test(tests, what_maps_is_tried_once);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
