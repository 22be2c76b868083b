/* SPDX-License-Identifier: MIT */
/*
 * A client that goes on while the broker is started again: started by suite_restart.sh,
 * until FILE is there. What fails ends it, with a sentence and status 1.
 *
 *   keep-on drive FILE [quiet]  DMA and an interrupt of the edu device, again and again, each
 *                               compared; and requests, unless it is to be quiet
 *   keep-on connect FILE COUNT  so many connections, each with a domain and memory in it
 */
#include "edu.h"
#include "example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRANSFER = 2048, MEMORY = 4096, WAIT_MS = 5000, CONNECTIONS_MAX = 128 };

static void transfer(struct example *example, const struct example_device *device,
                     volatile void *registers, uint64_t from, uint64_t to, uint32_t command)
{
	write64(registers, EDU_DMA_SOURCE, from);
	write64(registers, EDU_DMA_TARGET, to);
	write64(registers, EDU_DMA_COUNT, TRANSFER);
	write64(registers, EDU_DMA_COMMAND, command | EDU_DMA_RUN | EDU_DMA_IRQ);
	if (example_wait(device->irq_fds[0], WAIT_MS) == 0)
		example_die(example, "no interrupt within %d ms", WAIT_MS);
	write32(registers, EDU_IRQ_ACK, read32(registers, EDU_IRQ_STATUS));
}

static void round_trip(struct example *example, const struct example_device *device,
                       volatile void *registers, const struct example_memory *memory, unsigned seed)
{
	unsigned char *there = memory->at;
	unsigned char *back = there + TRANSFER;

	for (unsigned i = 0; i < TRANSFER; i++)
		there[i] = (unsigned char)(i * 7 + (i >> 8) + seed);
	memset(back, 0, TRANSFER);
	transfer(example, device, registers, memory->iova, EDU_BUFFER, 0);
	transfer(example, device, registers, EDU_BUFFER, memory->iova + TRANSFER,
	         EDU_DMA_TO_MEMORY);
	if (memcmp(there, back, TRANSFER) != 0)
		example_die(example, "round %u: DMA brought back something else", seed);
}

/* What the broker holds for it still works: memory, vectors, and giving all that back. */
static void finish(struct example *example, struct example_device *device, uint32_t domain,
                   volatile void *registers, const struct example_memory *memory)
{
	struct example_memory more;
	int fd;

	example_demand(example,
	               hwb_irq_fds(example->client, device->info.interrupt.session, 0, 1, &fd,
	                           &example->error),
	               "ask for the vector again");
	close(device->irq_fds[0]);
	device->irq_fds[0] = fd;
	round_trip(example, device, registers, memory, 1);
	example_demand(example,
	               hwb_dma_unmap(example->client, domain, memory->iova, &example->error),
	               "unmap");
	example_alloc(example, domain, MEMORY, UINT32_MAX, &more);
	round_trip(example, device, registers, &more, 2);
	/* Out of the domain and in again: the memory goes along. */
	example_demand(example,
	               hwb_close(example->client, device->info.interrupt.session, &example->error),
	               "close the interrupt");
	example_demand(
	        example,
	        hwb_domain_deassign(example->client, domain, device->handle, &example->error),
	        "deassign");
	example_demand(example,
	               hwb_domain_assign(example->client, domain, device->handle, &example->error),
	               "assign");
	example_demand(example, hwb_close(example->client, device->handle, &example->error),
	               "close the device");
	example_demand(example, hwb_close(example->client, domain, &example->error),
	               "close the domain");
}

static int drive(const char *file, bool quiet)
{
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.bars = 1,
		.irq_type = HWB_IRQ_MSI,
		.irq_count = 1,
	};
	struct hwb_acquire_request with_dma = request;
	struct example example;
	struct example_device device;
	struct example_memory memory;
	unsigned rounds = 0;

	example_start(&example, "keep-on");
	struct hwb_pci_address address = example_find(&example, NULL, 0x1234, 0x11e8);
	uint32_t domain = example_domain(&example);
	with_dma.domain = domain;
	example_acquire(&example, &address, &with_dma, &device);
	volatile void *registers = example_map(&example, &device, 0);
	example_alloc(&example, domain, MEMORY, UINT32_MAX, &memory);
	while (access(file, F_OK) != 0) {
		round_trip(&example, &device, registers, &memory, ++rounds);
		if (!quiet)
			example_demand(&example, hwb_ping(example.client, &example.error), "ping");
		if (rounds == 3)
			example_say("running");
	}
	finish(&example, &device, domain, registers, &memory);
	example_say("%u rounds", rounds);
	return example_end(&example);
}

static int connect_many(const char *file, unsigned count)
{
	static struct example examples[CONNECTIONS_MAX];
	static struct example_memory memory[CONNECTIONS_MAX];
	static uint32_t domains[CONNECTIONS_MAX];

	for (unsigned i = 0; i < count; i++) {
		example_start(&examples[i], "keep-on");
		domains[i] = example_domain(&examples[i]);
		example_alloc(&examples[i], domains[i], MEMORY, UINT32_MAX, &memory[i]);
	}
	example_say("running");
	while (access(file, F_OK) != 0)
		usleep(10000);
	for (unsigned i = 0; i < count; i++) {
		uint32_t more = example_domain(&examples[i]);
		example_check(&examples[i], more > domains[i], "a handle that was not used before");
		example_demand(&examples[i],
		               hwb_dma_unmap(examples[i].client, domains[i], memory[i].iova,
		                             &examples[i].error),
		               "unmap");
		example_demand(&examples[i],
		               hwb_close(examples[i].client, domains[i], &examples[i].error),
		               "close");
	}
	return example_end(&examples[0]);
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "drive") == 0)
		return drive(argv[2], argc > 3);
	if (argc == 4 && strcmp(argv[1], "connect") == 0)
		return connect_many(argv[2],
		                    (unsigned)strtoul(argv[3], NULL, 10) % CONNECTIONS_MAX);
	fputs("Usage: keep-on drive FILE [quiet] | keep-on connect FILE COUNT\n", stderr);
	return 2;
}
