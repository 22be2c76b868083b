/* SPDX-License-Identifier: MIT */
/* What the parts of suite `dma' share, each of which adds its cases to it. */
#ifndef HWBROKER_TESTS_GUEST_DMA_H
#define HWBROKER_TESTS_GUEST_DMA_H

#include "guest.h"

enum {
	READS = HWB_DMA_DEVICE_READS,
	WRITES = HWB_DMA_DEVICE_WRITES,
	BOTH = READS | WRITES,
	FIXED = HWB_DMA_FIXED,
	/* tests/guest/policy/dma.conf */
	MAPPINGS_MAX = 16,
	BYTES_MAX = 16 << 20
};

/* Of interrupts; a domain has none of it. */
extern const uint64_t msi_window, msi_window_end;

/* The reply of the last call that worked; its memory. */
extern struct hwb_dma_reply got;
extern int got_fd;

int alloc(uint32_t domain, struct hwb_dma_alloc_request request);
int map(uint32_t domain, int fd, struct hwb_dma_map_request request);
int unmap(uint32_t domain, uint64_t iova);

#define ALLOC(domain, ...) alloc(domain, (struct hwb_dma_alloc_request){ __VA_ARGS__ })
#define MAP(domain, fd, ...) map(domain, fd, (struct hwb_dma_map_request){ __VA_ARGS__ })

/* An edu in that domain, with its registers mapped. */
volatile void *take_edu(const char *address, uint32_t domain, struct example_device *edu);
void *map_fd(int fd, uint64_t size);
/* Memory that the broker takes. */
int sealed(uint64_t size);

void add_brought_memory(Suite *suite);
void add_reach(Suite *suite);
void add_groups(Suite *suite);
void add_quotas(Suite *suite);

#endif
