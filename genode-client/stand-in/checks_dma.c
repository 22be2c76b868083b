/* SPDX-License-Identifier: MIT */
/* DMA memory: core's own and the broker's, mapped, unmapped, a thousand times. */
#define _GNU_SOURCE
#include "checks.h"

#include "check.h"
#include "component.h"
#include "dma.h"
#include "session.h"
#include "system.h"

#include <fcntl.h>

enum { TIMES = 1000, FIXED_IOVA = 0x400000, UNMAPPED = 0x70000000, PAGE = 4096 };

static struct component component;
static int registers;

static void order(const struct dma *dma, const char *name, enum order_kind kind)
{
	const struct order what = { .kind = kind, .rounds = 1, .size = PAGE, .iova = dma->iova };
	const int fds[] = { registers, dma->memory };

	component_check(&component, name, &what, fds, 2);
}

static void use_brokers(uint32_t domain)
{
	struct dma dma = { .domain = domain, .memory = -1, .size = DMA_MEMORY };

	if (!check_result(dma_alloc(&dma), &dma.error, "the broker makes memory"))
		return;
	order(&dma, "a component's DMA reaches it", ORDER_DMA);
	struct dma elsewhere = dma;
	elsewhere.iova = UNMAPPED;
	order(&elsewhere, "nothing is reached where nothing is mapped", ORDER_DMA_NOWHERE);
	check_result(dma_unmap(&dma), &dma.error, "it is unmapped");
	system_close(dma.memory);
}

static void use_own(uint32_t domain)
{
	struct dma dma = { .domain = domain,
		           .memory = memory_new(DMA_MEMORY),
		           .size = DMA_MEMORY,
		           .iova = FIXED_IOVA,
		           .flags = HWB_DMA_FIXED };
	struct dma second = dma;

	check_result(dma_map(&dma), &dma.error, "core's memory is mapped where it wants it");
	check(dma.iova == FIXED_IOVA, "there it is", "it is at 0x%lx", dma.iova);
	check_refused(dma_map(&second), HWB_CONFLICT, &second.error,
	              "a second mapping there is refused");
	order(&dma, "a component's DMA reaches core's memory", ORDER_DMA);
	check_result(dma_unmap(&dma), &dma.error, "core's memory is unmapped");
	order(&dma, "a component's DMA reaches it no more", ORDER_DMA_NOWHERE);
	check_refused(dma_unmap(&dma), HWB_NOT_FOUND, &dma.error,
	              "what is not mapped is not unmapped");
	second.iova = FIXED_IOVA + 1;
	check_refused(dma_map(&second), HWB_INVALID, &second.error,
	              "an unaligned address is refused");
	system_close(dma.memory);
}

static void refuse_fds(uint32_t domain)
{
	struct dma dma = { .domain = domain, .size = DMA_MEMORY };

	dma.memory = (int)system3(SYS_memfd_create, at("open"), 1 /* MFD_CLOEXEC */, 0);
	system3(SYS_ftruncate, dma.memory, DMA_MEMORY, 0);
	check_refused(dma_map(&dma), HWB_BAD_FD, &dma.error, "memory that may shrink is refused");
	system_close(dma.memory);
	dma.memory = registers;
	check_refused(dma_map(&dma), HWB_BAD_FD, &dma.error, "registers are not memory for DMA");
}

static void many_times(uint32_t domain)
{
	struct dma dma = { .domain = domain, .memory = memory_new(DMA_MEMORY), .size = DMA_MEMORY };
	unsigned good = 0;

	for (unsigned i = 0; i < TIMES; i++) {
		dma.iova = 0;
		good += dma_map(&dma) == 0 && dma_unmap(&dma) == 0;
	}
	check(good == TIMES, "core's memory is mapped and unmapped 1000 times",
	      "%u times; last: %s", good, dma.error.reason);
	dma.iova = 0;
	check_result(dma_map(&dma), &dma.error, "and once more");
	order(&dma, "a component's DMA still reaches it", ORDER_DMA);
	check_result(dma_unmap(&dma), &dma.error, "unmapped at the end");
	system_close(dma.memory);
}

/* A thousand at a time, each at an address of its own. */
static void many_at_once(uint32_t domain)
{
	struct dma dma = { .domain = domain, .memory = memory_new(DMA_MEMORY), .size = DMA_MEMORY };
	unsigned mapped = 0, unmapped = 0;

	dma.flags = HWB_DMA_FIXED;
	for (unsigned i = 0; i < TIMES; i++) {
		dma.iova = FIXED_IOVA + (uint64_t)i * 2 * PAGE;
		mapped += dma_map(&dma) == 0;
	}
	for (unsigned i = 0; i < TIMES; i++) {
		dma.iova = FIXED_IOVA + (uint64_t)i * 2 * PAGE;
		unmapped += dma_unmap(&dma) == 0;
	}
	check(mapped == TIMES && unmapped == TIMES, "1000 mappings at a time",
	      "%u mapped, %u unmapped; last: %s", mapped, unmapped, dma.error.reason);
	system_close(dma.memory);
}

void check_dma(void)
{
	struct device *edu = demand(VENDOR_QEMU, EDU, 0, "an edu device is there");
	uint32_t domain = domain_new();

	if (edu == NULL || domain == 0 || !component_start(&component))
		return;
	if (take(edu, domain, "the edu device is acquired in the domain")) {
		registers = registers_of(edu, 0);
		use_brokers(domain);
		use_own(domain);
		refuse_fds(domain);
		many_times(domain);
		many_at_once(domain);
		system_close(registers);
		give_back(edu, "the edu device is free again");
	}
	close_session(domain, "the domain closes");
	component_end(&component);
}
