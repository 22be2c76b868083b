/* SPDX-License-Identifier: MIT */
#include "forever.h"

#include "check.h"
#include "component.h"
#include "dma.h"
#include "print.h"
#include "session.h"

enum { PAGE = 4096 };

int dma_forever(void)
{
	struct order order = { .kind = ORDER_DMA_FOREVER, .rounds = 1, .size = PAGE };
	struct device *edu = demand(VENDOR_QEMU, EDU, 0, "an edu device is there");
	struct dma dma = { .domain = domain_new(), .size = DMA_MEMORY };
	struct component component;

	dma.memory = memory_new(dma.size);
	if (edu == NULL || dma.domain == 0 || !component_start(&component) ||
	    !check_result(dma_map(&dma), &dma.error, "memory is mapped") ||
	    !take(edu, dma.domain, "the edu device is acquired"))
		return 1;
	const int fds[] = { registers_of(edu, 0), dma.memory };
	order.iova = dma.iova;
	if (!component_check(&component, "a component's DMA reaches it", &order, fds, 2))
		return 1;
	print("running");
	component_wait(&component);
	print("the component has ended");
	return 1;
}

static void begin(void *disk)
{
	device_acquire(disk, 0);
}

/* A disk, whose reset is slow: so most of the time it is on its way, there or back. */
int acquire_forever(void)
{
	struct device *disk = demand(VENDOR_REDHAT, NVME, 0, "an NVMe disk is there");

	if (disk == NULL)
		return 1;
	on(&main_ep, begin, disk);
	print("running");
	while (device_wait_open(disk) && give_back(disk, "the disk is free again"))
		on(&main_ep, begin, disk);
	check_result(disk->result, &disk->error, "the disk is acquired");
	return 1;
}
