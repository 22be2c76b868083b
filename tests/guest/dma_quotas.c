/* SPDX-License-Identifier: MIT */
/* What a client may map, and that it comes back. */
#define _GNU_SOURCE /* F_ADD_SEALS, fallocate */
#include "dma.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

void add_quotas(Suite *suite)
{
	TCase *tests = guest_case(suite, "quotas");
	tcase_add_checked_fixture(tests, wait_for_quota, NULL);
	tcase_add_test(tests, quota_of_mappings);
	tcase_add_test(tests, quota_of_bytes);
	tcase_add_test(tests, refusals_cost_nothing);
	tcase_add_test(tests, quota_is_shared_and_comes_back);
	tcase_add_test(tests, memory_goes_with_its_mapping);
	tcase_add_test(tests, quota_is_back_when_the_domain_is_closed);
}
