/* SPDX-License-Identifier: MIT */
/*
 * Intel 82574L: reads the MAC address and sees the link interrupt.
 * Registers: Intel 82574 GbE Controller Family Datasheet, chapter 10.
 */
#include "example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	VENDOR = 0x8086,
	DEVICE = 0x10d3,

	CTRL = 0x00000,
	STATUS = 0x00008,
	ICR = 0x000c0,
	ICS = 0x000c8,
	IMS = 0x000d0,
	IMC = 0x000d8,
	IVAR = 0x000e4,
	RAL0 = 0x05400,
	RAH0 = 0x05404,

	CTRL_SLU = 1 << 6, /* set link up */
	CTRL_RESET = 1 << 26,
	STATUS_LINK = 1 << 1,
	ICR_LSC = 1 << 2,             /* link status change */
	ICR_OTHER = 1 << 24,          /* MSI-X: the cause that LSC is part of */
	IVAR_OTHER_VECTOR0 = 1 << 19, /* vector 0, valid */

	WAIT_MS = 5000
};

static const uint32_t RAH_VALID = 1u << 31;

static void pause_ms(long milliseconds)
{
	const struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
	nanosleep(&pause, NULL);
}

static void reset(struct example *example, struct hwb_registers *registers)
{
	hwb_write32(registers, IMC, UINT32_MAX);
	hwb_write32(registers, CTRL, hwb_read32(registers, CTRL) | CTRL_RESET);
	pause_ms(20);
	for (int i = 0; i < 100 && (hwb_read32(registers, CTRL) & CTRL_RESET) != 0; i++)
		pause_ms(10);
	hwb_write32(registers, IMC, UINT32_MAX);
	example_check(example, (hwb_read32(registers, CTRL) & CTRL_RESET) == 0, "reset done");
}

static void read_mac(struct example *example, struct hwb_registers *registers)
{
	uint32_t low = hwb_read32(registers, RAL0), high = hwb_read32(registers, RAH0);

	example_check(example, (high & RAH_VALID) != 0 && low != 0,
	              "MAC %02x:%02x:%02x:%02x:%02x:%02x", low & 0xff, low >> 8 & 0xff,
	              low >> 16 & 0xff, low >> 24, high & 0xff, high >> 8 & 0xff);
}

static void wait_link(struct example *example, const struct example_device *device,
                      struct hwb_registers *registers)
{
	double start = example_now();

	hwb_write32(registers, IVAR, IVAR_OTHER_VECTOR0);
	hwb_write32(registers, IMS, (uint32_t)ICR_LSC | ICR_OTHER);
	hwb_write32(registers, CTRL, hwb_read32(registers, CTRL) | CTRL_SLU);
	/* With the link up already, nothing changes: then the driver asks for it. */
	uint64_t count = example_wait(device->irq_fds[0], 500);
	if (count == 0) {
		hwb_write32(registers, ICS, (uint32_t)ICR_LSC | ICR_OTHER);
		count = example_wait(device->irq_fds[0], WAIT_MS);
	}
	uint32_t cause = hwb_read32(registers, ICR);
	example_check(example, count != 0,
	              "link interrupt by MSI-X vector 0 after %.0f ms (cause 0x%x)",
	              (example_now() - start) * 1e3, cause);
	for (int i = 0; i < 50 && (hwb_read32(registers, STATUS) & STATUS_LINK) == 0; i++)
		pause_ms(100);
	uint32_t status = hwb_read32(registers, STATUS);
	static const char *const speeds[] = { "10", "100", "1000", "1000" };
	example_check(example, (status & STATUS_LINK) != 0, "link is up, %s Mb/s",
	              speeds[status >> 6 & 3]);
}

int main(int argc, char **argv)
{
	struct example example;
	struct example_device device;

	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		puts("Usage: e1000e [ADDRESS]\n"
		     "Reads an Intel 82574L's MAC address and waits for its link interrupt.");
		return argc == 2 && strcmp(argv[1], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	example_start(&example, "e1000e");
	struct hwb_pci_address address =
	        example_find(&example, argc == 2 ? argv[1] : NULL, VENDOR, DEVICE);
	const struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.domain = example_domain(&example), /* MSI-X is a write by the device */
		.bars = 1,
		.irq_type = HWB_IRQ_MSIX,
		.irq_count = 5,
	};
	example_acquire(&example, &address, &request, &device);
	example_say("%u MSI-X vectors", device.info.interrupt.vectors);
	struct hwb_registers bar, *registers = &bar;
	example_bar(&example, &device, 0, registers);
	reset(&example, registers);
	read_mac(&example, registers);
	wait_link(&example, &device, registers);
	example_check_bar(&example, registers);
	return example_end(&example);
}
