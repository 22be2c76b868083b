/* SPDX-License-Identifier: MIT */
/* DMA: domains, memory made and brought, and what a device reaches. */
#define _GNU_SOURCE /* F_ADD_SEALS, fallocate */
#include "guest.h"

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

enum {
	READS = HWB_DMA_DEVICE_READS,
	WRITES = HWB_DMA_DEVICE_WRITES,
	BOTH = READS | WRITES,
	FIXED = HWB_DMA_FIXED,
	/* tests/guest/policy/dma.conf */
	MAPPINGS_MAX = 16,
	BYTES_MAX = 16 << 20
};

#ifdef __aarch64__
static const uint64_t msi_window = 0x08000000, msi_window_end = 0x080fffff;
#else
static const uint64_t msi_window = 0xfee00000, msi_window_end = 0xfeefffff;
#endif

/* The reply of the last call that worked; its memory. */
static struct hwb_dma_reply got;
static int got_fd;

static int alloc(uint32_t domain, struct hwb_dma_alloc_request request)
{
	return hwb_dma_alloc(guest, domain, &request, &got, &got_fd, &why);
}

static int map(uint32_t domain, int fd, struct hwb_dma_map_request request)
{
	return hwb_dma_map(guest, domain, &request, fd, &got, &why);
}

static int unmap(uint32_t domain, uint64_t iova)
{
	return hwb_dma_unmap(guest, domain, iova, &why);
}

#define ALLOC(domain, ...) alloc(domain, (struct hwb_dma_alloc_request){ __VA_ARGS__ })
#define MAP(domain, fd, ...) map(domain, fd, (struct hwb_dma_map_request){ __VA_ARGS__ })

static volatile void *take_edu(const char *address, uint32_t domain, struct example_device *edu)
{
	const struct hwb_acquire_request request = { .domain = domain, .bars = 1 };

	guest_take(address, &request, edu);
	return guest_map(&edu->info.regions[0], edu->bar_fds[0]);
}

static void *map_fd(int fd, uint64_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

static int sealed(uint64_t size)
{
	return guest_memfd(size, 0, F_SEAL_SHRINK);
}

/* ---- allocating ---- */

START_TEST(memory_of_the_broker)
{
	uint32_t domain = guest_domain();
	struct stat status;

	want(HWB_OK, ALLOC(domain, .size = 3 * PAGE, .flags = BOTH));
	ck_assert_uint_eq(got.size, 3 * PAGE);
	ck_assert_uint_eq(got.page_size, PAGE);
	ck_assert_uint_eq(got.iova % PAGE, 0);
	ck_assert_uint_ne(got.iova, 0);
	ck_assert_int_eq(fstat(got_fd, &status), 0);
	ck_assert_int_eq(status.st_size, 3 * PAGE);
	const unsigned char *memory = map_fd(got_fd, got.size);
	for (int i = 0; i < 3 * PAGE; i++)
		ck_assert_uint_eq(memory[i], 0);
	/* Nobody can cut it while a device uses it, nor grow it past the quota. */
	ck_assert_int_ne(ftruncate(got_fd, PAGE), 0);
	ck_assert_int_ne(ftruncate(got_fd, 4 * PAGE), 0);
	ck_assert_int_ne(fcntl(got_fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_ne(fcntl(got_fd, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(sizes)
{
	uint32_t domain = guest_domain();

	want(HWB_OK, ALLOC(domain, .size = 1, .flags = READS));
	ck_assert_uint_eq(got.size, PAGE);
	want(HWB_OK, ALLOC(domain, .size = PAGE + 1, .flags = WRITES));
	ck_assert_uint_eq(got.size, 2 * PAGE);
	want(HWB_INVALID, ALLOC(domain, .size = 0, .flags = BOTH));
	want(HWB_INVALID, ALLOC(domain, .size = UINT64_MAX, .flags = BOTH));
	want(HWB_INVALID, ALLOC(domain, .size = UINT64_MAX / 2 + 1, .flags = BOTH));
	want(HWB_INVALID, ALLOC(domain, .size = UINT64_MAX, .flags = BOTH | HWB_DMA_PAGES_2M));
	want(HWB_QUOTA, ALLOC(domain, .size = UINT64_MAX / 2 - PAGE, .flags = BOTH));
	want(HWB_QUOTA, ALLOC(domain, .size = 1ull << 40, .flags = BOTH));
}
END_TEST

START_TEST(flags)
{
	uint32_t domain = guest_domain();

	want(HWB_INVALID, ALLOC(domain, .size = PAGE));
	want(HWB_INVALID, ALLOC(domain, .size = PAGE, .flags = HWB_DMA_PAGES_4K));
	want(HWB_INVALID,
	     ALLOC(domain, .size = PAGE, .flags = BOTH | HWB_DMA_PAGES_4K | HWB_DMA_PAGES_2M));
	want(HWB_UNKNOWN_FLAG, ALLOC(domain, .size = PAGE, .flags = BOTH | 1u << 5));
	want(HWB_UNKNOWN_FLAG, ALLOC(domain, .size = PAGE, .flags = BOTH | 1u << 31));
	want(HWB_RESERVED_NOT_ZERO, ALLOC(domain, .size = PAGE, .flags = BOTH, .reserved = 1));
	int fd = sealed(PAGE);
	want(HWB_INVALID, MAP(domain, fd, .size = PAGE));
	/* Whose pages they are is said by the memfd. */
	want(HWB_UNKNOWN_FLAG, MAP(domain, fd, .size = PAGE, .flags = BOTH | HWB_DMA_PAGES_4K));
	want(HWB_UNKNOWN_FLAG, MAP(domain, fd, .size = PAGE, .flags = BOTH | HWB_DMA_PAGES_2M));
	want(HWB_RESERVED_NOT_ZERO, MAP(domain, fd, .size = PAGE, .flags = BOTH, .reserved = 1));
}
END_TEST

START_TEST(alignment)
{
	uint32_t domain = guest_domain();

	want(HWB_OK, ALLOC(domain, .size = PAGE, .alignment = 1, .flags = BOTH));
	want(HWB_OK, ALLOC(domain, .size = PAGE, .alignment = 1 << 20, .flags = BOTH));
	ck_assert_uint_eq(got.iova % (1 << 20), 0);
	want(HWB_OK, ALLOC(domain, .size = PAGE, .alignment = 1ull << 32, .flags = BOTH));
	ck_assert_uint_eq(got.iova % (1ull << 32), 0);
	ck_assert_uint_ne(got.iova, 0);
	want(HWB_INVALID, ALLOC(domain, .size = PAGE, .alignment = 3, .flags = BOTH));
	want(HWB_INVALID, ALLOC(domain, .size = PAGE, .alignment = PAGE + 1, .flags = BOTH));
	want(HWB_INVALID, ALLOC(domain, .size = PAGE, .alignment = UINT64_MAX, .flags = BOTH));
	want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .alignment = 1ull << 63, .flags = BOTH));
	ck_assert_uint_eq(why.field, 24 + offsetof(struct hwb_dma_alloc_request, size));
	want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .alignment = 1ull << 32, .limit = UINT32_MAX,
	                         .flags = BOTH));
	ck_assert_uint_eq(why.field, 24 + offsetof(struct hwb_dma_alloc_request, limit));
}
END_TEST

START_TEST(fixed_address)
{
	const uint64_t at = 0x10000000;
	uint32_t domain = guest_domain();
	int fd = sealed(4 * PAGE);

	want(HWB_OK, ALLOC(domain, .size = 4 * PAGE, .iova = at, .flags = BOTH | FIXED));
	ck_assert_uint_eq(got.iova, at);
	/* Overlaps: all of it, either end, within, around. */
	want(HWB_CONFLICT, ALLOC(domain, .size = 4 * PAGE, .iova = at, .flags = BOTH | FIXED));
	ck_assert_uint_eq(why.field, 24 + offsetof(struct hwb_dma_alloc_request, iova));
	want(HWB_CONFLICT,
	     MAP(domain, fd, .size = 2 * PAGE, .iova = at - PAGE, .flags = BOTH | FIXED));
	ck_assert_uint_eq(why.field, 24 + offsetof(struct hwb_dma_map_request, iova));
	want(HWB_CONFLICT,
	     MAP(domain, fd, .size = 2 * PAGE, .iova = at + 3 * PAGE, .flags = BOTH | FIXED));
	want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .iova = at + PAGE, .flags = BOTH | FIXED));
	want(HWB_CONFLICT,
	     ALLOC(domain, .size = 6 * PAGE, .iova = at - PAGE, .flags = BOTH | FIXED));
	/* Right beside it is none. */
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .iova = at - PAGE, .flags = BOTH | FIXED));
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .iova = at + 4 * PAGE, .flags = BOTH | FIXED));
	/* Another domain is another world. */
	want(HWB_OK, ALLOC(guest_domain(), .size = PAGE, .iova = at, .flags = BOTH | FIXED));
	want(HWB_OK, unmap(domain, at));
	want(HWB_OK, ALLOC(domain, .size = PAGE, .iova = at + PAGE, .flags = BOTH | FIXED));
}
END_TEST

START_TEST(wrong_fixed_address)
{
	uint32_t domain = guest_domain();

	want(HWB_INVALID, ALLOC(domain, .size = PAGE, .iova = 0x10000000, .flags = BOTH));
	want(HWB_INVALID, ALLOC(domain, .size = PAGE, .iova = 0x10000800, .flags = BOTH | FIXED));
	want(HWB_INVALID, ALLOC(domain, .size = PAGE, .iova = 0x10001000, .alignment = 0x2000,
	                        .flags = BOTH | FIXED));
	want(HWB_INVALID,
	     ALLOC(domain, .size = 2 * PAGE, .iova = -(uint64_t)PAGE, .flags = BOTH | FIXED));
	want(HWB_CONFLICT,
	     ALLOC(domain, .size = PAGE, .iova = -(uint64_t)PAGE, .flags = BOTH | FIXED));
	want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .iova = 0, .flags = BOTH | FIXED));
	want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .iova = 1ull << 60, .flags = BOTH | FIXED));
	want(HWB_INVALID, ALLOC(domain, .size = PAGE, .iova = 1ull << 32, .limit = UINT32_MAX,
	                        .flags = BOTH | FIXED));
	want(HWB_INVALID, ALLOC(domain, .size = 2 * PAGE, .iova = 0x10000000, .limit = 0x10000fff,
	                        .flags = BOTH | FIXED));
	want(HWB_OK, ALLOC(domain, .size = PAGE, .iova = 0x10000000, .limit = 0x10000fff,
	                   .flags = BOTH | FIXED));
	/* FIXED with alignment that holds. */
	want(HWB_OK, ALLOC(domain, .size = PAGE, .iova = 0x20000000, .alignment = 0x20000000,
	                   .flags = BOTH | FIXED));
}
END_TEST

static void refuse_msi_window(uint32_t domain)
{
	want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .iova = msi_window, .flags = BOTH | FIXED));
	want(HWB_CONFLICT,
	     ALLOC(domain, .size = PAGE, .iova = msi_window_end + 1 - PAGE, .flags = BOTH | FIXED));
	want(HWB_CONFLICT,
	     ALLOC(domain, .size = 2 * PAGE, .iova = msi_window - PAGE, .flags = BOTH | FIXED));
	want(HWB_CONFLICT, ALLOC(domain, .size = 2 * PAGE, .iova = msi_window_end + 1 - PAGE,
	                         .flags = BOTH | FIXED));
	want(HWB_CONFLICT,
	     ALLOC(domain, .size = 4 << 20, .iova = msi_window - (1 << 20), .flags = BOTH | FIXED));
	want(HWB_OK, ALLOC(domain, .size = PAGE, .iova = msi_window - PAGE, .flags = BOTH | FIXED));
	want(HWB_OK, unmap(domain, msi_window - PAGE));
	want(HWB_OK,
	     ALLOC(domain, .size = PAGE, .iova = msi_window_end + 1, .flags = BOTH | FIXED));
	want(HWB_OK, unmap(domain, msi_window_end + 1));
}

/* A write there is an interrupt and no memory access. */
START_TEST(msi_window_is_reserved)
{
	struct example_device edu;
	uint32_t domain = guest_domain();

	refuse_msi_window(domain);
	take_edu(EDU, domain, &edu);
	refuse_msi_window(domain);
}
END_TEST

START_TEST(address_limit)
{
	uint32_t domain = guest_domain();

	want(HWB_OK, ALLOC(domain, .size = 1 << 20, .limit = UINT32_MAX, .flags = BOTH));
	ck_assert_uint_le(got.iova + got.size - 1, UINT32_MAX);
	want(HWB_OK, ALLOC(domain, .size = PAGE, .limit = 0xffffff, .flags = BOTH));
	ck_assert_uint_le(got.iova + got.size - 1, 0xffffff);
	/* Page 0 is given to nobody, so these leave no room. */
	want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .limit = 1, .flags = BOTH));
	want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .limit = 0xfff, .flags = BOTH));
	want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .limit = 0x1ffe, .flags = BOTH));
	want(HWB_OK, ALLOC(guest_domain(), .size = PAGE, .limit = 0x1fff, .flags = BOTH));
	ck_assert_uint_eq(got.iova, 0x1000);
}
END_TEST

static uint32_t read_windows(uint32_t domain, uint64_t cursor, struct hwb_iova_range *windows,
                             uint32_t max)
{
	const struct hwb_list_request request = { cursor };
	struct {
		struct hwb_list_reply head;
		struct hwb_iova_range windows[200];
	} answer;
	struct hwb_call call = { .reply = &answer, .reply_size = sizeof(answer), .error = &why };

	ck_assert_int_eq(
	        hwb_begin(guest, &call, HWB_DOMAIN_INFO, domain, &request, sizeof(request), -1), 0);
	want(HWB_OK, hwb_finish(guest, &call));
	ck_assert_uint_eq(answer.head.record_size, sizeof(struct hwb_iova_range));
	ck_assert_uint_eq(answer.head.next, 0);
	ck_assert_uint_le(answer.head.count, max);
	memcpy(windows, answer.windows, answer.head.count * sizeof(windows[0]));
	return answer.head.count;
}

static void check_windows(uint32_t domain)
{
	struct hwb_iova_range windows[200];
	uint32_t count = read_windows(domain, 0, windows, 200);

	ck_assert_uint_ge(count, 1);
	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_lt(windows[i].first, windows[i].last);
		ck_assert(i == 0 || windows[i - 1].last < windows[i].first);
		ck_assert(windows[i].last < msi_window || windows[i].first > msi_window_end);
	}
	ck_assert_uint_ge(windows[0].first, PAGE);
	ck_assert_uint_eq(read_windows(domain, 1, windows, 200), 0);
}

START_TEST(windows)
{
	struct example_device edu;
	uint32_t domain = guest_domain();

	check_windows(domain);
	take_edu(EDU, domain, &edu);
	check_windows(domain);
}
END_TEST

START_TEST(unmapping)
{
	uint32_t domain = guest_domain(), other = guest_domain();

	want(HWB_OK, ALLOC(domain, .size = 4 * PAGE, .flags = BOTH));
	uint64_t iova = got.iova;
	/* By the address that it starts at, and in its domain. */
	want(HWB_NOT_FOUND, unmap(domain, iova + PAGE));
	want(HWB_NOT_FOUND, unmap(domain, iova + 1));
	want(HWB_NOT_FOUND, unmap(domain, iova - PAGE));
	want(HWB_NOT_FOUND, unmap(domain, iova + 4 * PAGE));
	want(HWB_NOT_FOUND, unmap(domain, 0));
	want(HWB_NOT_FOUND, unmap(domain, UINT64_MAX));
	want(HWB_NOT_FOUND, unmap(other, iova));
	want(HWB_OK, unmap(domain, iova));
	want(HWB_NOT_FOUND, unmap(domain, iova));
}
END_TEST

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

/* ---- what a device reaches ---- */

START_TEST(reaches_what_is_mapped)
{
	struct example_memory memory, scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	ck_assert(edu_writes(registers, memory.iova, memory.at));
	want(HWB_OK, unmap(domain, memory.iova));
	ck_assert(!edu_writes(registers, memory.iova, memory.at));
	ck_assert(!edu_reads(registers, memory.iova, memory.at, &scratch));
}
END_TEST

START_TEST(mapped_before_the_first_assign)
{
	struct example_memory memory, scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	int fd = sealed(PAGE);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .limit = UINT32_MAX, .flags = BOTH));
	uint64_t own = got.iova;
	/* One that is gone before the kernel ever heard of it. */
	want(HWB_OK, ALLOC(domain, .size = PAGE, .limit = UINT32_MAX, .flags = BOTH));
	void *never = map_fd(got_fd, PAGE);
	want(HWB_OK, unmap(domain, got.iova));
	volatile void *registers = take_edu(EDU, domain, &edu);
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	ck_assert(edu_writes(registers, own, map_fd(fd, PAGE)));
	ck_assert(!edu_writes(registers, got.iova, never));
}
END_TEST

START_TEST(device_that_may_only_read)
{
	struct example_memory scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);
	int fd = sealed(PAGE);
	void *memory = map_fd(fd, PAGE);

	guest_alloc(domain, PAGE, &scratch);
	want(HWB_OK, MAP(domain, fd, .size = PAGE, .limit = UINT32_MAX, .flags = READS));
	ck_assert(edu_reads(registers, got.iova, memory, &scratch));
	ck_assert(!edu_writes(registers, got.iova, memory));
}
END_TEST

/* Whether it could read as well is the IOMMU's affair: that of this virtual PC
 * lets it, with VFIO used directly by root too. */
START_TEST(device_that_may_write)
{
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);
	int fd = sealed(PAGE);
	void *memory = map_fd(fd, PAGE);

	want(HWB_OK, MAP(domain, fd, .size = PAGE, .limit = UINT32_MAX, .flags = WRITES));
	ck_assert(edu_writes(registers, got.iova, memory));
	want(HWB_OK, unmap(domain, got.iova));
	ck_assert(!edu_writes(registers, got.iova, memory));
}
END_TEST

/* The client's own descriptor may go: the mapping holds the memory. */
START_TEST(descriptor_is_not_needed_any_more)
{
	struct example_memory memory, scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	close(memory.fd);
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
}
END_TEST

START_TEST(two_devices_in_one_domain)
{
	struct example_memory memory, scratch;
	struct example_device edu, edu2;
	uint32_t domain = guest_domain();
	volatile void *first = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	volatile void *second = take_edu(EDU2, domain, &edu2);
	ck_assert(edu_reads(first, memory.iova, memory.at, &scratch));
	ck_assert(edu_reads(second, memory.iova, memory.at, &scratch));
	/* One writes, the other reads it. */
	edu_store(first, memory.iova);
	edu_fetch(second, memory.iova);
	memset(scratch.at, 0, EDU_TRANSFER);
	edu_store(second, scratch.iova);
	ck_assert_mem_eq(memory.at, scratch.at, EDU_TRANSFER);
	/* The first leaves, the second stays. */
	guest_give_back(&edu);
	guest_wait_state(EDU, HWB_DEVICE_FREE);
	ck_assert(edu_writes(second, memory.iova, memory.at));
}
END_TEST

START_TEST(domains_are_apart)
{
	struct example_memory memory;
	struct example_device edu, edu2;
	uint32_t domain = guest_domain(), other = guest_domain();
	volatile void *first = take_edu(EDU, domain, &edu);
	volatile void *second = take_edu(EDU2, other, &edu2);

	guest_alloc(domain, PAGE, &memory);
	ck_assert(edu_writes(first, memory.iova, memory.at));
	ck_assert(!edu_writes(second, memory.iova, memory.at));
}
END_TEST

/* Without a domain the registers are there, and no memory. */
START_TEST(deassign_and_assign_again)
{
	struct example_memory memory, scratch;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	want(HWB_OK, hwb_domain_deassign(guest, domain, edu.handle, &why));
	ck_assert(!guest_bus_master(EDU));
	ck_assert(edu_alive(registers));
	ck_assert(!edu_writes(registers, memory.iova, memory.at));
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
	ck_assert(edu_reads(registers, memory.iova, memory.at, &scratch));
	/* What was unmapped meanwhile does not come back. */
	want(HWB_OK, hwb_domain_deassign(guest, domain, edu.handle, &why));
	want(HWB_OK, unmap(domain, memory.iova));
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
	ck_assert(!edu_writes(registers, memory.iova, memory.at));
	ck_assert(edu_writes(registers, scratch.iova, scratch.at));
}
END_TEST

START_TEST(closed_domain)
{
	struct example_memory memory;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
	guest_release(domain);
	want(HWB_NO_SESSION, unmap(domain, memory.iova));
	want(HWB_NO_SESSION, ALLOC(domain, .size = PAGE, .flags = BOTH));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, domain, edu.handle, &why));
	/* Behind the jobs that the close has started. */
	uint32_t other = guest_domain();
	want(HWB_OK, hwb_domain_assign(guest, other, edu.handle, &why));
	ck_assert(edu_alive(registers));
	ck_assert(!edu_writes(registers, memory.iova, memory.at));
	guest_alloc(other, PAGE, &memory);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
}
END_TEST

/* Requests that undo each other, sent at once: the last one counts. */
START_TEST(assignments_in_a_row)
{
	struct example_memory memory;
	struct example_device edu;
	struct hwb_call calls[3] = { { .error = &why }, { .error = &why }, { .error = &why } };
	uint32_t domain = guest_domain(), other = guest_domain();
	volatile void *registers = take_edu(EDU, 0, &edu);
	const struct hwb_assign_request request = { .device = edu.handle };

	guest_alloc(domain, PAGE, &memory);
	want(HWB_OK,
	     hwb_begin(guest, &calls[0], HWB_DOMAIN_ASSIGN, other, &request, sizeof(request), -1));
	want(HWB_OK, hwb_begin(guest, &calls[1], HWB_DOMAIN_DEASSIGN, other, &request,
	                       sizeof(request), -1));
	want(HWB_OK,
	     hwb_begin(guest, &calls[2], HWB_DOMAIN_ASSIGN, domain, &request, sizeof(request), -1));
	for (int i = 0; i < 3; i++)
		want(HWB_OK, hwb_finish(guest, &calls[i]));
	guest_release(other);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
	want(HWB_OK, hwb_domain_deassign(guest, domain, edu.handle, &why));
}
END_TEST

/* An interrupt that is just being opened goes with the domain that it needs. */
START_TEST(domain_closed_under_an_interrupt)
{
	const struct hwb_irq_request request = { .type = HWB_IRQ_MSI, .count = 1 };
	struct hwb_interrupt irq;
	struct example_device edu;
	int fds[HWB_FDS_MAX];
	uint32_t count;

	for (int i = 0; i < 10; i++) {
		struct hwb_call open = {
			.reply = &irq,
			.reply_size = sizeof(irq),
			.fds = fds,
			.fds_max = HWB_FDS_MAX,
			.error = &why,
		};
		uint32_t domain = guest_domain();
		take_edu(EDU, domain, &edu);
		want(HWB_OK, hwb_begin(guest, &open, HWB_IRQ_OPEN, edu.handle, &request,
		                       sizeof(request), -1));
		guest_release(domain);
		/* Opened in time and closed with the domain, or too late. */
		int status = guest_status(hwb_finish(guest, &open));
		ck_assert_msg(status == HWB_OK || status == HWB_GONE, "%s",
		              guest_status_name(status));
		if (status == HWB_OK) {
			close(fds[0]);
			want(HWB_NO_SESSION, hwb_irq_enable(guest, irq.session, &why));
		}
		domain = guest_domain();
		want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
		want(HWB_OK, hwb_irq_open(guest, edu.handle, &request, &irq, fds, &count, &why));
		close(fds[0]);
		guest_give_back(&edu);
		guest_release(domain);
		guest_wait_state(EDU, HWB_DEVICE_FREE);
	}
}
END_TEST

START_TEST(closed_device_leaves_the_domain)
{
	struct example_memory memory;
	struct example_device edu;
	uint32_t domain = guest_domain();
	volatile void *registers = take_edu(EDU, domain, &edu);

	guest_alloc(domain, PAGE, &memory);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
	guest_release(edu.handle);
	want(HWB_NO_SESSION, hwb_domain_deassign(guest, domain, edu.handle, &why));
	/* The domain lives on, for whoever comes next. */
	registers = take_edu(EDU, domain, &edu);
	ck_assert(edu_writes(registers, memory.iova, memory.at));
}
END_TEST

START_TEST(wrong_assignments)
{
	const struct hwb_acquire_request nothing = { 0 };
	struct example_device edu, testdev;
	uint32_t domain = guest_domain(), other = guest_domain();

	guest_take(EDU, &nothing, &edu);
	guest_take(TESTDEV, &nothing, &testdev);
	want(HWB_WRONG_STATE, hwb_domain_deassign(guest, domain, edu.handle, &why));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, domain, 0, &why));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, domain, domain, &why));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, edu.handle, edu.handle, &why));
	want(HWB_NO_SESSION, hwb_domain_assign(guest, 0, edu.handle, &why));
	want(HWB_NO_SESSION, hwb_domain_deassign(guest, domain, 1000, &why));
	want(HWB_NO_SESSION, ALLOC(edu.handle, .size = PAGE, .flags = BOTH));
	want(HWB_NO_SESSION, ALLOC(0, .size = PAGE, .flags = BOTH));
	want(HWB_NO_SESSION, MAP(edu.handle, sealed(PAGE), .size = PAGE, .flags = BOTH));
	want(HWB_NO_SESSION, unmap(edu.handle, PAGE));
	want(HWB_DENIED, hwb_domain_assign(guest, domain, testdev.handle, &why));
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why));
	want(HWB_OK, hwb_domain_assign(guest, domain, edu.handle, &why)); /* it is */
	want(HWB_WRONG_STATE, hwb_domain_assign(guest, other, edu.handle, &why));
	want(HWB_WRONG_STATE, hwb_domain_deassign(guest, other, edu.handle, &why));
	want(HWB_OK, hwb_domain_deassign(guest, domain, edu.handle, &why));
	want(HWB_WRONG_STATE, hwb_domain_deassign(guest, domain, edu.handle, &why));
	want(HWB_OK, hwb_domain_assign(guest, other, edu.handle, &why));
	guest_release(testdev.handle);
	want(HWB_DENIED, guest_try(guest, TESTDEV,
	                           &(struct hwb_acquire_request){ .domain = domain }, &testdev));
	want(HWB_NO_SESSION,
	     guest_try(guest, EDU2, &(struct hwb_acquire_request){ .domain = edu.handle },
	               &testdev));
	want(HWB_NO_SESSION,
	     guest_try(guest, EDU2, &(struct hwb_acquire_request){ .domain = 1000 }, &testdev));
	guest_take(EDU2, &nothing, &testdev);
}
END_TEST

/* ---- a group of two ---- */

static void wait_for_pair(void)
{
	struct example_device pair;

	/* In the hands of an earlier test; or still with the host, which is as well. */
	for (int waited = 0;
	     guest_try(guest, PAIR0, &(struct hwb_acquire_request){ 0 }, &pair) != 0;
	     waited += 20) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		guest_pause(20);
	}
	guest_give_back(&pair);
	guest_wait_state(PAIR0, HWB_DEVICE_FREE);
}

START_TEST(group_in_one_domain)
{
	struct example_memory memory, scratch;
	struct example_device pair0, pair1;
	uint32_t domain = guest_domain();
	volatile void *first = take_edu(PAIR0, domain, &pair0);
	volatile void *second = take_edu(PAIR1, domain, &pair1);

	ck_assert_uint_eq(pair0.info.device.iommu_group, pair1.info.device.iommu_group);
	guest_alloc(domain, PAGE, &memory);
	guest_alloc(domain, PAGE, &scratch);
	ck_assert(edu_reads(first, memory.iova, memory.at, &scratch));
	ck_assert(edu_reads(second, memory.iova, memory.at, &scratch));
	guest_give_back(&pair0);
	guest_wait_state(PAIR0, HWB_DEVICE_FREE);
	ck_assert(!guest_bus_master(PAIR0));
	ck_assert(edu_writes(second, memory.iova, memory.at));
}
END_TEST

/* The IOMMU cannot tell them apart. */
START_TEST(group_in_two_domains)
{
	struct example_device pair0, pair1;
	uint32_t domain = guest_domain(), other = guest_domain();

	take_edu(PAIR0, domain, &pair0);
	want(HWB_WRONG_STATE,
	     guest_try(guest, PAIR1, &(struct hwb_acquire_request){ .domain = other }, &pair1));
	/* Nothing of it is left in the way. */
	take_edu(PAIR1, domain, &pair1);
}
END_TEST

/* What is open of the group keeps it where it is, and is left alone by a refusal. */
START_TEST(group_open_outside_of_the_domain)
{
	struct example_memory memory;
	struct example_device pair0, pair1;
	uint32_t domain = guest_domain();
	volatile void *first = guest_take_bar(PAIR0, 0, &pair0);

	guest_take_bar(PAIR1, 0, &pair1);
	guest_alloc(domain, PAGE, &memory);
	write32(first, EDU_LIVENESS, 0x12345678);
	want(HWB_WRONG_STATE, hwb_domain_assign(guest, domain, pair0.handle, &why));
	ck_assert_uint_eq(read32(first, EDU_LIVENESS), ~0x12345678u);
	guest_give_back(&pair1);
	guest_wait_state(PAIR1, HWB_DEVICE_FREE);
	want(HWB_OK, hwb_domain_assign(guest, domain, pair0.handle, &why));
	ck_assert(edu_writes(first, memory.iova, memory.at));
}
END_TEST

/* Registers alone, of both: there is no domain that they would have to share. */
START_TEST(group_without_domain)
{
	struct example_device pair0, pair1;
	volatile void *first = guest_take_bar(PAIR0, 0, &pair0);
	volatile void *second = guest_take_bar(PAIR1, 0, &pair1);

	ck_assert(edu_alive(first));
	ck_assert(edu_alive(second));
}
END_TEST

/* One does DMA, the other is looked at and brought along later. */
START_TEST(group_partly_in_a_domain)
{
	struct example_memory memory;
	struct example_device pair0, pair1;
	uint32_t domain = guest_domain(), vendor;
	volatile void *first = take_edu(PAIR0, domain, &pair0);
	volatile void *second = guest_take_bar(PAIR1, 0, &pair1);

	guest_alloc(domain, PAGE, &memory);
	want(HWB_OK, hwb_config_read(guest, pair1.handle, 0, 2, &vendor, &why));
	ck_assert(edu_writes(first, memory.iova, memory.at));
	/* It has no domain, so it may not reach memory even though its mate does. */
	ck_assert(!edu_writes(second, memory.iova, memory.at));
	want(HWB_OK, hwb_domain_assign(guest, domain, pair1.handle, &why));
	ck_assert(edu_writes(second, memory.iova, memory.at));
}
END_TEST

/* ---- quotas ---- */

static void until_quota_is_back(uint64_t size)
{
	uint32_t domain = guest_domain();

	for (int waited = 0; ALLOC(domain, .size = size, .flags = BOTH | HWB_DMA_PAGES_4K) != 0;
	     waited += 20) {
		ck_assert_msg(waited < PATIENCE_MS, "%s", why.reason);
		guest_pause(20);
	}
	close(got_fd);
	want(HWB_OK, unmap(domain, got.iova));
	guest_release(domain);
}

/* What the test before had goes after its connection, not with it. */
static void wait_for_quota(void)
{
	until_quota_is_back(BYTES_MAX);
}

START_TEST(quota_of_mappings)
{
	uint32_t domain = guest_domain();
	uint64_t first = 0;
	int fd = sealed(PAGE);

	ck_assert_uint_eq(guest->hello.dma_mappings_max, MAPPINGS_MAX);
	for (int i = 0; i < MAPPINGS_MAX; i++) {
		if (i % 2 == 0)
			want(HWB_OK, ALLOC(domain, .size = PAGE, .flags = BOTH));
		else
			want(HWB_OK, MAP(domain, fd, .size = PAGE, .flags = BOTH));
		first = i == 0 ? got.iova : first;
	}
	want(HWB_QUOTA, ALLOC(domain, .size = PAGE, .flags = BOTH));
	want(HWB_QUOTA, MAP(domain, fd, .size = PAGE, .flags = BOTH));
	want(HWB_QUOTA, ALLOC(guest_domain(), .size = PAGE, .flags = BOTH));
	want(HWB_OK, unmap(domain, first));
	want(HWB_OK, ALLOC(domain, .size = PAGE, .flags = BOTH));
	want(HWB_QUOTA, ALLOC(domain, .size = PAGE, .flags = BOTH));
}
END_TEST

START_TEST(quota_of_bytes)
{
	uint32_t domain = guest_domain();

	ck_assert_uint_eq(guest->hello.dma_bytes_max, BYTES_MAX);
	want(HWB_QUOTA, ALLOC(domain, .size = BYTES_MAX + PAGE, .flags = BOTH));
	want(HWB_OK, ALLOC(domain, .size = BYTES_MAX, .flags = BOTH | HWB_DMA_PAGES_4K));
	want(HWB_QUOTA, ALLOC(domain, .size = PAGE, .flags = BOTH));
	want(HWB_QUOTA, MAP(domain, sealed(PAGE), .size = PAGE, .flags = BOTH));
	want(HWB_OK, unmap(domain, got.iova));
	/* Rounding counts: 15 MiB and a byte of large pages are 16. */
	want(HWB_OK,
	     ALLOC(domain, .size = BYTES_MAX - HUGE_PAGE + 1, .flags = BOTH | HWB_DMA_PAGES_2M));
	want(HWB_QUOTA, ALLOC(domain, .size = PAGE, .flags = BOTH));
}
END_TEST

/* Each failure at each stage gives back what it took. */
START_TEST(refusals_cost_nothing)
{
	struct example_device edu;
	uint32_t domain = guest_domain();
	int bad = guest_memfd(PAGE, 0, 0);
	int before = guest_open_fds();

	take_edu(EDU, domain, &edu);
	before = guest_open_fds();
	for (int i = 0; i < 3 * MAPPINGS_MAX; i++) {
		want(HWB_BAD_FD, MAP(domain, bad, .size = PAGE, .flags = BOTH));
		want(HWB_CONFLICT,
		     ALLOC(domain, .size = PAGE, .iova = msi_window, .flags = BOTH | FIXED));
		want(HWB_CONFLICT, ALLOC(domain, .size = PAGE, .limit = 1, .flags = BOTH));
	}
	ck_assert_int_eq(guest_open_fds(), before);
	want(HWB_OK, ALLOC(domain, .size = BYTES_MAX, .flags = BOTH | HWB_DMA_PAGES_4K));
}
END_TEST

/* It is the client's, not the connection's; and ends with domain and connection. */
START_TEST(quota_is_shared_and_comes_back)
{
	const struct hwb_dma_alloc_request request = { .size = BYTES_MAX / 2, .flags = BOTH };
	struct hwb_posix second;
	struct hwb_client *client = guest_connect(&second);
	uint32_t domain = guest_domain(), theirs;
	struct hwb_dma_reply reply;
	int fd;

	want(HWB_OK, hwb_domain_open(client, &theirs, &why));
	want(HWB_OK, hwb_dma_alloc(client, theirs, &request, &reply, &fd, &why));
	want(HWB_OK, alloc(domain, request));
	want(HWB_QUOTA, ALLOC(domain, .size = PAGE, .flags = BOTH));
	want(HWB_QUOTA, hwb_dma_alloc(client, theirs, &request, &reply, &fd, &why));
	guest_release(domain);
	until_quota_is_back(BYTES_MAX / 2);
	hwb_posix_close(&second);
	until_quota_is_back(BYTES_MAX);
}
END_TEST

/* Whoever keeps the descriptor: with the mapping, the memory goes back to the host. */
static void memory_goes(uint32_t pages, bool with_domain)
{
	uint32_t domain = guest_domain();
	struct stat status;

	want(HWB_OK, ALLOC(domain, .size = HUGE_PAGE, .flags = BOTH | pages));
	unsigned char *at = map_fd(got_fd, HUGE_PAGE);
	memset(at, 0x5a, HUGE_PAGE);
	ck_assert_int_eq(fstat(got_fd, &status), 0);
	ck_assert_int_gt(status.st_blocks, 0);
	if (with_domain)
		guest_release(domain);
	else
		want(HWB_OK, unmap(domain, got.iova));
	ck_assert_int_eq(fstat(got_fd, &status), 0);
	ck_assert_int_eq(status.st_blocks, 0);
	ck_assert_int_eq(at[0], 0);
	ck_assert_int_eq(at[HUGE_PAGE - 1], 0);
	munmap(at, HUGE_PAGE);
	close(got_fd);
}

START_TEST(memory_goes_with_its_mapping)
{
	memory_goes(HWB_DMA_PAGES_4K, false);
	memory_goes(HWB_DMA_PAGES_2M, false);
	memory_goes(HWB_DMA_PAGES_4K, true);
	memory_goes(HWB_DMA_PAGES_2M, true);
}
END_TEST

/* The answer to CLOSE says that all of the domain has been undone. */
START_TEST(quota_is_back_when_the_domain_is_closed)
{
	for (int i = 0; i < 20; i++) {
		uint32_t domain = guest_domain();
		want(HWB_OK, ALLOC(domain, .size = BYTES_MAX, .flags = BOTH | HWB_DMA_PAGES_4K));
		close(got_fd);
		guest_release(domain);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dma");
	TCase *tests = guest_case(suite, "allocating");

	tcase_add_test(tests, memory_of_the_broker);
	tcase_add_test(tests, sizes);
	tcase_add_test(tests, flags);
	tcase_add_test(tests, alignment);
	tcase_add_test(tests, fixed_address);
	tcase_add_test(tests, wrong_fixed_address);
	tcase_add_test(tests, msi_window_is_reserved);
	tcase_add_test(tests, address_limit);
	tcase_add_test(tests, windows);
	tcase_add_test(tests, unmapping);
	tests = guest_case(suite, "brought memory");
	tcase_add_test(tests, memory_of_the_client);
	tcase_add_test(tests, descriptors_that_are_no_memory);
	tcase_add_test(tests, seals);
	tcase_add_test(tests, write_sealed_memory_to_read);
	tests = guest_case(suite, "large pages");
	tcase_add_test(tests, large_pages);
	tcase_add_test(tests, large_pages_of_the_client);
	tcase_add_test(tests, no_large_pages_left);
	tests = guest_case(suite, "reach");
	tcase_add_test(tests, reaches_what_is_mapped);
	tcase_add_test(tests, mapped_before_the_first_assign);
	tcase_add_test(tests, device_that_may_only_read);
	tcase_add_test(tests, device_that_may_write);
	tcase_add_test(tests, descriptor_is_not_needed_any_more);
	tcase_add_test(tests, two_devices_in_one_domain);
	tcase_add_test(tests, domains_are_apart);
	tcase_add_test(tests, deassign_and_assign_again);
	tcase_add_test(tests, closed_domain);
	tcase_add_test(tests, assignments_in_a_row);
	tcase_add_test(tests, domain_closed_under_an_interrupt);
	tcase_add_test(tests, closed_device_leaves_the_domain);
	tcase_add_test(tests, wrong_assignments);
	if (guest_has_pair()) {
		tests = guest_case(suite, "groups");
		tcase_add_checked_fixture(tests, wait_for_pair, NULL);
		tcase_add_test(tests, group_in_two_domains);
		tcase_add_test(tests, group_without_domain);
		tcase_add_test(tests, group_in_one_domain);
		tcase_add_test(tests, group_open_outside_of_the_domain);
		tcase_add_test(tests, group_partly_in_a_domain);
	}
	tests = guest_case(suite, "quotas");
	tcase_add_checked_fixture(tests, wait_for_quota, NULL);
	tcase_add_test(tests, quota_of_mappings);
	tcase_add_test(tests, quota_of_bytes);
	tcase_add_test(tests, refusals_cost_nothing);
	tcase_add_test(tests, quota_is_shared_and_comes_back);
	tcase_add_test(tests, memory_goes_with_its_mapping);
	tcase_add_test(tests, quota_is_back_when_the_domain_is_closed);
	return guest_run(suite);
}
