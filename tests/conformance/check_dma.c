/* SPDX-License-Identifier: MIT */
/* Section "DMA": memory that the broker makes. What a client brings is in check_dma_map.c. */
#define _GNU_SOURCE /* F_SEAL_SHRINK */
#include "check_dma.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int with_domain(uint32_t *handle)
{
	if ((facts.features & FEATURE_DMA) == 0)
		skip("needs an IOMMU (feature DMA)");
	int fd = greeted();
	*handle = domain(fd);
	return fd;
}

void set(struct packet *packet, size_t offset, uint64_t value)
{
	put(packet, HEADER + offset, 8, value);
}

void alloc_at(struct packet *packet, uint32_t handle, uint64_t iova, uint64_t size)
{
	alloc_request(packet, handle, size, DMA_READS | DMA_WRITES | DMA_FIXED);
	set(packet, ALLOC_IOVA, iova);
}

void unmap_at(struct packet *packet, uint32_t handle, uint64_t iova)
{
	start(packet, DMA_UNMAP, handle);
	put(packet, HEADER, 8, iova);
}

unsigned char *map_memory(int memory, size_t size)
{
	unsigned char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);

	if (at == MAP_FAILED)
		wrong("expected memory that can be mapped, got: %s", strerror(errno));
	return at;
}

static void alloc_memfd(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_request(&packet, handle, 4 * PAGE, DMA_READS);
	want(fd, &packet, OK);
	const unsigned char *at = map_memory(packet.fds[0], 4 * PAGE);
	for (size_t i = 0; i < 4 * PAGE; i++)
		if (at[i] != 0)
			wrong("expected zeros, got 0x%02x at %zu", at[i], i);
	if (ftruncate(packet.fds[0], PAGE) == 0 || ftruncate(packet.fds[0], 8 * PAGE) == 0)
		wrong("expected a size that is sealed, got another size");
}

static void alloc_closed_fd(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_at(&packet, handle, SPOT, PAGE);
	want(fd, &packet, OK);
	packet_drop(&packet);
	alloc_at(&packet, handle, SPOT, PAGE);
	want(fd, &packet, CONFLICT);
	unmap_at(&packet, handle, SPOT);
	want(fd, &packet, OK);
}

static void alloc_zeroed_after(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_at(&packet, handle, SPOT, PAGE);
	want(fd, &packet, OK);
	unsigned char *at = map_memory(packet.fds[0], PAGE);
	memset(at, 0xa5, PAGE);
	unmap_at(&packet, handle, SPOT);
	want(fd, &packet, OK);
	if (at[0] != 0 || at[PAGE - 1] != 0)
		wrong("expected zeros after DMA_UNMAP, got 0x%02x", at[0]);
}

static void alloc_size(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_request(&packet, handle, 0, DMA_READS);
	want(fd, &packet, INVALID);
	alloc_request(&packet, handle, 1, DMA_READS);
	want(fd, &packet, OK);
	packet_drop(&packet);
	if (body64(&packet, 8) != PAGE)
		wrong("size 1: expected a page, got %llu", (unsigned long long)body64(&packet, 8));
	alloc_request(&packet, handle, PAGE + 1, DMA_READS);
	want(fd, &packet, OK);
	if (body64(&packet, 8) != 2 * PAGE)
		wrong("size 4097: expected two pages, got %llu",
		      (unsigned long long)body64(&packet, 8));
}

static void alloc_alignment(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_request(&packet, handle, PAGE, DMA_READS);
	set(&packet, ALLOC_ALIGNMENT, 3 * PAGE);
	want(fd, &packet, INVALID);
	for (unsigned i = 0; i < 3; i++) {
		alloc_request(&packet, handle, PAGE, DMA_READS);
		set(&packet, ALLOC_ALIGNMENT, 1 << 20);
		want(fd, &packet, OK);
		packet_drop(&packet);
		if (body64(&packet, 0) % (1 << 20) != 0)
			wrong("expected an address aligned to 1 MiB, got 0x%llx",
			      (unsigned long long)body64(&packet, 0));
	}
}

static void alloc_page_aligned(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	for (unsigned i = 0; i < 4; i++) {
		alloc_request(&packet, handle, PAGE, DMA_READS);
		set(&packet, ALLOC_ALIGNMENT, i == 0 ? 0 : 1);
		want(fd, &packet, OK);
		packet_drop(&packet);
		if (body64(&packet, 0) % body32(&packet, 16) != 0)
			wrong("expected an address aligned to 0x%x, got 0x%llx",
			      body32(&packet, 16), (unsigned long long)body64(&packet, 0));
	}
}

static void alloc_fixed(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_at(&packet, handle, SPOT, PAGE);
	want(fd, &packet, OK);
	packet_drop(&packet);
	if (body64(&packet, 0) != SPOT)
		wrong("expected 0x%llx, got 0x%llx", (unsigned long long)SPOT,
		      (unsigned long long)body64(&packet, 0));
	alloc_request(&packet, handle, PAGE, DMA_READS);
	set(&packet, ALLOC_IOVA, SPOT + PAGE);
	want(fd, &packet, INVALID);
}

static void alloc_direction(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_request(&packet, handle, PAGE, 0);
	want(fd, &packet, INVALID);
	alloc_request(&packet, handle, PAGE, DMA_WRITES);
	want(fd, &packet, OK);
}

static void alloc_pages_both(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_request(&packet, handle, HUGE_PAGE, DMA_READS | DMA_PAGES_4K | DMA_PAGES_2M);
	want(fd, &packet, INVALID);
}

static void alloc_page_size(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_request(&packet, handle, HUGE_PAGE, DMA_READS);
	want(fd, &packet, OK);
	packet_drop(&packet);
	if (body32(&packet, 16) != PAGE && body32(&packet, 16) != HUGE_PAGE)
		wrong("expected 4096 or 2097152, got %u", body32(&packet, 16));
	alloc_request(&packet, handle, HUGE_PAGE, DMA_READS | DMA_PAGES_4K);
	want(fd, &packet, OK);
	if (body32(&packet, 16) != PAGE)
		wrong("PAGES_4K: expected 4096, got %u", body32(&packet, 16));
}

static void alloc_no_memory(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_request(&packet, handle, HUGE_PAGE, DMA_READS | DMA_PAGES_2M);
	uint32_t status = ask(fd, &packet);
	if (status == OK && body32(&packet, 16) == HUGE_PAGE)
		skip("the host has pages of 2 MiB");
	if (status != NO_MEMORY)
		wrong("PAGES_2M without such pages: expected NO_MEMORY, got %s",
		      status_name(status));
}

static void alloc_invalid(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_at(&packet, handle, UINT64_MAX - PAGE + 1, 2 * PAGE);
	set(&packet, ALLOC_LIMIT, 0);
	want(fd, &packet, INVALID);
	alloc_at(&packet, handle, SPOT, 2 * PAGE);
	set(&packet, ALLOC_LIMIT, SPOT + PAGE);
	want(fd, &packet, INVALID);
}

static void alloc_conflict(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_at(&packet, handle, SPOT, 4 * PAGE);
	want(fd, &packet, OK);
	packet_drop(&packet);
	alloc_at(&packet, handle, SPOT + 3 * PAGE, PAGE);
	want(fd, &packet, CONFLICT);
	alloc_at(&packet, handle, SPOT - PAGE, 2 * PAGE);
	want(fd, &packet, CONFLICT);
	alloc_request(&packet, handle, PAGE, DMA_READS);
	set(&packet, ALLOC_LIMIT, PAGE - 1);
	want(fd, &packet, CONFLICT);
}

static void alloc_quota(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	if (facts.dma_bytes_max >= UINT64_MAX - HUGE_PAGE)
		skip("the policy sets no limit");
	alloc_request(&packet, handle, facts.dma_bytes_max + PAGE, DMA_READS | DMA_PAGES_4K);
	set(&packet, ALLOC_LIMIT, 0);
	want(fd, &packet, QUOTA);
}

static void dma_multiples(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_at(&packet, handle, SPOT + 8, PAGE);
	want(fd, &packet, INVALID);
	alloc_at(&packet, handle, SPOT + 2048, PAGE);
	want(fd, &packet, INVALID);
}

/* Of a request for the first and last byte that fit. */
static bool in_window(uint32_t handle, int fd, uint64_t first, uint64_t last)
{
	struct packet packet;

	start(&packet, DOMAIN_INFO, handle);
	want(fd, &packet, OK);
	for (size_t i = 0; i < body32(&packet, 8); i++) {
		size_t at = LIST_RECORDS + i * body32(&packet, 12);
		if (body64(&packet, at) <= first && body64(&packet, at + 8) >= last)
			return true;
	}
	return false;
}

static void dma_in_window(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	for (unsigned i = 0; i < 4; i++) {
		alloc_request(&packet, handle, (uint64_t)PAGE << i, DMA_READS);
		want(fd, &packet, OK);
		packet_drop(&packet);
		uint64_t first = body64(&packet, 0), last = first + body64(&packet, 8) - 1;
		if (!in_window(handle, fd, first, last))
			wrong("expected an address in a window, got 0x%llx",
			      (unsigned long long)first);
	}
}

static void dma_not_interrupts(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	for (unsigned i = 0; i < 4; i++) {
		alloc_request(&packet, handle, PAGE, DMA_READS);
		/* The highest that it may have lies there. */
		set(&packet, ALLOC_LIMIT, i % 2 == 0 ? 0 : 0xfee00fff);
		want(fd, &packet, OK);
		packet_drop(&packet);
		uint64_t iova = body64(&packet, 0);
		if (iova == 0 || (iova >= 0xfee00000 && iova <= 0xfeefffff))
			wrong("expected another address than 0 and those of interrupts, got 0x%llx",
			      (unsigned long long)iova);
	}
	alloc_at(&packet, handle, 0xfee00000, PAGE);
	want(fd, &packet, CONFLICT);
}

static void dma_limit(void)
{
	static const uint64_t limits[] = { 0xffffffff, 0xffffff, 0x7fffffff };
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		alloc_request(&packet, handle, 2 * PAGE, DMA_READS);
		set(&packet, ALLOC_LIMIT, limits[i]);
		want(fd, &packet, OK);
		packet_drop(&packet);
		if (body64(&packet, 0) + body64(&packet, 8) - 1 > limits[i])
			wrong("expected an address up to 0x%llx, got 0x%llx",
			      (unsigned long long)limits[i],
			      (unsigned long long)body64(&packet, 0));
	}
}

const struct check dma_checks[] = {
	{ "alloc-memfd", "DMA_ALLOC gives zeros of a sealed size", alloc_memfd, false },
	{ "alloc-closed-fd", "it stays mapped without the descriptor", alloc_closed_fd, false },
	{ "alloc-zeroed-after", "memory that was unmapped reads zeros", alloc_zeroed_after, false },
	{ "alloc-size", "size 0 is INVALID, others are whole pages", alloc_size, false },
	{ "alloc-alignment", "alignment of the address, a power of two", alloc_alignment, false },
	{ "alloc-page-aligned", "addresses are aligned to pages", alloc_page_aligned, false },
	{ "alloc-fixed", "FIXED gives the address; one without it is INVALID", alloc_fixed, false },
	{ "alloc-direction", "neither READS nor WRITES is INVALID", alloc_direction, false },
	{ "alloc-pages-both", "both sizes of pages are INVALID", alloc_pages_both, false },
	{ "alloc-page-size", "page_size is told", alloc_page_size, false },
	{ "alloc-no-memory", "PAGES_2M without such pages is NO_MEMORY", alloc_no_memory, false },
	{ "alloc-invalid", "an end that wraps or is above the limit is INVALID", alloc_invalid,
	  false },
	{ "alloc-conflict", "what overlaps or has no room is CONFLICT", alloc_conflict, false },
	{ "alloc-quota", "more bytes than allowed are QUOTA", alloc_quota, false },
	{ "dma-multiples", "device addresses are multiples of 4096", dma_multiples, false },
	{ "dma-in-window", "addresses lie in the windows", dma_in_window, false },
	{ "dma-not-interrupts", "no address is 0 or where interrupts are", dma_not_interrupts,
	  false },
	{ "dma-limit", "addresses lie below the limit", dma_limit, false },
	{ .rule = NULL },
};
