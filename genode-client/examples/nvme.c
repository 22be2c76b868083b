/* SPDX-License-Identifier: MIT */
/*
 * A small NVMe driver: identifies the controller and its first name space, then
 * reads a sector, with --write LBA writes one and reads it back, and with --speed MIB
 * reads so much from the start, by DMA with MSI-X, or INTx where that is all there is. Numbers: NVM
 * Express Base Specification 1.4.
 */
#include "example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	VENDOR = 0x1b36,
	DEVICE = 0x0010,

	/* Controller registers, section 3.1. */
	REG_CAP = 0x00,
	REG_CC = 0x14,
	REG_CSTS = 0x1c,
	REG_AQA = 0x24,
	REG_ASQ = 0x28,
	REG_ACQ = 0x30,
	REG_DOORBELLS = 0x1000,
	CC_ENABLE = 1,
	CC_ENTRY_SIZES = 6 << 16 | 4 << 20, /* 64-byte commands, 16-byte completions */
	CSTS_READY = 1,

	/* Commands, sections 5 and 6. */
	ADMIN_CREATE_SQ = 0x01,
	ADMIN_CREATE_CQ = 0x05,
	ADMIN_IDENTIFY = 0x06,
	IO_WRITE = 0x01,
	IO_READ = 0x02,
	CNS_NAMESPACE = 0,
	CNS_CONTROLLER = 1,

	ENTRIES = 16,
	PAGE = 4096,
	CHUNK = 64 * 1024, /* of --speed; a controller that takes less says so by a status */
	WAIT_MS = 5000
};

/* Where each part lies in the DMA memory: a page each, but for the data. */
enum { ADMIN_SQ, ADMIN_CQ, IO_SQ, IO_CQ, LIST, DATA, PAGES = DATA + CHUNK / PAGE };

struct command {
	uint32_t opcode_and_id; /* bits 7:0 opcode, 31:16 identifier */
	uint32_t namespace_id;
	uint64_t reserved;
	uint64_t metadata;
	uint64_t data[2];
	uint32_t words[6]; /* command dwords 10 to 15 */
};

struct completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t head;
	uint16_t queue;
	uint16_t id;
	uint16_t status; /* bit 0: phase */
};

struct queue {
	volatile struct command *commands;
	volatile struct completion *completions;
	unsigned number; /* 0: admin */
	unsigned vector; /* its interrupt */
	unsigned tail;
	unsigned head;
	unsigned phase;
};

struct nvme {
	struct example *example;
	struct example_device device;
	struct hwb_registers bar, *registers;
	struct example_memory memory;
	unsigned stride; /* of doorbells, in bytes */
	bool messages;   /* MSI-X, a vector for each queue */
};

static const char *interrupts(const struct nvme *nvme)
{
	return nvme->messages ? "MSI-X" : "INTx";
}

static void *page(const struct nvme *nvme, unsigned number)
{
	return (unsigned char *)nvme->memory.at + number * PAGE;
}

static uint64_t address_of(const struct nvme *nvme, unsigned number)
{
	return nvme->memory.iova + number * PAGE;
}

static void ring(const struct nvme *nvme, const struct queue *queue, unsigned completion,
                 unsigned value)
{
	hwb_write32(nvme->registers,
	            REG_DOORBELLS + (2 * queue->number + completion) * nvme->stride, value);
}

/* INTx is off since it came. */
static void unmask(const struct nvme *nvme)
{
	const uint64_t one = 1;

	if (!nvme->messages && write(nvme->device.unmask_fd, &one, sizeof(one)) != sizeof(one))
		example_die(nvme->example, "cannot unmask the interrupt");
}

/* Submits one command and waits for its interrupt. */
static uint32_t run(struct nvme *nvme, struct queue *queue, struct command command,
                    const char *what)
{
	volatile struct completion *completion = &queue->completions[queue->head];

	command.opcode_and_id |= queue->tail << 16;
	queue->commands[queue->tail] = command;
	queue->tail = (queue->tail + 1) % ENTRIES;
	__sync_synchronize();
	ring(nvme, queue, 0, queue->tail);
	for (;;) {
		if (example_wait(nvme->device.irq_fds[queue->vector], WAIT_MS) == 0)
			example_die(nvme->example, "%s: no interrupt within %d ms", what, WAIT_MS);
		if ((completion->status & 1) == queue->phase)
			break;
		unmask(nvme);
	}
	unsigned status = completion->status >> 1;
	uint32_t result = completion->result;
	queue->head = (queue->head + 1) % ENTRIES;
	if (queue->head == 0)
		queue->phase ^= 1;
	ring(nvme, queue, 1, queue->head);
	unmask(nvme);
	if (status != 0)
		example_die(nvme->example, "%s: status 0x%x", what, status);
	return result;
}

static void wait_ready(const struct nvme *nvme, uint32_t wanted)
{
	const struct timespec pause = { .tv_nsec = 1000000L };

	for (int i = 0; i < WAIT_MS; i++) {
		if ((hwb_read32(nvme->registers, REG_CSTS) & CSTS_READY) == wanted)
			return;
		nanosleep(&pause, NULL);
	}
	example_die(nvme->example, "the controller does not become %s",
	            wanted != 0 ? "ready" : "idle");
}

static struct queue make_queue(const struct nvme *nvme, unsigned number, unsigned sq, unsigned cq)
{
	memset(page(nvme, sq), 0, PAGE);
	memset(page(nvme, cq), 0, PAGE);
	return (struct queue){ .commands = page(nvme, sq),
		               .completions = page(nvme, cq),
		               .number = number,
		               .vector = nvme->messages ? number : 0,
		               .phase = 1 };
}

static void start(struct nvme *nvme)
{
	uint32_t high = hwb_read32(nvme->registers, REG_CAP + 4);

	nvme->stride = 4u << (high & 0xf);
	hwb_write32(nvme->registers, REG_CC, 0);
	wait_ready(nvme, 0);
	hwb_write32(nvme->registers, REG_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	hwb_write32(nvme->registers, REG_ASQ, (uint32_t)address_of(nvme, ADMIN_SQ));
	hwb_write32(nvme->registers, REG_ASQ + 4, (uint32_t)(address_of(nvme, ADMIN_SQ) >> 32));
	hwb_write32(nvme->registers, REG_ACQ, (uint32_t)address_of(nvme, ADMIN_CQ));
	hwb_write32(nvme->registers, REG_ACQ + 4, (uint32_t)(address_of(nvme, ADMIN_CQ) >> 32));
	hwb_write32(nvme->registers, REG_CC, (uint32_t)CC_ENTRY_SIZES | CC_ENABLE);
	wait_ready(nvme, CSTS_READY);
	example_say("controller enabled");
}

static void identify(struct nvme *nvme, struct queue *admin, uint32_t what, uint32_t name_space)
{
	const struct command command = {
		.opcode_and_id = ADMIN_IDENTIFY,
		.namespace_id = name_space,
		.data = { address_of(nvme, DATA) },
		.words = { what },
	};

	memset(page(nvme, DATA), 0, PAGE);
	run(nvme, admin, command, "identify");
}

/* Sectors and their size, of name space 1. */
static uint64_t identify_all(struct nvme *nvme, struct queue *admin, uint32_t *sector)
{
	const unsigned char *data = page(nvme, DATA);
	uint64_t sectors;

	identify(nvme, admin, CNS_CONTROLLER, 0);
	example_check(nvme->example, data[24] != 0, "model `%.40s', serial `%.20s'", data + 24,
	              data + 4);
	identify(nvme, admin, CNS_NAMESPACE, 1);
	memcpy(&sectors, data, sizeof(sectors));
	/* LBA format in use: its data size is a power of two. */
	*sector = 1u << data[128 + 4 * (data[26] & 0xf) + 2];
	example_check(nvme->example, sectors != 0 && *sector >= 512 && *sector <= PAGE,
	              "name space 1: %llu sectors of %u bytes", (unsigned long long)sectors,
	              *sector);
	return sectors;
}

static void create_io_queue(struct nvme *nvme, struct queue *admin)
{
	const uint32_t size_and_id = (ENTRIES - 1) << 16 | 1;
	const struct command cq = {
		.opcode_and_id = ADMIN_CREATE_CQ,
		.data = { address_of(nvme, IO_CQ) },
		/* Vector, interrupts, contiguous. */
		.words = { size_and_id, (nvme->messages ? 1u : 0u) << 16 | 3 },
	};
	const struct command sq = {
		.opcode_and_id = ADMIN_CREATE_SQ,
		.data = { address_of(nvme, IO_SQ) },
		.words = { size_and_id, 1 << 16 | 1 }, /* completions to queue 1 */
	};

	run(nvme, admin, cq, "create completion queue");
	run(nvme, admin, sq, "create submission queue");
}

static void transfer(struct nvme *nvme, struct queue *io, uint32_t opcode, uint64_t lba)
{
	const struct command command = {
		.opcode_and_id = opcode,
		.namespace_id = 1,
		.data = { address_of(nvme, DATA) },
		.words = { (uint32_t)lba, (uint32_t)(lba >> 32), 0 }, /* one sector */
	};

	run(nvme, io, command, opcode == IO_WRITE ? "write" : "read");
}

static void write_and_compare(struct nvme *nvme, struct queue *io, uint64_t lba, uint32_t sector)
{
	unsigned char *data = page(nvme, DATA);
	unsigned char expected[PAGE];

	for (uint32_t i = 0; i < sector; i++)
		expected[i] = (unsigned char)(i * 13 + lba);
	memcpy(data, expected, sector);
	transfer(nvme, io, IO_WRITE, lba);
	memset(data, 0, sector);
	transfer(nvme, io, IO_READ, lba);
	example_check(nvme->example, memcmp(data, expected, sector) == 0,
	              "sector %llu written and read back by DMA with %s", (unsigned long long)lba,
	              interrupts(nvme));
}

/* One request at a time, each for what a list of pages says (section 4.3). */
static void measure(struct nvme *nvme, struct queue *io, uint64_t mebibytes, uint32_t sector)
{
	uint64_t chunks = (mebibytes << 20) / CHUNK;
	uint64_t *list = page(nvme, LIST);
	struct command command = {
		.opcode_and_id = IO_READ,
		.namespace_id = 1,
		.data = { address_of(nvme, DATA), address_of(nvme, LIST) },
		.words = { 0, 0, CHUNK / sector - 1 },
	};

	for (unsigned i = 1; i < CHUNK / PAGE; i++)
		list[i - 1] = address_of(nvme, DATA + i);
	double start = example_now();
	for (uint64_t i = 0; i < chunks; i++) {
		uint64_t lba = i * (CHUNK / sector);
		command.words[0] = (uint32_t)lba;
		command.words[1] = (uint32_t)(lba >> 32);
		run(nvme, io, command, "read");
	}
	double seconds = example_now() - start;
	example_say("%llu MiB in requests of 64 KiB, one at a time: %.0f ms, %.2f MiB/s",
	            (unsigned long long)mebibytes, seconds * 1e3, (double)mebibytes / seconds);
}

static int usage(int status)
{
	puts("Usage: nvme [ADDRESS] [--write LBA] [--speed MIB]\n"
	     "Identifies an NVMe disk and reads its first sector. With --write it\n"
	     "OVERWRITES that sector and reads it back. With --speed it reads MIB mebibytes\n"
	     "and says how long that took.");
	return status;
}

int main(int argc, char **argv)
{
	struct example example;
	struct nvme nvme = { .example = &example };
	const char *address_text = NULL, *lba_text = NULL, *speed_text = NULL;
	uint32_t sector;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--write") == 0 && i + 1 < argc)
			lba_text = argv[++i];
		else if (strcmp(argv[i], "--speed") == 0 && i + 1 < argc)
			speed_text = argv[++i];
		else if (argv[i][0] != '-')
			address_text = argv[i];
		else
			return usage(strcmp(argv[i], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	example_start(&example, "nvme");
	struct hwb_pci_address address = example_find(&example, address_text, VENDOR, DEVICE);
	struct hwb_device info;
	example_demand(&example, hwb_device_info(example.client, &address, &info, &example.error),
	               "ask about the disk");
	nvme.messages = info.msix_vectors >= 2;
	uint32_t domain = example_domain(&example);
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = domain,
		.bars = 1,
		.irq_type = nvme.messages ? HWB_IRQ_MSIX : HWB_IRQ_INTX,
		.irq_count = nvme.messages ? 2 : 1,
	};
	example_acquire(&example, &address, &request, &nvme.device);
	nvme.registers = &nvme.bar;
	example_bar(&example, &nvme.device, 0, nvme.registers);
	example_alloc(&example, domain, PAGES * PAGE, 0, &nvme.memory);
	struct queue admin = make_queue(&nvme, 0, ADMIN_SQ, ADMIN_CQ);
	struct queue io = make_queue(&nvme, 1, IO_SQ, IO_CQ);
	start(&nvme);
	uint64_t sectors = identify_all(&nvme, &admin, &sector);
	create_io_queue(&nvme, &admin);
	transfer(&nvme, &io, IO_READ, 0);
	example_check(&example, true, "sector 0 read by DMA with %s", interrupts(&nvme));
	if (lba_text != NULL) {
		uint64_t lba = strtoull(lba_text, NULL, 0);
		if (lba >= sectors)
			example_die(&example, "sector %s is not on this disk", lba_text);
		write_and_compare(&nvme, &io, lba, sector);
	}
	if (speed_text != NULL) {
		uint64_t mebibytes = strtoull(speed_text, NULL, 0);
		if (mebibytes == 0 || mebibytes > sectors / (1048576 / sector))
			example_die(&example, "there are 1 to %llu MiB on this disk",
			            (unsigned long long)(sectors / (1048576 / sector)));
		measure(&nvme, &io, mebibytes, sector);
	}
	/* Stop before the memory goes. */
	hwb_write32(nvme.registers, REG_CC, 0);
	wait_ready(&nvme, 0);
	example_check_bar(&example, nvme.registers);
	return example_end(&example);
}
