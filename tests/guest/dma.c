/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_ADD_SEALS */
#include "dma.h"

#include <fcntl.h>
#include <sys/mman.h>

#ifdef __aarch64__
const uint64_t msi_window = 0x08000000, msi_window_end = 0x080fffff;
#else
const uint64_t msi_window = 0xfee00000, msi_window_end = 0xfeefffff;
#endif

struct hwb_dma_reply got;
int got_fd;

int alloc(uint32_t domain, struct hwb_dma_alloc_request request)
{
	return hwb_dma_alloc(guest, domain, &request, &got, &got_fd, &why);
}

int map(uint32_t domain, int fd, struct hwb_dma_map_request request)
{
	return hwb_dma_map(guest, domain, &request, fd, &got, &why);
}

int unmap(uint32_t domain, uint64_t iova)
{
	return hwb_dma_unmap(guest, domain, iova, &why);
}

volatile void *take_edu(const char *address, uint32_t domain, struct example_device *edu)
{
	const struct hwb_acquire_request request = { .domain = domain, .bars = 1 };

	guest_take(address, &request, edu);
	return guest_map(&edu->info.regions[0], edu->bar_fds[0]);
}

void *map_fd(int fd, uint64_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

int sealed(uint64_t size)
{
	return guest_memfd(size, 0, F_SEAL_SHRINK);
}
