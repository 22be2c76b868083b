/* SPDX-License-Identifier: MIT */
/* Memory that a client brings, and large pages, brought or not. */
#define _GNU_SOURCE /* F_ADD_SEALS, fallocate */
#include "dma.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- memory of the client ---- */

START_TEST(memory_of_the_client)
{
	uint32_t domain = guest_domain();
	int fd = sealed(8 * PAGE);

	want(HWB_OK, MAP(domain, fd, .size = 8 * PAGE, .flags = BOTH));
	ck_assert_uint_eq(got.size, 8 * PAGE);
	ck_assert_uint_eq(got.page_size, PAGE);
	want(HWB_OK, MAP(domain, fd, .offset = 7 * PAGE, .size = PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = 0, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = 9 * PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .offset = 7 * PAGE, .size = 2 * PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .offset = 8 * PAGE, .size = PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .offset = 9 * PAGE, .size = PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .offset = 512, .size = PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = 512, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = PAGE + 1, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = UINT64_MAX, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = -(uint64_t)PAGE, .flags = BOTH));
	want(HWB_INVALID,
	     MAP(domain, fd, .offset = -(uint64_t)PAGE, .size = 2 * PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = PAGE, .alignment = 6, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = PAGE, .iova = PAGE, .flags = BOTH));
	want(HWB_CONFLICT,
	     MAP(domain, fd, .size = PAGE, .iova = msi_window, .flags = BOTH | FIXED));
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .alignment = 1 << 21, .flags = BOTH));
	ck_assert_uint_eq(got.iova % (1 << 21), 0);
}
END_TEST

/* Whatever could vanish, shrink or block under the broker is not mapped. */
START_TEST(descriptors_that_are_no_memory)
{
	uint32_t domain = guest_domain();
	char path[] = "/tmp/guest-dma-XXXXXX";
	int pipes[2], sockets[2], fd;

	ck_assert_int_eq(pipe(pipes), 0);
	want(HWB_BAD_FD, MAP(domain, pipes[0], .size = PAGE, .flags = READS));
	want(HWB_BAD_FD, MAP(domain, pipes[1], .size = PAGE, .flags = BOTH));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	want(HWB_BAD_FD, MAP(domain, sockets[0], .size = PAGE, .flags = READS));
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = READS));
	fd = open("/tmp", O_PATH | O_CLOEXEC);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = READS));
	fd = eventfd(0, EFD_CLOEXEC);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = READS));
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	unlink(path);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	snprintf(path, sizeof(path), "/dev/shm/guestXXXXXX");
	fd = mkstemp(path);
	if (fd >= 0) {
		unlink(path);
		ck_assert_int_eq(ftruncate(fd, PAGE), 0);
		want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	}
	/* A register region is no memory either. */
	struct example_device edu;
	take_edu(EDU, domain, &edu);
	want(HWB_BAD_FD, MAP(domain, edu.bar_fds[0], .size = PAGE, .flags = BOTH));
}
END_TEST

START_TEST(seals)
{
	struct example_device edu;
	uint32_t domain = guest_domain();
	char path[64];

	take_edu(EDU, domain, &edu);
	int fd = guest_memfd(PAGE, 0, 0);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	fd = guest_memfd(PAGE, 0, F_SEAL_GROW);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	fd = guest_memfd(PAGE, 0, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	/* It cannot be cut now; and what was short from the start is refused. */
	ck_assert_int_ne(ftruncate(fd, 0), 0);
	fd = guest_memfd(0, 0, F_SEAL_SHRINK);
	want(HWB_INVALID, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	ck_assert_int_eq(ftruncate(fd, 2 * PAGE), 0);
	want(HWB_OK, MAP(domain, fd, .size = 2 * PAGE, .flags = BOTH));
	fd = guest_memfd(PAGE, 0, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = WRITES));
	fd = guest_memfd(PAGE, 0, F_SEAL_SHRINK | F_SEAL_WRITE);
	want(HWB_BAD_FD, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	/* Opened for reading. */
	fd = sealed(PAGE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int reader = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(reader, 0);
	want(HWB_BAD_FD, MAP(domain, reader, .size = PAGE, .flags = BOTH));
	want(HWB_BAD_FD, MAP(domain, reader, .size = PAGE, .flags = WRITES));
	want(HWB_OK, MAP(domain, reader, .size = PAGE, .flags = READS));
}
END_TEST

/* What nobody may write, a device may still read. */
START_TEST(write_sealed_memory_to_read)
{
	struct example_device edu;
	uint32_t domain = guest_domain();

	take_edu(EDU, domain, &edu);
	int fd = guest_memfd(PAGE, 0, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE);
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .flags = READS));
	fd = guest_memfd(PAGE, 0, F_SEAL_SHRINK | F_SEAL_WRITE);
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .flags = READS));
}
END_TEST

/* ---- large pages ---- */

START_TEST(large_pages)
{
	struct example_memory scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &scratch);
	want(HWB_OK,
	     ALLOC(domain, .size = 1, .limit = UINT32_MAX, .flags = BOTH | HWB_DMA_PAGES_2M));
	ck_assert_uint_eq(got.size, HUGE_PAGE);
	ck_assert_uint_eq(got.page_size, HUGE_PAGE);
	ck_assert_uint_eq(got.iova % HUGE_PAGE, 0);
	unsigned char *memory = map_fd(got_fd, got.size);
	ck_assert(edu_reads(registers, got.iova + HUGE_PAGE - PAGE, memory + HUGE_PAGE - PAGE,
	                    &scratch));
	want(HWB_OK, unmap(domain, got.iova));
	/* The broker's own choice where they waste nothing. */
	want(HWB_OK, ALLOC(domain, .size = HUGE_PAGE, .flags = BOTH));
	ck_assert_uint_eq(got.page_size, HUGE_PAGE);
	want(HWB_OK, ALLOC(domain, .size = HUGE_PAGE, .flags = BOTH | HWB_DMA_PAGES_4K));
	ck_assert_uint_eq(got.page_size, PAGE);
	ck_assert_uint_eq(got.size, HUGE_PAGE);
	want(HWB_OK, ALLOC(domain, .size = HUGE_PAGE + PAGE, .flags = BOTH));
	ck_assert_uint_eq(got.page_size, PAGE);
	ck_assert_uint_eq(got.size, HUGE_PAGE + PAGE);
	want(HWB_INVALID, ALLOC(domain, .size = PAGE, .iova = 0x10001000, .alignment = HUGE_PAGE,
	                        .flags = BOTH | FIXED));
}
END_TEST

START_TEST(large_pages_of_the_client)
{
	struct example_memory scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);
	int fd = guest_memfd(2 * HUGE_PAGE, MFD_HUGETLB | MFD_HUGE_2MB, F_SEAL_SHRINK);

	guest_alloc(domain, PAGE, &scratch);
	want(HWB_OK, MAP(domain, fd, .size = HUGE_PAGE, .limit = UINT32_MAX, .flags = BOTH));
	ck_assert_uint_eq(got.page_size, HUGE_PAGE);
	unsigned char *memory = map_fd(fd, 2 * HUGE_PAGE);
	ck_assert(edu_reads(registers, got.iova, memory, &scratch));
	ck_assert(edu_writes(registers, got.iova + HUGE_PAGE - PAGE, memory + HUGE_PAGE - PAGE));
	want(HWB_OK, MAP(domain, fd, .offset = HUGE_PAGE, .size = HUGE_PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .offset = PAGE, .size = HUGE_PAGE, .flags = BOTH));
	want(HWB_INVALID, MAP(domain, fd, .size = 3 * HUGE_PAGE, .flags = BOTH));
	want(HWB_INVALID,
	     MAP(domain, fd, .offset = 2 * HUGE_PAGE, .size = HUGE_PAGE, .flags = BOTH));
	fd = guest_memfd(HUGE_PAGE, MFD_HUGETLB | MFD_HUGE_2MB, 0);
	want(HWB_BAD_FD, MAP(domain, fd, .size = HUGE_PAGE, .flags = BOTH));
}
END_TEST

/* All of them, once earlier clients' have come back. */
static uint64_t pages_of(const char *name)
{
	char line[128];
	unsigned long long count = 0;
	FILE *file = fopen("/proc/meminfo", "re");

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			count = strtoull(line + strlen(name), NULL, 10);
	fclose(file);
	return count;
}

/* Any user can empty the pool. Who insists gets a refusal, who does not small pages. */
START_TEST(no_large_pages_left)
{
	struct example_device edu;
	uint32_t domain = guest_domain();
	uint64_t total = pages_of("HugePages_Total:"), all = total * HUGE_PAGE;

	for (int waited = 0; pages_of("HugePages_Free:") != total; waited += 20) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		guest_pause(20);
	}
	int hoard = guest_memfd(all, MFD_HUGETLB | MFD_HUGE_2MB, F_SEAL_SHRINK);

	take_edu(EDU, domain, &edu);
	ck_assert_int_eq(fallocate(hoard, 0, 0, (off_t)all), 0);
	want(HWB_NO_MEMORY, ALLOC(domain, .size = HUGE_PAGE, .flags = BOTH | HWB_DMA_PAGES_2M));
	want(HWB_OK, ALLOC(domain, .size = HUGE_PAGE, .flags = BOTH));
	ck_assert_uint_eq(got.page_size, PAGE);
	/* A memfd without pages behind it, when the device needs them. */
	int empty = guest_memfd(HUGE_PAGE, MFD_HUGETLB | MFD_HUGE_2MB, F_SEAL_SHRINK);
	want(HWB_NO_MEMORY, MAP(domain, empty, .size = HUGE_PAGE, .flags = BOTH));
	want(HWB_OK, hwb_ping(guest, &why));
	close(hoard);
	want(HWB_OK, MAP(domain, empty, .size = HUGE_PAGE, .flags = BOTH));
}
END_TEST

void add_brought_memory(Suite *suite)
{
	TCase *tests = guest_case(suite, "brought memory");
	tcase_add_test(tests, memory_of_the_client);
	tcase_add_test(tests, descriptors_that_are_no_memory);
	tcase_add_test(tests, seals);
	tcase_add_test(tests, write_sealed_memory_to_read);
	tests = guest_case(suite, "large pages");
	tcase_add_test(tests, large_pages);
	tcase_add_test(tests, large_pages_of_the_client);
	tcase_add_test(tests, no_large_pages_left);
}
