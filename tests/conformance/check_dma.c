/* SPDX-License-Identifier: MIT */
/* Section "DMA": memory. What a device does with it is checked with QEMU's edu device. */
#define _GNU_SOURCE /* F_SEAL_SHRINK */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t SPOT = 0x10000000; /* a device address that is free in a new domain */

/* A connection with a domain. */
static int with_domain(uint32_t *handle)
{
	if ((facts.features & FEATURE_DMA) == 0)
		skip("needs an IOMMU (feature DMA)");
	int fd = greeted();
	*handle = domain(fd);
	return fd;
}

/* One field of a DMA_ALLOC or DMA_MAP set to something. */
static void set(struct packet *packet, size_t offset, uint64_t value)
{
	put(packet, HEADER + offset, 8, value);
}

enum { ALLOC_ALIGNMENT = 8, ALLOC_IOVA = 16, ALLOC_LIMIT = 24, MAP_OFFSET = 0, MAP_IOVA = 24 };

static void alloc_at(struct packet *packet, uint32_t handle, uint64_t iova, uint64_t size)
{
	alloc_request(packet, handle, size, DMA_READS | DMA_WRITES | DMA_FIXED);
	set(packet, ALLOC_IOVA, iova);
}

static void unmap_at(struct packet *packet, uint32_t handle, uint64_t iova)
{
	start(packet, DMA_UNMAP, handle);
	put(packet, HEADER, 8, iova);
}

static unsigned char *map_memory(int memory, size_t size)
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

/* ---- DMA_MAP ---- */

static void map_it(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	map_request(&packet, handle, 2 * PAGE, DMA_READS | DMA_WRITES);
	want_with(fd, &packet, memfd(2 * PAGE, F_SEAL_SHRINK), OK);
	if (packet.fd_count != 0 || body64(&packet, 8) != 2 * PAGE)
		wrong("expected no descriptor and size 8192, got %zu and %llu", packet.fd_count,
		      (unsigned long long)body64(&packet, 8));
}

static void map_closed_fd(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);
	int memory = memfd(PAGE, F_SEAL_SHRINK);

	map_request(&packet, handle, PAGE, DMA_READS | DMA_FIXED);
	set(&packet, MAP_IOVA, SPOT);
	want_with(fd, &packet, memory, OK);
	close(memory);
	alloc_at(&packet, handle, SPOT, PAGE);
	want(fd, &packet, CONFLICT);
	unmap_at(&packet, handle, SPOT);
	want(fd, &packet, OK);
}

static void map_flags(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	for (uint32_t flag = DMA_PAGES_4K; flag != 0; flag <<= 1) {
		int memory = memfd(PAGE, F_SEAL_SHRINK);
		map_request(&packet, handle, PAGE, DMA_READS | flag);
		want_with(fd, &packet, memory, UNKNOWN_FLAG);
		close(memory);
	}
}

static void map_kind(void)
{
	struct packet packet;
	uint32_t handle;
	int ends[2];
	int fd = with_domain(&handle);

	if (pipe(ends) != 0)
		skip("no pipe to be had");
	int fds[] = { ends[0], open("/dev/zero", O_RDWR | O_CLOEXEC),
		      open("/proc/self/exe", O_RDONLY | O_CLOEXEC) };
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		map_request(&packet, handle, PAGE, DMA_READS);
		want_with(fd, &packet, fds[i], BAD_FD);
	}
}

static void map_seal(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	map_request(&packet, handle, PAGE, DMA_READS);
	want_with(fd, &packet, memfd(PAGE, 0), BAD_FD);
}

static void map_writable(void)
{
	struct packet packet;
	char path[64];
	uint32_t handle;
	int fd = with_domain(&handle);
	int memory = memfd(PAGE, F_SEAL_SHRINK | F_SEAL_WRITE);

	map_request(&packet, handle, PAGE, DMA_WRITES);
	want_with(fd, &packet, memory, BAD_FD);
	memory = memfd(PAGE, F_SEAL_SHRINK);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
	int read_only = open(path, O_RDONLY | O_CLOEXEC);
	map_request(&packet, handle, PAGE, DMA_WRITES);
	want_with(fd, &packet, read_only, BAD_FD);
}

static void map_aligned(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);
	int memory = memfd(4 * PAGE, F_SEAL_SHRINK);

	map_request(&packet, handle, PAGE + 8, DMA_READS);
	want_with(fd, &packet, memory, INVALID);
	map_request(&packet, handle, PAGE, DMA_READS);
	set(&packet, MAP_OFFSET, 8);
	want_with(fd, &packet, memory, INVALID);
	map_request(&packet, handle, PAGE, DMA_READS | DMA_FIXED);
	set(&packet, MAP_IOVA, SPOT + 8);
	want_with(fd, &packet, memory, INVALID);
}

static void map_exceeds(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);
	int memory = memfd(2 * PAGE, F_SEAL_SHRINK);

	map_request(&packet, handle, 3 * PAGE, DMA_READS);
	want_with(fd, &packet, memory, INVALID);
	map_request(&packet, handle, PAGE, DMA_READS);
	set(&packet, MAP_OFFSET, 2 * PAGE);
	want_with(fd, &packet, memory, INVALID);
	map_request(&packet, handle, PAGE, DMA_READS);
	set(&packet, MAP_OFFSET, UINT64_MAX - PAGE + 1);
	want_with(fd, &packet, memory, INVALID);
}

static void unmap(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	alloc_at(&packet, handle, SPOT, 4 * PAGE);
	want(fd, &packet, OK);
	packet_drop(&packet);
	unmap_at(&packet, handle, SPOT);
	want(fd, &packet, OK);
	/* All of it is free. */
	alloc_at(&packet, handle, SPOT + 3 * PAGE, PAGE);
	want(fd, &packet, OK);
}

static void unmap_not_found(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = with_domain(&handle);

	unmap_at(&packet, handle, SPOT);
	want(fd, &packet, NOT_FOUND);
	alloc_at(&packet, handle, SPOT, 4 * PAGE);
	want(fd, &packet, OK);
	packet_drop(&packet);
	unmap_at(&packet, handle, SPOT + PAGE);
	want(fd, &packet, NOT_FOUND);
	unmap_at(&packet, handle, SPOT + 1);
	want(fd, &packet, NOT_FOUND);
}

static void dma_limits_shared(void)
{
	struct packet packet;
	uint32_t handle, other_handle;
	int fd = with_domain(&handle);
	int other = with_domain(&other_handle);

	if (facts.dma_bytes_max > 1 << 30)
		skip("the policy's limit is above 1 GiB");
	uint64_t most = facts.dma_bytes_max / PAGE * PAGE;
	alloc_request(&packet, handle, most, DMA_READS | DMA_PAGES_4K);
	set(&packet, ALLOC_LIMIT, 0);
	uint32_t status = ask(fd, &packet);
	if (status == NO_MEMORY || status == HOST_ERROR || status == QUOTA)
		skip("the host has no 0x%llx bytes for it", (unsigned long long)most);
	packet_drop(&packet);
	uint64_t iova = body64(&packet, 0);
	alloc_request(&packet, other_handle, PAGE, DMA_READS);
	want(other, &packet, QUOTA);
	/* What a closed connection had counts until it is taken back: the next rule has it at once.
	 */
	unmap_at(&packet, handle, iova);
	want(fd, &packet, OK);
}

/* ---- with edu: it copies up to 4096 bytes between memory and its own buffer ---- */

enum { EDU_FROM = 0x80, EDU_TO = 0x88, EDU_COUNT = 0x90, EDU_COMMAND = 0x98, EDU_BUFFER = 0x40000 };

struct edu {
	int fd;
	uint32_t domain, device;
	volatile uint32_t *registers;
};

static void open_edu(struct edu *edu, uint32_t domain_handle, int fd)
{
	struct packet packet;

	edu->fd = fd;
	edu->domain = domain_handle;
	edu->device = acquire(fd, &packet,
	                      &(struct wanted){ .device = &facts.device,
	                                        .domain = domain_handle,
	                                        .bars = 1u << facts.device.bar });
	edu->registers = (volatile uint32_t *)map_region(
	        &packet, ACQUIRE_REGIONS + (size_t)facts.device.bar * REGION_SIZE_OF,
	        packet.fds[0]);
}

static void copy(const struct edu *edu, uint64_t from, uint64_t to, uint32_t command)
{
	volatile uint32_t *registers = edu->registers;

	registers[EDU_FROM / 4] = (uint32_t)from;
	registers[EDU_TO / 4] = (uint32_t)to;
	registers[EDU_COUNT / 4] = 64;
	registers[EDU_COMMAND / 4] = command;
	for (unsigned i = 0; i < 500; i++) {
		if ((registers[EDU_COMMAND / 4] & 1) == 0)
			return;
		sleep_ms(10);
	}
	wrong("expected edu to end its transfer, got none in 5 s");
}

/* Whether the device reads from and writes to what is mapped there. */
static bool reaches(const struct edu *edu, uint64_t iova, unsigned char *memory)
{
	memset(memory, 0x3c, 64);
	memset(memory + 64, 0, 64);
	copy(edu, iova, EDU_BUFFER, 1);
	copy(edu, EDU_BUFFER, iova + 64, 3);
	return memory[64] == 0x3c && memory[127] == 0x3c;
}

static void assign_reaches(void)
{
	struct packet packet;
	struct edu edu;
	uint32_t handle;
	int fd;

	need_edu();
	fd = with_domain(&handle);
	open_edu(&edu, handle, fd);
	alloc_at(&packet, handle, SPOT, PAGE);
	want(fd, &packet, OK);
	if (!reaches(&edu, SPOT, map_memory(packet.fds[0], PAGE)))
		wrong("expected the device to copy within the memory, got other bytes");
}

static void map_before_assign(void)
{
	struct packet packet;
	struct edu edu;
	uint32_t handle;
	int fd;

	need_edu();
	fd = with_domain(&handle);
	alloc_at(&packet, handle, SPOT, PAGE);
	want(fd, &packet, OK);
	unsigned char *memory = map_memory(packet.fds[0], PAGE);
	open_edu(&edu, handle, fd);
	if (!reaches(&edu, SPOT, memory))
		wrong("expected the device to reach what was mapped before, got other bytes");
}

static void unmap_unreachable(void)
{
	struct packet packet;
	struct edu edu;
	uint32_t handle;
	int fd, memory = memfd(PAGE, F_SEAL_SHRINK);

	need_edu();
	fd = with_domain(&handle);
	open_edu(&edu, handle, fd);
	map_request(&packet, handle, PAGE, DMA_READS | DMA_WRITES | DMA_FIXED);
	set(&packet, MAP_IOVA, SPOT);
	want_with(fd, &packet, memory, OK);
	unsigned char *at = map_memory(memory, PAGE);
	if (!reaches(&edu, SPOT, at))
		wrong("expected the device to reach the memory, got other bytes");
	unmap_at(&packet, handle, SPOT);
	want(fd, &packet, OK);
	if (reaches(&edu, SPOT, at))
		wrong("expected memory that the device cannot reach, got it written");
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
	{ "dma-limits-shared", "the limit counts for all connections of a client",
	  dma_limits_shared, false },
	{ "dma-multiples", "device addresses are multiples of 4096", dma_multiples, false },
	{ "dma-in-window", "addresses lie in the windows", dma_in_window, false },
	{ "dma-not-interrupts", "no address is 0 or where interrupts are", dma_not_interrupts,
	  false },
	{ "dma-limit", "addresses lie below the limit", dma_limit, false },
	{ "map", "DMA_MAP maps a memfd", map_it, false },
	{ "map-closed-fd", "it stays mapped without the memfd", map_closed_fd, false },
	{ "map-flags", "each flag that is none of DMA_MAP's is UNKNOWN_FLAG", map_flags, false },
	{ "map-kind", "what is no memfd is BAD_FD", map_kind, false },
	{ "map-seal", "a memfd without F_SEAL_SHRINK is BAD_FD", map_seal, false },
	{ "map-writable", "what the device could not write is BAD_FD", map_writable, false },
	{ "map-aligned", "what is not aligned is INVALID", map_aligned, false },
	{ "map-exceeds", "what exceeds the memfd is INVALID", map_exceeds, false },
	{ "unmap", "DMA_UNMAP undoes a mapping as a whole", unmap, false },
	{ "unmap-not-found", "an address where none starts is NOT_FOUND", unmap_not_found, false },
	{ "assign-reaches", "the device reaches what is mapped", assign_reaches, false },
	{ "map-before-assign", "and what was mapped before it was assigned", map_before_assign,
	  false },
	{ "unmap-unreachable", "and not what was unmapped", unmap_unreachable, false },
	{ .rule = NULL },
};
