/* SPDX-License-Identifier: MIT */
/*
 * QEMU's educational device: registers, both kinds of interrupt, DMA both ways.
 * Register names and values: QEMU, docs/specs/edu.
 */
#define _GNU_SOURCE /* memfd_create */
#include "example.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	VENDOR = 0x1234,
	DEVICE = 0x11e8,

	REG_ID = 0x00,
	REG_LIVENESS = 0x04,
	REG_FACTORIAL = 0x08,
	REG_STATUS = 0x20,
	REG_IRQ_STATUS = 0x24,
	REG_IRQ_RAISE = 0x60,
	REG_IRQ_ACK = 0x64,
	REG_DMA_SOURCE = 0x80,
	REG_DMA_TARGET = 0x88,
	REG_DMA_COUNT = 0x90,
	REG_DMA_COMMAND = 0x98,

	STATUS_COMPUTING = 0x01,
	STATUS_IRQ_WHEN_DONE = 0x80,
	DMA_RUN = 0x01,
	DMA_TO_RAM = 0x02,
	DMA_IRQ = 0x04,
	IRQ_FACTORIAL = 0x001,
	IRQ_DMA = 0x100,

	DMA_BUFFER = 0x40000, /* in the device, as its DMA engine sees it */
	DMA_SIZE = 2048,    /* QEMU 7.2 counts a transfer up to the buffer's very end as outside */
	MEMORY_SIZE = 4096, /* two transfers */
	WAIT_MS = 5000,
	INTX_ROUNDS = 200,
	DMA_REACH = 0x0fffffff, /* its default (dma_mask); it cuts off the rest */
	UNMAPPED = 0x04000000   /* a device address that nothing is mapped at */
};

static void wait_for_irq(struct example *example, const struct example_device *device,
                         struct hwb_registers *registers, uint32_t bit, const char *what)
{
	uint64_t count = example_wait(device->irq_fds[0], WAIT_MS);
	uint32_t status = hwb_read32(registers, REG_IRQ_STATUS);

	hwb_write32(registers, REG_IRQ_ACK, status);
	if (count == 0 || (status & bit) == 0)
		example_die(example, "%s: no interrupt within %d ms (status 0x%x)", what, WAIT_MS,
		            status);
}

static void test_registers(struct example *example, struct hwb_registers *registers)
{
	uint32_t id = hwb_read32(registers, REG_ID);

	example_check(example, (id & 0xff) == 0xed, "identification 0x%08x", id);
	hwb_write32(registers, REG_LIVENESS, 0x12345678);
	example_check(example, hwb_read32(registers, REG_LIVENESS) == ~0x12345678u,
	              "liveness check inverts");
}

static void test_factorial(struct example *example, const struct example_device *device,
                           struct hwb_registers *registers)
{
	hwb_write32(registers, REG_STATUS, STATUS_IRQ_WHEN_DONE);
	hwb_write32(registers, REG_FACTORIAL, 10);
	wait_for_irq(example, device, registers, IRQ_FACTORIAL, "factorial");
	example_check(example, hwb_read32(registers, REG_FACTORIAL) == 3628800,
	              "10! = %u, told by an interrupt", hwb_read32(registers, REG_FACTORIAL));
	hwb_write32(registers, REG_STATUS, 0);
}

static void transfer(struct example *example, const struct example_device *device,
                     struct hwb_registers *registers, uint64_t from, uint64_t to, uint32_t command)
{
	hwb_write64(registers, REG_DMA_SOURCE, from);
	hwb_write64(registers, REG_DMA_TARGET, to);
	hwb_write64(registers, REG_DMA_COUNT, DMA_SIZE);
	hwb_write64(registers, REG_DMA_COMMAND, command | DMA_RUN | DMA_IRQ);
	wait_for_irq(example, device, registers, IRQ_DMA, "DMA");
}

static void fill(unsigned char *at, unsigned seed)
{
	for (unsigned i = 0; i < DMA_SIZE; i++)
		at[i] = (unsigned char)(i * 7 + (i >> 8) + seed);
}

/* Into the device's buffer and back to the second page. */
static bool round_trip(struct example *example, const struct example_device *device,
                       struct hwb_registers *registers, const struct example_memory *memory,
                       unsigned seed)
{
	unsigned char *there = memory->at;
	unsigned char *back = there + DMA_SIZE;

	fill(there, seed);
	memset(back, 0, DMA_SIZE);
	transfer(example, device, registers, memory->iova, DMA_BUFFER, 0);
	transfer(example, device, registers, DMA_BUFFER, memory->iova + DMA_SIZE, DMA_TO_RAM);
	return memcmp(there, back, DMA_SIZE) == 0;
}

/* Without an IOMMU nothing stops the device: what it writes to is somebody's memory. */
static bool is_confined(const struct example_device *device)
{
	return (device->info.device.flags & HWB_DEVICE_DMA_UNSAFE) == 0;
}

static void test_dma(struct example *example, const struct example_device *device,
                     struct hwb_registers *registers, const struct example_memory *memory)
{
	example_check(example, round_trip(example, device, registers, memory, 1),
	              "DMA both ways, %d bytes at 0x%llx, broker's memory", DMA_SIZE,
	              (unsigned long long)memory->iova);

	/* Where nothing is mapped the IOMMU stops the device. */
	if (!is_confined(device))
		return;
	unsigned char *page = memory->at;
	memset(page, 0x5a, DMA_SIZE);
	transfer(example, device, registers, DMA_BUFFER, UNMAPPED, DMA_TO_RAM);
	bool intact = true;
	for (unsigned i = 0; i < DMA_SIZE; i++)
		intact = intact && page[i] == 0x5a;
	example_check(example, intact, "DMA to an address without mapping reaches no memory");
}

static void test_own_memory(struct example *example, const struct example_device *device,
                            struct hwb_registers *registers, uint32_t domain)
{
	struct example_memory memory = { .size = MEMORY_SIZE };
	struct hwb_dma_map_request request = {
		.size = memory.size,
		.limit = DMA_REACH,
		.flags = HWB_DMA_DEVICE_READS | HWB_DMA_DEVICE_WRITES,
	};
	struct hwb_dma_reply reply;

	memory.fd = memfd_create("edu", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory.fd < 0 || ftruncate(memory.fd, (off_t)memory.size) != 0)
		example_die(example, "cannot make a memfd");
	int result =
	        hwb_dma_map(example->client, domain, &request, memory.fd, &reply, &example->error);
	example_check(example, hwb_refusal_of(result) == HWB_BAD_FD,
	              "own memfd without F_SEAL_SHRINK is refused");
	fcntl(memory.fd, F_ADD_SEALS, F_SEAL_SHRINK);
	result = hwb_dma_map(example->client, domain, &request, memory.fd, &reply, &example->error);
	if (!is_confined(device) && hwb_refusal_of(result) == HWB_UNSUPPORTED) {
		/* Where the kernel has it is where it stays. */
		example_say("own memory is not used: %s", example->error.reason);
		close(memory.fd);
		return;
	}
	example_demand(example, result, "map own memory");
	memory.iova = reply.iova;
	memory.at = mmap(NULL, memory.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0);
	if (memory.at == MAP_FAILED)
		example_die(example, "cannot map the memfd");
	example_check(example, round_trip(example, device, registers, &memory, 2),
	              "DMA both ways at 0x%llx, own sealed memfd", (unsigned long long)memory.iova);
	example_demand(example,
	               hwb_dma_unmap(example->client, domain, memory.iova, &example->error),
	               "unmap own memory");

	/* The device's write goes nowhere once the mapping is gone. */
	if (is_confined(device)) {
		memset(memory.at, 0x33, memory.size);
		transfer(example, device, registers, DMA_BUFFER, memory.iova, DMA_TO_RAM);
		example_check(example, *(unsigned char *)memory.at == 0x33,
		              "after the unmap the device cannot reach it");
	}
	munmap(memory.at, memory.size);
	close(memory.fd);
}

static void test_intx(struct example *example, const struct hwb_pci_address *address)
{
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.bars = 1,
		.irq_type = HWB_IRQ_INTX,
		.irq_count = 1,
	};
	const uint64_t one = 1;
	struct example_device device;
	unsigned got = 0;

	example_acquire(example, address, &request, &device);
	struct hwb_registers bar, *registers = &bar;
	example_bar(example, &device, 0, registers);
	double start = example_now();
	for (unsigned i = 0; i < INTX_ROUNDS; i++) {
		hwb_write32(registers, REG_IRQ_RAISE, 0x10);
		wait_for_irq(example, &device, registers, 0x10, "INTx");
		got++;
		/* The kernel masked the line; a local write opens it again. */
		if (write(device.unmask_fd, &one, sizeof(one)) != sizeof(one))
			example_die(example, "cannot write the unmask eventfd");
	}
	example_check(example, got == INTX_ROUNDS,
	              "%u of %d INTx interrupts, each unmasked by an eventfd, %.0f us each", got,
	              INTX_ROUNDS, (example_now() - start) * 1e6 / INTX_ROUNDS);
	example_let_go(&device, registers);
	example_demand(example, hwb_close(example->client, device.handle, &example->error),
	               "close");
}

int main(int argc, char **argv)
{
	struct example example;
	struct example_device device;
	struct example_memory memory;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--help") == 0)) {
		puts("Usage: edu [ADDRESS]\n"
		     "Drives QEMU's edu device: registers, MSI, INTx, DMA both ways.");
		return argc > 2 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	example_start(&example, "edu");
	struct hwb_pci_address address =
	        example_find(&example, argc == 2 ? argv[1] : NULL, VENDOR, DEVICE);
	uint32_t domain = example_domain(&example);
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = domain,
		.bars = 1,
		.irq_type = HWB_IRQ_MSI,
		.irq_count = 1,
	};
	example_acquire(&example, &address, &request, &device);
	struct hwb_registers bar, *registers = &bar;
	example_bar(&example, &device, 0, registers);
	example_alloc(&example, domain, MEMORY_SIZE, DMA_REACH, &memory);
	test_registers(&example, registers);
	test_factorial(&example, &device, registers);
	test_dma(&example, &device, registers, &memory);
	test_own_memory(&example, &device, registers, domain);
	example_check_bar(&example, registers);
	example_let_go(&device, registers);
	example_demand(&example, hwb_close(example.client, device.handle, &example.error), "close");
	test_intx(&example, &address);
	return example_end(&example);
}
