/* SPDX-License-Identifier: MIT */
#include "drive.h"

#include "print.h"
#include "system.h"

#include <string.h>

enum {
	REG_ID = 0x00,
	REG_LIVENESS = 0x04,
	REG_IRQ_STATUS = 0x24,
	REG_IRQ_RAISE = 0x60,
	REG_IRQ_ACK = 0x64,
	REG_DMA_SOURCE = 0x80,
	REG_DMA_TARGET = 0x88,
	REG_DMA_COUNT = 0x90,
	REG_DMA_COMMAND = 0x98,

	DMA_RUN = 0x01,
	DMA_TO_RAM = 0x02,

	DMA_BUFFER = 0x40000, /* in the device, as its DMA engine sees it */
	DMA_SIZE = 2048, /* QEMU 7.2 counts a transfer up to the buffer's very end as outside */
	MEMORY_SIZE = 2 * DMA_SIZE,
	WAIT_MS = 5000,
	SILENCE_MS = 100
};

static char why[120];

/* The region begins at the identification, or 4 bytes on, at the register that inverts. */
const char *edu_registers(const struct order *order, const int *fds)
{
	unsigned char *page = system_map_shared(order->size, fds[0]);

	if (page == NULL)
		return "the registers cannot be mapped";
	uint32_t id = read32(page, REG_ID);
	write32(page, REG_LIVENESS, 0x12345678);
	uint32_t first = read32(page, (uint32_t)order->offset);
	system_unmap(page, order->size);
	if ((id & 0xff) == 0xed && first == (order->offset == REG_LIVENESS ? ~0x12345678u : id))
		return NULL;
	format(why, sizeof(why), "the identification is 0x%x, what is at 0x%lx is 0x%x", id,
	       order->offset, first);
	return why;
}

/* ---- DMA ---- */

/* False: the device does not come to an end. */
static bool transfer(volatile void *registers, uint64_t from, uint64_t to, uint64_t command)
{
	write64(registers, REG_DMA_SOURCE, from);
	write64(registers, REG_DMA_TARGET, to);
	write64(registers, REG_DMA_COUNT, DMA_SIZE);
	write64(registers, REG_DMA_COMMAND, command | DMA_RUN);
	for (int i = 0; i < WAIT_MS; i++) {
		if ((read32(registers, REG_DMA_COMMAND) & DMA_RUN) == 0)
			return true;
		drive_pause(1);
	}
	return false;
}

/* From the first half of the memory into the device, and back to the second. */
static const char *round_trip(volatile void *registers, unsigned char *memory, uint64_t iova,
                              unsigned seed)
{
	for (unsigned i = 0; i < DMA_SIZE; i++)
		memory[i] = (unsigned char)(i * 7 + (i >> 8) + seed);
	memset(memory + DMA_SIZE, 0, DMA_SIZE);
	if (!transfer(registers, iova, DMA_BUFFER, 0) ||
	    !transfer(registers, DMA_BUFFER, iova + DMA_SIZE, DMA_TO_RAM))
		return "a DMA transfer does not end";
	return memcmp(memory, memory + DMA_SIZE, DMA_SIZE) == 0
	               ? NULL
	               : "what came back by DMA is not what went";
}

static const char *nowhere(volatile void *registers, unsigned char *memory, uint64_t iova)
{
	memset(memory, 0x33, DMA_SIZE);
	if (!transfer(registers, DMA_BUFFER, iova, DMA_TO_RAM))
		return "a DMA transfer does not end";
	for (unsigned i = 0; i < DMA_SIZE; i++)
		if (memory[i] != 0x33)
			return "the device has written the memory";
	return NULL;
}

static const char *with_memory(const struct order *order, const int *fds, bool reaches)
{
	const char *wrong = NULL;
	volatile void *registers = system_map_shared(order->size, fds[0]);
	unsigned char *memory = system_map_shared(MEMORY_SIZE, fds[1]);

	if (registers == NULL || memory == NULL)
		return "registers or memory cannot be mapped";
	if (!reaches)
		wrong = nowhere(registers, memory, order->iova);
	for (unsigned i = 0; reaches && i < order->rounds && wrong == NULL; i++)
		wrong = round_trip(registers, memory, order->iova, i + 1);
	system_unmap(memory, MEMORY_SIZE);
	system_unmap(registers, order->size);
	return wrong;
}

const char *edu_dma(const struct order *order, const int *fds)
{
	return with_memory(order, fds, true);
}

const char *edu_dma_nowhere(const struct order *order, const int *fds)
{
	return with_memory(order, fds, false);
}

/* ---- interrupts ---- */

/* One interrupt: raised, seen, dealt with in the device, acknowledged. */
static const char *interrupt(volatile void *registers, const int *fds, uint32_t bit)
{
	const uint64_t one = 1;

	write32(registers, REG_IRQ_RAISE, bit);
	uint64_t count = drive_wait(fds[1], WAIT_MS);
	uint32_t status = read32(registers, REG_IRQ_STATUS);
	write32(registers, REG_IRQ_ACK, status);
	if (fds[2] >= 0 && system3(SYS_write, fds[2], at(&one), sizeof(one)) != sizeof(one))
		return "the acknowledgement cannot be written";
	if (count == 0)
		return "no interrupt came";
	return (status & bit) != 0 ? NULL : "the device did not raise it";
}

const char *edu_interrupts(const struct order *order, const int *fds)
{
	volatile void *registers = system_map_shared(order->size, fds[0]);
	const char *wrong = NULL;

	if (registers == NULL)
		return "the registers cannot be mapped";
	for (uint32_t i = 0; i < order->rounds && wrong == NULL; i++) {
		wrong = interrupt(registers, fds, 1u << i % 16);
		if (wrong != NULL)
			format(why, sizeof(why), "round %u of %u: %s", i + 1, order->rounds, wrong);
	}
	system_unmap(registers, order->size);
	return wrong == NULL ? NULL : why;
}

const char *edu_no_interrupt(const struct order *order, const int *fds)
{
	volatile void *registers = system_map_shared(order->size, fds[0]);

	if (registers == NULL)
		return "the registers cannot be mapped";
	write32(registers, REG_IRQ_RAISE, 1);
	uint64_t count = drive_wait(fds[1], SILENCE_MS);
	bool raised = (read32(registers, REG_IRQ_STATUS) & 1) != 0;
	write32(registers, REG_IRQ_ACK, 1);
	system_unmap(registers, order->size);
	if (!raised)
		return "the device did not raise it";
	return count == 0 ? NULL : "an interrupt came";
}
