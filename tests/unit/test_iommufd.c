/* SPDX-License-Identifier: MIT */
/*
 * Domains and devices through iommufd, against a kernel of our own: which calls are made, in
 * which order, and what is left when one fails. What a real one does is shown in the
 * virtual PC.
 */
#define _GNU_SOURCE /* memfd_create */
#include "kernel/iommufd/abi.h"
#include "kernel/iommufd/iommufd.h"
#include "kernel/vfio/vfio.h"
#include "suite.h"
#include "util/cleanup.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* ---- the kernel ---- */

static char calls[1024];    /* one word each, in order */
static bool has_map_file;   /* it is of Linux 6.13 */
static uint32_t ioas = 1;   /* what the next address space is called */
static const char *failing; /* the call that fails, once ... */
static int failing_errno;   /* ... so */

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

static char folder[] = "/tmp/test_iommufd.XXXXXX";

DIR *__wrap_opendir(const char *path)
{
	return __real_opendir(strstr(path, "/vfio-dev") != NULL ? folder : path);
}

int __wrap_open(const char *path, int flags, ...)
{
	if (strcmp(path, "/dev/iommu") != 0 && strcmp(path, "/dev/vfio/devices/vfio7") != 0)
		return __real_open(path, flags, 0600);
	int fd = memfd_create("node", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	return fd;
}

static int say(const char *name)
{
	size_t length = strlen(calls);

	snprintf(calls + length, sizeof(calls) - length, "%s%s", length == 0 ? "" : " ", name);
	if (failing == NULL || strcmp(failing, name) != 0)
		return 0;
	failing = NULL;
	errno = failing_errno;
	return -1;
}

static int say_map(const char *name, uint64_t iova, uint64_t length, uint32_t flags)
{
	char text[64];

	snprintf(text, sizeof(text), "%s:%llx+%llx%s%s", name, (unsigned long long)iova,
	         (unsigned long long)length, (flags & IOMMUFD_MAP_READABLE) != 0 ? "r" : "",
	         (flags & IOMMUFD_MAP_WRITEABLE) != 0 ? "w" : "");
	ck_assert_uint_ne(flags & IOMMUFD_MAP_FIXED, 0);
	return say(text);
}

static int serve_space(unsigned long request, void *argument)
{
	if (request == IOMMUFD_IOAS_ALLOC) {
		((struct iommufd_ioas_alloc *)argument)->ioas = ioas;
		return say("alloc");
	}
	if (request == IOMMUFD_MAP) {
		struct iommufd_map *map = argument;
		ck_assert_uint_eq(map->size, sizeof(*map));
		ck_assert_uint_eq(map->ioas, 1);
		return say_map("map", map->iova, map->length, map->flags);
	}
	if (request == IOMMUFD_UNMAP) {
		struct iommufd_unmap *unmap = argument;
		ck_assert_uint_eq(unmap->size, sizeof(*unmap));
		return say(unmap->length == UINT64_MAX ? "unmap-all" : "unmap");
	}
	if (request == IOMMUFD_IOAS_RANGES) {
		struct iommufd_ioas_ranges *ask = argument;
		struct iommufd_range *ranges = (void *)(uintptr_t)ask->ranges; /* NOLINT */
		ck_assert_uint_ge(ask->count, 2);
		ranges[0] = (struct iommufd_range){ 0, 0xfedfffff };
		ranges[1] = (struct iommufd_range){ 0xfef00000, UINT64_MAX };
		ask->count = 2;
		return 0;
	}
	errno = ENOTTY;
	return -1;
}

static int serve_map_file(const struct iommufd_map_file *map)
{
	if (!has_map_file) {
		errno = ENOTTY;
		return -1;
	}
	if (map->ioas == 0) { /* asked whether it is there */
		errno = ENOENT;
		return -1;
	}
	struct stat status;
	ck_assert_int_eq(fstat(map->fd, &status), 0);
	ck_assert_int_ge(status.st_size, (off_t)(map->start + map->length));
	return say_map("file", map->iova, map->length, map->flags);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;

	ck_assert_int_ge(fd, 0);
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	if (request == IOMMUFD_MAP_FILE)
		return serve_map_file(argument);
	if (request == IOMMUFD_BIND) {
		ck_assert_int_ge(((struct iommufd_bind *)argument)->iommufd, 0);
		return say("bind");
	}
	if (request == IOMMUFD_ATTACH) {
		ck_assert_uint_eq(((struct iommufd_attach *)argument)->ioas, 1);
		return say("attach");
	}
	if (request == IOMMUFD_DETACH)
		return say("detach");
	/* A device: config space is at the start of its descriptor. */
	if (request == VFIO_DEVICE_GET_INFO || request == VFIO_DEVICE_GET_REGION_INFO)
		return 0;
	return serve_space(request, argument);
}

/* ---- tests ---- */

static const struct kernel_backend *const kernel = &kernel_iommufd;
static const struct hwb_pci_address edu = { .device = 3 };
static const struct hwb_pci_address other = { .device = 4 };
static struct kernel_domain *domain;
static struct fault fault;
static int memory;

static void start(void)
{
	has_map_file = false;
	ioas = 1;
	failing = NULL;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	char path[64];
	snprintf(path, sizeof(path), "%s/vfio7", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	memory = memfd_create("memory", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(memory, 16 * PAGE), 0);
	ck_assert_int_eq(kernel->domain_new(&domain, &fault), 0);
	calls[0] = '\0';
}

static void end(void)
{
	char path[64];

	close(memory);
	snprintf(path, sizeof(path), "%s/vfio7", folder);
	rmdir(path);
	rmdir(folder);
}

/* What the kernel was told since the last look. */
static void expect(const char *wanted)
{
	ck_assert_str_eq(calls, wanted);
	calls[0] = '\0';
}

static int map(uint64_t iova, bool device_writes)
{
	struct kernel_mapping mapping = {
		.fd = memory,
		.offset = PAGE,
		.iova = iova,
		.size = 2 * PAGE,
		.device_reads = true,
		.device_writes = device_writes,
	};
	return kernel->map(domain, &mapping, &fault);
}

static struct kernel_device *open_device(const struct hwb_pci_address *address, uint32_t group)
{
	struct kernel_device *device = NULL;

	ck_assert_int_eq(kernel->open(address, group, domain, -1, -1, &device, &fault), 0);
	return device;
}

static enum hwb_status refused(uint32_t group)
{
	struct kernel_device *device = NULL;

	ck_assert_int_eq(kernel->open(&edu, group, domain, -1, -1, &device, &fault), -1);
	ck_assert_ptr_null(device);
	return fault.status;
}

START_TEST(mappings_wait_for_a_device)
{
	struct hwb_iova_range windows[4];

	ck_assert_int_eq(map(0x10000, true), 0);
	ck_assert_int_eq(map(0x20000, false), 0);
	ck_assert_uint_eq(kernel->windows(domain, windows, 4), 0);
	expect("");
	struct kernel_device *device = open_device(&edu, 2);
	expect("alloc bind attach map:10000+2000rw map:20000+2000r");
	ck_assert_int_eq(map(0x30000, true), 0);
	expect("map:30000+2000rw");
	ck_assert_uint_eq(kernel->windows(domain, windows, 4), 2);
	ck_assert_uint_eq(windows[1].first, 0xfef00000);
	ck_assert_uint_eq(kernel->windows(domain, windows, 1), 1);
	ck_assert_int_eq(kernel->unmap(domain, 0x10000, &fault), 0);
	expect("unmap");
	kernel->close(device);
	expect("detach unmap-all");
	kernel->domain_free(domain);
	expect("");
}
END_TEST

START_TEST(second_device_finds_the_mappings)
{
	ck_assert_int_eq(map(0x10000, true), 0);
	struct kernel_device *one = open_device(&edu, 2);
	expect("alloc bind attach map:10000+2000rw");
	struct kernel_device *two = open_device(&other, 3);
	expect("bind attach");
	kernel->close(one);
	expect("detach");
	kernel->close(two);
	expect("detach unmap-all");
	/* And once more, from the start. */
	one = open_device(&edu, 2);
	expect("alloc bind attach map:10000+2000rw");
	kernel->close(one);
	kernel->domain_free(domain);
}
END_TEST

START_TEST(memory_goes_by_its_descriptor)
{
	has_map_file = true;
	ck_assert_int_eq(map(0x10000, true), 0);
	struct kernel_device *device = open_device(&edu, 2);
	expect("alloc bind attach file:10000+2000rw");
	ck_assert_int_eq(map(0x20000, false), 0);
	expect("file:20000+2000r");
	kernel->close(device);
	kernel->domain_free(domain);
}
END_TEST

START_TEST(mapping_that_does_not_fit_keeps_the_device_out)
{
	ck_assert_int_eq(map(0x10000, true), 0);
	ck_assert_int_eq(map(0x20000, true), 0);
	failing = "map:20000+2000rw";
	failing_errno = EINVAL;
	ck_assert_int_eq(refused(2), HWB_CONFLICT);
	expect("alloc bind attach map:10000+2000rw map:20000+2000rw unmap detach unmap-all");
	kernel->close(open_device(&edu, 2));
	kernel->domain_free(domain);
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		const char *call;
		int error;
		enum hwb_status status;
	} table[] = {
		{ "bind", EPERM, HWB_UNSAFE },          { "bind", EBUSY, HWB_BUSY },
		{ "bind", EINVAL, HWB_BUSY },           { "attach", EINVAL, HWB_CONFLICT },
		{ "attach", EADDRINUSE, HWB_CONFLICT }, { "attach", EIO, HWB_HOST_ERROR },
		{ "alloc", ENOMEM, HWB_NO_MEMORY },
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		failing = table[i].call;
		failing_errno = table[i].error;
		ck_assert_int_eq(refused(2), table[i].status);
		ck_assert_ptr_null(failing);
	}
	/* Each left the domain as it was. */
	calls[0] = '\0';
	kernel->close(open_device(&edu, 2));
	expect("alloc bind attach detach unmap-all");
	kernel->domain_free(domain);
}
END_TEST

START_TEST(busy_with_a_reset)
{
	failing = "bind";
	failing_errno = EAGAIN;
	kernel->close(open_device(&edu, 2));
	expect("alloc bind bind attach detach unmap-all");
	kernel->domain_free(domain);
}
END_TEST

START_TEST(address_space_of_another_name)
{
	ioas = 2;
	ck_assert_int_eq(refused(2), HWB_HOST_ERROR);
	kernel->domain_free(domain);
}
END_TEST

START_TEST(group_is_in_one_domain)
{
	struct kernel_domain *mine = domain;
	struct kernel_device *device = open_device(&edu, 2);

	ck_assert_int_eq(kernel->domain_new(&domain, &fault), 0);
	ck_assert_int_eq(refused(2), HWB_WRONG_STATE);
	kernel->domain_free(domain);
	kernel->close(device);
	kernel->domain_free(mine);
}
END_TEST

/* Its owner has gone, and the device is closed later. */
START_TEST(domain_goes_before_its_device)
{
	ck_assert_int_eq(map(0x10000, true), 0);
	struct kernel_device *device = open_device(&edu, 2);
	calls[0] = '\0';
	kernel->domain_free(domain);
	expect("unmap");
	kernel->close(device);
	expect("detach unmap-all");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("iommufd");
	TCase *tests = tcase_create("iommufd");

	tcase_add_checked_fixture(tests, start, end);
	tcase_add_test(tests, mappings_wait_for_a_device);
	tcase_add_test(tests, second_device_finds_the_mappings);
	tcase_add_test(tests, memory_goes_by_its_descriptor);
	tcase_add_test(tests, mapping_that_does_not_fit_keeps_the_device_out);
	tcase_add_test(tests, refusals);
	tcase_add_test(tests, busy_with_a_reset);
	tcase_add_test(tests, address_space_of_another_name);
	tcase_add_test(tests, group_is_in_one_domain);
	tcase_add_test(tests, domain_goes_before_its_device);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
