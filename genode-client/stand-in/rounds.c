/* SPDX-License-Identifier: MIT */
#include "rounds.h"

int rounds_ping(struct rounds *rounds, unsigned count)
{
	int result = 0;

	for (unsigned i = 0; i < count && result == 0; i++)
		result = hwb_ping(rounds->client, &rounds->error);
	return result;
}

static void drop(const struct rounds *rounds, int fd)
{
	rounds->client->transport.close_fd(rounds->client->transport.context, fd);
}

int rounds_io_mem(struct rounds *rounds, unsigned count)
{
	const struct hwb_bar *bar = &rounds->facts.bars[0];
	struct hwb_region region;
	int result = 0, fd;

	for (unsigned i = 0; i < count && result == 0; i++) {
		result = hwb_io_mem_open(rounds->client, bar->address, bar->size, 0, &region, &fd,
		                         &rounds->error);
		if (result != 0)
			break;
		drop(rounds, fd);
		result = hwb_close(rounds->client, region.session, &rounds->error);
	}
	return result;
}

int rounds_irq_open(struct rounds *rounds, unsigned count)
{
	const struct hwb_irq_request request = { .type = HWB_IRQ_MSI, .count = 1 };
	struct hwb_interrupt interrupt;
	int fds[HWB_FDS_MAX], result = 0;
	uint32_t fd_count;

	for (unsigned i = 0; i < count && result == 0; i++) {
		result = hwb_irq_open(rounds->client, rounds->device, &request, &interrupt, fds,
		                      &fd_count, &rounds->error);
		if (result != 0)
			break;
		drop(rounds, fds[0]);
		result = hwb_close(rounds->client, interrupt.session, &rounds->error);
	}
	return result;
}

int rounds_irq_ack(struct rounds *rounds, unsigned count)
{
	int result = 0;

	for (unsigned i = 0; i < count && result == 0; i++)
		result = hwb_irq_ack(rounds->client, rounds->irq, &rounds->error);
	return result;
}

int rounds_dma(struct rounds *rounds, unsigned count)
{
	const struct hwb_dma_map_request request = {
		.size = 4096,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};
	struct hwb_dma_reply reply;
	int result = 0;

	for (unsigned i = 0; i < count && result == 0; i++) {
		result = hwb_dma_map(rounds->client, rounds->domain, &request, rounds->memory,
		                     &reply, &rounds->error);
		if (result == 0)
			result = hwb_dma_unmap(rounds->client, rounds->domain, reply.iova,
			                       &rounds->error);
	}
	return result;
}

static int same(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

rounds_kind rounds_named(const char *name)
{
	static const struct {
		const char *name;
		rounds_kind kind;
	} kinds[] = {
		{ "ping", rounds_ping },         { "io-mem", rounds_io_mem },
		{ "irq-open", rounds_irq_open }, { "irq-ack", rounds_irq_ack },
		{ "dma", rounds_dma },
	};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (same(kinds[i].name, name))
			return kinds[i].kind;
	return NULL;
}
