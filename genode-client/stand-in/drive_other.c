/* SPDX-License-Identifier: MIT */
/* An Intel 82574L (GbE Controller Family Datasheet, chapter 10), and plain memory. */
#include "drive.h"

#include "print.h"
#include "system.h"

enum {
	CTRL = 0x00000,
	ICR = 0x000c0,
	ICS = 0x000c8,
	IMS = 0x000d0,
	IMC = 0x000d8,
	IVAR = 0x000e4,

	CTRL_RESET = 1 << 26,
	ICR_LSC = 1 << 2,             /* link status change */
	ICR_OTHER = 1 << 24,          /* MSI-X: the cause that LSC is part of */
	IVAR_OTHER_VECTOR0 = 1 << 19, /* vector 0, valid */

	WAIT_MS = 5000
};

static void reset(volatile void *registers)
{
	write32(registers, IMC, UINT32_MAX);
	write32(registers, CTRL, read32(registers, CTRL) | CTRL_RESET);
	drive_pause(20);
	write32(registers, IMC, UINT32_MAX);
}

const char *e1000e_link(const struct order *order, const int *fds)
{
	volatile void *registers = system_map_shared(order->size, fds[0]);

	if (registers == NULL)
		return "the registers cannot be mapped";
	reset(registers);
	write32(registers, IVAR, IVAR_OTHER_VECTOR0);
	write32(registers, IMS, (uint32_t)ICR_LSC | ICR_OTHER);
	write32(registers, ICS, (uint32_t)ICR_LSC | ICR_OTHER);
	uint64_t count = drive_wait(fds[1], WAIT_MS);
	uint32_t cause = read32(registers, ICR);
	write32(registers, IMC, UINT32_MAX);
	/* Until its interval between interrupts is over (EITR): the model in QEMU 7.2 does not bear
	 * that MSI-X is switched off meanwhile. */
	drive_pause(20);
	system_unmap(registers, order->size);
	if (count == 0)
		return "no interrupt came";
	return (cause & ICR_LSC) != 0 ? NULL : "the device does not say why";
}

const char *memory_holds(const struct order *order, const int *fds)
{
	volatile uint32_t *words = system_map_shared(order->size, fds[0]);
	const uint64_t count = order->size / sizeof(*words);
	uint64_t wrong = 0;

	if (words == NULL)
		return "it cannot be mapped";
	for (uint64_t i = 0; i < count; i++)
		words[i] = (uint32_t)(i * 2654435761u);
	for (uint64_t i = 0; i < count; i++)
		wrong += words[i] != (uint32_t)(i * 2654435761u);
	system_unmap(words, order->size);
	return wrong == 0 ? NULL : "it does not hold what is written";
}
