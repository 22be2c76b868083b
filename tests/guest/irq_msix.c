/* SPDX-License-Identifier: MIT */
/* MSI-X: of an NVMe disk, with more vectors than an answer has descriptors, and of a network card.
 */
#include "irq_parts.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors beside the first answer. */
enum { FDS_FIRST = 48 };

/* NVM Express 1.4: registers, section 3.1; commands, sections 5 and 6. */
enum {
	REG_CAP_HIGH = 0x04,
	REG_CC = 0x14,
	REG_CSTS = 0x1c,
	REG_AQA = 0x24,
	REG_ASQ = 0x28,
	REG_ACQ = 0x30,
	REG_DOORBELLS = 0x1000,
	CC_SIZES_AND_ENABLE = 6 << 16 | 4 << 20 | 1,
	ADMIN_CREATE_SQ = 0x01,
	ADMIN_CREATE_CQ = 0x05,
	IO_READ = 0x02,
	ENTRIES = 16,
	VECTORS = 64
};

struct disk {
	struct example_device device;
	volatile void *registers;
	struct example_memory memory;
	uint32_t stride;
	int fds[VECTORS];
};

struct queue {
	unsigned number, page, vector, tail, head, phase;
};

static uint64_t page_iova(const struct disk *disk, unsigned page)
{
	return disk->memory.iova + page * PAGE;
}

static volatile uint32_t *page_at(const struct disk *disk, unsigned page)
{
	return (volatile uint32_t *)((unsigned char *)disk->memory.at + page * PAGE);
}

/* Submits dwords 0, 1, 6, 7, 10, 11 of a command; it must be answered on the
 * eventfd of the queue's vector, and without error. */
static void command(struct disk *disk, struct queue *queue, uint32_t opcode, uint64_t data,
                    uint32_t dword10, uint32_t dword11)
{
	volatile uint32_t *entry = page_at(disk, queue->page) + queue->tail * 16;
	volatile uint32_t *answer = page_at(disk, queue->page + 1) + queue->head * 4;

	for (int i = 0; i < 16; i++)
		entry[i] = 0;
	entry[0] = opcode | queue->tail << 16;
	entry[1] = queue->number != 0;
	entry[6] = (uint32_t)data;
	entry[7] = (uint32_t)(data >> 32);
	entry[10] = dword10;
	entry[11] = dword11;
	queue->tail = (queue->tail + 1) % ENTRIES;
	__sync_synchronize();
	write32(disk->registers, REG_DOORBELLS + 2 * queue->number * disk->stride, queue->tail);
	ck_assert_msg(example_wait(disk->fds[queue->vector], PATIENCE_MS) != 0,
	              "no interrupt on vector %u", queue->vector);
	ck_assert_uint_eq(answer[3] >> 16 & 1, queue->phase);
	ck_assert_uint_eq(answer[3] >> 17, 0);
	queue->head = (queue->head + 1) % ENTRIES;
	if (queue->head == 0)
		queue->phase ^= 1;
	write32(disk->registers, REG_DOORBELLS + (2 * queue->number + 1) * disk->stride,
	        queue->head);
}

static void wait_ready(const struct disk *disk, uint32_t ready)
{
	for (int waited = 0; (read32(disk->registers, REG_CSTS) & 1) != ready; waited += 5) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		guest_pause(5);
	}
}

static void start_disk(struct disk *disk)
{
	disk->stride = 4u << (read32(disk->registers, REG_CAP_HIGH) & 0xf);
	write32(disk->registers, REG_CC, 0);
	wait_ready(disk, 0);
	write32(disk->registers, REG_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	write32(disk->registers, REG_ASQ, (uint32_t)page_iova(disk, 0));
	write32(disk->registers, REG_ASQ + 4, (uint32_t)(page_iova(disk, 0) >> 32));
	write32(disk->registers, REG_ACQ, (uint32_t)page_iova(disk, 1));
	write32(disk->registers, REG_ACQ + 4, (uint32_t)(page_iova(disk, 1) >> 32));
	write32(disk->registers, REG_CC, CC_SIZES_AND_ENABLE);
	wait_ready(disk, 1);
}

/* The disk with 64 vectors enabled: descriptors of 48 beside the first answer. */
static void take_disk(struct disk *disk)
{
	uint32_t domain = guest_domain();
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = domain,
		.bars = 1,
		.irq_type = HWB_IRQ_MSIX,
		.irq_count = VECTORS,
	};

	guest_take(NVME, &request, &disk->device);
	ck_assert_uint_eq(disk->device.info.interrupt.vectors, VECTORS);
	ck_assert_uint_eq(disk->device.irq_count, FDS_FIRST);
	memcpy(disk->fds, disk->device.irq_fds, FDS_FIRST * sizeof(int));
	want(HWB_OK, hwb_irq_fds(guest, disk->device.info.interrupt.session, FDS_FIRST,
	                         VECTORS - FDS_FIRST, disk->fds + FDS_FIRST, &why));
	disk->registers = guest_map(&disk->device.info.regions[0], disk->device.bar_fds[0]);
	guest_alloc(domain, 16 * PAGE, &disk->memory);
	start_disk(disk);
}

START_TEST(msix_on_64_vectors)
{
	static const unsigned vectors[] = { 1, 32, 33, 47, 48, 63 };
	struct queue admin = { .phase = 1 };
	struct disk disk;

	take_disk(&disk);
	for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct queue io = {
			.number = i + 1, .page = 2 + 2 * i, .vector = vectors[i], .phase = 1
		};
		/* Size, identifier; vector, interrupts, contiguous. */
		command(&disk, &admin, ADMIN_CREATE_CQ, page_iova(&disk, io.page + 1),
		        (ENTRIES - 1) << 16 | io.number, io.vector << 16 | 3);
		command(&disk, &admin, ADMIN_CREATE_SQ, page_iova(&disk, io.page),
		        (ENTRIES - 1) << 16 | io.number, io.number << 16 | 1);
		command(&disk, &io, IO_READ, page_iova(&disk, 15), i, 0);
	}
	/* Nobody else was called. */
	for (unsigned vector = 0; vector < VECTORS; vector++)
		ck_assert_msg(example_wait(disk.fds[vector], 0) == 0, "vector %u", vector);
	write32(disk.registers, REG_CC, 0);
	wait_ready(&disk, 0);
}
END_TEST

START_TEST(descriptors_of_vectors)
{
	const struct hwb_acquire_request request = {
		.domain = guest_domain(),
		.irq_type = HWB_IRQ_MSIX,
		.irq_count = VECTORS,
	};
	struct example_device disk;
	int fds[HWB_FDS_MAX];

	guest_take(NVME, &request, &disk);
	uint32_t irq = disk.info.interrupt.session;
	want(HWB_OK, hwb_irq_fds(guest, irq, 0, 64, fds, &why));
	want(HWB_OK, hwb_irq_fds(guest, irq, 63, 1, fds, &why));
	/* It is the same counter as that which came first. */
	want(HWB_OK, hwb_irq_fds(guest, irq, 5, 1, fds, &why));
	ck_assert_int_eq(eventfd_write(fds[0], 1), 0);
	ck_assert_uint_eq(example_wait(disk.irq_fds[5], 0), 1);
	want(HWB_INVALID, hwb_irq_fds(guest, irq, 0, 0, fds, &why));
	want(HWB_INVALID, hwb_irq_fds(guest, irq, 0, 65, fds, &why));
	want(HWB_INVALID, hwb_irq_fds(guest, irq, 64, 1, fds, &why));
	want(HWB_INVALID, hwb_irq_fds(guest, irq, 63, 2, fds, &why));
	want(HWB_INVALID, hwb_irq_fds(guest, irq, UINT32_MAX, 1, fds, &why));
	want(HWB_INVALID, hwb_irq_fds(guest, irq, 1, UINT32_MAX, fds, &why));
	want(HWB_NO_SESSION, hwb_irq_fds(guest, disk.handle, 0, 1, fds, &why));
}
END_TEST

/* The vector is chosen by the driver. */
START_TEST(msix_of_a_network_card)
{
	enum { IVAR = 0xe4, OTHER = 1 << 24 };
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = guest_domain(),
		.bars = 1,
		.irq_type = HWB_IRQ_MSIX,
		.irq_count = 5,
	};
	struct example_device network;

	guest_take(E1000E, &request, &network);
	volatile void *registers = guest_map(&network.info.regions[0], network.bar_fds[0]);
	ck_assert_uint_eq(network.irq_count, 5);
	write32(registers, IVAR, 1u << 19 | 3u << 16); /* other causes: vector 3, valid */
	write32(registers, IMS, LSC | OTHER);
	write32(registers, ICS, LSC | OTHER);
	ck_assert_uint_ne(example_wait(network.irq_fds[3], PATIENCE_MS), 0);
	ck_assert_uint_eq(example_wait(network.irq_fds[0], 0), 0);
	/* QEMU 7.2 ends if MSI-X goes off before its throttling timer has fired. */
	guest_pause(100);
}
END_TEST

void add_msix(TCase *tests)
{
	tcase_add_test(tests, msix_on_64_vectors);
	tcase_add_test(tests, descriptors_of_vectors);
	tcase_add_test(tests, msix_of_a_network_card);
}
