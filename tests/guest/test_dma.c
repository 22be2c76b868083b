/* SPDX-License-Identifier: MIT */
/* DMA: domains, and memory that the broker makes. What else there is of it is in dma_*.c. */
#define _GNU_SOURCE /* F_ADD_SEALS */
#include "dma.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
	add_brought_memory(suite);
	add_reach(suite);
	add_groups(suite);
	add_quotas(suite);
	return guest_run(suite);
}
