/* SPDX-License-Identifier: MIT */
/* Right requests in a wrong order, all at once, and nobody who waits for the answers. */
#include "hostile.h"

#include <unistd.h>

/* xorshift64*: the same sequence each time. */
static uint32_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * 2685821657736338717ull >> 32);
}

/* A request about handles that exist, existed, or will. Handles count from 1. */
static void fill_any(struct packet *packet, uint64_t *random)
{
	const struct hwb_acquire_request acquire = {
		.address = address_of(next_random(random) % 4 != 0 ? EDU : PAIR),
		.flags = HWB_ACQUIRE_ALL_BARS,
		.domain = next_random(random) % 3,
	};
	const struct hwb_bar_request bar = { .bar = 0, .size = PAGE };
	const struct hwb_irq_request irq = { .type = 1 + next_random(random) % 2,
		                             .count = 1,
		                             .flags = HWB_IRQ_OPEN_ENABLE };
	const struct hwb_assign_request assign = { .device = 1 + next_random(random) % 6 };
	const struct hwb_dma_alloc_request alloc = { .size = PAGE * (1 + next_random(random) % 64),
		                                     .flags = HWB_DMA_DEVICE_READS };
	const struct hwb_dma_unmap_request unmap = { .iova = 0 };
	const struct hwb_config_access read = { .offset = 0, .width = 4 };
	uint32_t handle = 1 + next_random(random) % 8;

	switch (next_random(random) % 12) {
	case 0:
	case 1:
		fill(packet, HWB_DOMAIN_OPEN, 0, NULL, 0);
		break;
	case 2:
	case 3:
		fill(packet, HWB_DEVICE_ACQUIRE, 0, &acquire, sizeof(acquire));
		break;
	case 4:
		fill(packet, HWB_IO_MEM_OPEN_BAR, handle, &bar, sizeof(bar));
		break;
	case 5:
		fill(packet, HWB_IRQ_OPEN, handle, &irq, sizeof(irq));
		break;
	case 6:
		fill(packet, HWB_DOMAIN_ASSIGN, handle, &assign, sizeof(assign));
		break;
	case 7:
		fill(packet, HWB_DOMAIN_DEASSIGN, handle, &assign, sizeof(assign));
		break;
	case 8:
		fill(packet, HWB_DMA_ALLOC, handle, &alloc, sizeof(alloc));
		break;
	case 9:
		fill(packet, HWB_DMA_UNMAP, handle, &unmap, sizeof(unmap));
		break;
	case 10:
		fill(packet, HWB_CONFIG_READ, handle, &read, sizeof(read));
		break;
	default:
		fill(packet, HWB_CLOSE, handle, NULL, 0);
		break;
	}
}

static void any_order(void)
{
	enum { ROUNDS = 150, MOST = 40 };
	uint64_t random = 0x686f7374;

	for (unsigned round = 0; round < ROUNDS; round++) {
		int fd = client();
		unsigned count = 1 + next_random(&random) % MOST, answers = 0;
		struct packet packet;
		for (unsigned i = 0; i < count; i++) {
			fill_any(&packet, &random);
			expect(wire_send(fd, packet.bytes, packet.length, NULL, 0), "hung up");
		}
		/* All, some or none of the answers are waited for. */
		unsigned wanted = round % 3 == 0 ? count : next_random(&random) % count;
		while (answers < wanted) {
			expect(wire_reply(fd, &packet), "hung up after %u of %u", answers, count);
			uint32_t status = header_of(&packet)->status;
			expect(status == HWB_OK || status > HWB_NOT_ADMITTED, "status %u", status);
			close_fds(packet.fds, packet.fd_count);
			answers++;
		}
		if (round % 3 == 0)
			expect(ping(fd) == HWB_OK, "the connection is not served on");
		close(fd);
	}
}

const struct hostile_case order_cases[] = {
	{ 48, "requests in any order, cut off anywhere", any_order, 0, 120 },
	{ 0 },
};
