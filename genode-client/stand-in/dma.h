/* SPDX-License-Identifier: MIT */
/* A device PD as core has it: a domain, and mappings of core's RAM, on its entrypoint. */
#ifndef STAND_IN_DMA_H
#define STAND_IN_DMA_H

#include <hwbroker/client.h>

enum { DMA_MEMORY = 4096 };

struct dma {
	uint32_t domain;
	int memory;
	uint64_t size;
	uint64_t iova; /* with HWB_DMA_FIXED in flags as wished, afterwards as it is */
	uint32_t flags;
	int result; /* of the last request */
	struct hwb_dma_reply reply;
	struct hwb_error error;
};

int dma_map(struct dma *dma);
int dma_alloc(struct dma *dma);
int dma_unmap(struct dma *dma);

#endif
