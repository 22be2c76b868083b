/* SPDX-License-Identifier: MIT */
#include "dma.h"

#include "broker.h"
#include "thread.h"

static void map(void *context)
{
	struct dma *dma = context;
	const struct hwb_dma_map_request request = {
		.size = dma->size,
		.iova = dma->iova,
		.limit = UINT32_MAX,
		.flags = dma->flags | HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};

	dma->result =
	        hwb_dma_map(broker(), dma->domain, &request, dma->memory, &dma->reply, &dma->error);
	if (dma->result == 0)
		dma->iova = dma->reply.iova;
}

static void alloc(void *context)
{
	struct dma *dma = context;
	const struct hwb_dma_alloc_request request = {
		.size = dma->size,
		.iova = dma->iova,
		.limit = UINT32_MAX,
		.flags = dma->flags | HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};

	dma->result = hwb_dma_alloc(broker(), dma->domain, &request, &dma->reply, &dma->memory,
	                            &dma->error);
	if (dma->result == 0)
		dma->iova = dma->reply.iova;
}

static void unmap(void *context)
{
	struct dma *dma = context;

	dma->result = hwb_dma_unmap(broker(), dma->domain, dma->iova, &dma->error);
}

static int done(struct dma *dma, void (*what)(void *))
{
	on(&main_ep, what, dma);
	return dma->result;
}

int dma_map(struct dma *dma)
{
	return done(dma, map);
}

int dma_alloc(struct dma *dma)
{
	return done(dma, alloc);
}

int dma_unmap(struct dma *dma)
{
	return done(dma, unmap);
}
