/* SPDX-License-Identifier: MIT */
/* Section "DMA": memory that a client brings, and what a device does with it, by QEMU's edu. */
#define _GNU_SOURCE /* F_SEAL_SHRINK */
#include "check_dma.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

const struct check dma_map_checks[] = {
	{ "dma-limits-shared", "the limit counts for all connections of a client",
	  dma_limits_shared, false },
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
