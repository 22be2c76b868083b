/* SPDX-License-Identifier: MIT */
/* Domains: a device PD that is there before its devices, several of which it has. */
#include "checks.h"

#include "broker.h"
#include "check.h"
#include "component.h"
#include "dma.h"
#include "session.h"
#include "system.h"

enum { FIRST_IOVA = 0x1000, PAGE = 4096 };

static struct component component;
static struct dma buffer;

static void order(const char *name, enum order_kind kind, int registers)
{
	const struct order what = {
		.kind = kind,
		.rounds = 2,
		.size = PAGE,
		.iova = buffer.iova,
	};
	const int fds[] = { registers, buffer.memory };

	component_check(&component, name, &what, fds, 2);
}

static void windows(void *unused)
{
	static struct hwb_list list;
	static struct hwb_error error;
	struct hwb_iova_range window[4];

	(void)unused;
	int count = hwb_domain_info(broker(), buffer.domain, &list, window, 4, &error);
	check(count > 0 && window[0].first < window[0].last, "it tells what addresses it has",
	      "%d windows", count);
}

/* Out of the domain and back, which takes a reset: without a wait on an entrypoint. */
struct move {
	struct device *device;
	uint16_t opcode;
};

static void move(void *context)
{
	const struct move *move = context;

	device_move(move->device, move->opcode, buffer.domain);
}

static bool moved(struct device *device, uint16_t opcode, const char *name)
{
	struct move what = { device, opcode };

	on(&main_ep, move, &what);
	device_wait_open(device);
	return check_result(device->result, &device->error, name);
}

static void use_two(struct device *first, struct device *second)
{
	int registers = registers_of(first, 0);

	order("its DMA reaches what was mapped before", ORDER_DMA, registers);
	if (take(second, 0, "another device is acquired") &&
	    moved(second, HWB_DOMAIN_ASSIGN, "it is put into the domain")) {
		int other = registers_of(second, 0);
		order("its DMA reaches the same memory", ORDER_DMA, other);
		order("that of the first still does", ORDER_DMA, registers);
		system_close(other);
		give_back(second, "it is free again");
	}
	if (moved(first, HWB_DOMAIN_DEASSIGN, "the first leaves the domain"))
		order("its DMA reaches nothing", ORDER_DMA_NOWHERE, registers);
	if (moved(first, HWB_DOMAIN_ASSIGN, "it is put back"))
		order("its DMA reaches the memory again", ORDER_DMA, registers);
	close_session(buffer.domain, "the domain closes under it");
	order("its DMA reaches nothing then", ORDER_DMA_NOWHERE, registers);
	system_close(registers);
}

void check_domain(void)
{
	struct device *first = demand(VENDOR_QEMU, EDU, 0, "an edu device is there");
	struct device *second = demand(VENDOR_QEMU, EDU, 1, "a second one is there");

	buffer = (struct dma){ .domain = domain_new(),
		               .memory = memory_new(DMA_MEMORY),
		               .size = DMA_MEMORY,
		               .iova = FIRST_IOVA,
		               .flags = HWB_DMA_FIXED };
	if (first == NULL || second == NULL || buffer.domain == 0 || !component_start(&component))
		return;
	on(&main_ep, windows, NULL);
	check_result(dma_map(&buffer), &buffer.error, "memory is mapped before there is a device");
	if (take(first, buffer.domain, "a device is acquired in it")) {
		use_two(first, second);
		give_back(first, "the first is free again");
	}
	component_end(&component);
	system_close(buffer.memory);
}
