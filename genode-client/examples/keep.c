/* SPDX-License-Identifier: MIT */
/*
 * A driver that stays: keeps QEMU's teaching device at work, and lets go of it when the
 * broker asks for it back.
 */
#include "example.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	VENDOR = 0x1234,
	DEVICE = 0x11e8,

	REG_LIVENESS = 0x04,
	REG_IRQ_STATUS = 0x24,
	REG_IRQ_RAISE = 0x60,
	REG_IRQ_ACK = 0x64,

	PAUSE_MS = 100,
	WAIT_MS = 5000,
	LONG_ENOUGH = 10 /* rounds, after which it says so */
};

/* What the broker said of the device last; 0: nothing. */
static uint32_t told;

static void on_event(void *context, const struct hwb_header *header, const void *body)
{
	const struct hwb_device_event *event = body;
	const struct example_device *device = context;

	/* Of others, that they may come and go is no matter here. */
	if (header->opcode == HWB_EVENT_DEVICE && header->session == device->handle &&
	    device->handle != 0)
		told = event->change;
}

/* One register written and read, and one interrupt. */
static void work(const struct example *example, const struct example_device *device,
                 volatile void *registers, unsigned round)
{
	write32(registers, REG_LIVENESS, round);
	if (read32(registers, REG_LIVENESS) != ~round)
		example_die(example, "round %u: the device does not answer", round);
	write32(registers, REG_IRQ_RAISE, 1);
	if (example_wait(device->irq_fds[0], WAIT_MS) == 0)
		example_die(example, "round %u: no interrupt within %d ms", round, WAIT_MS);
	write32(registers, REG_IRQ_ACK, read32(registers, REG_IRQ_STATUS));
}

int main(int argc, char **argv)
{
	struct hwb_acquire_request request = {
		.flags = HWB_ACQUIRE_IRQ_ENABLE,
		.bars = 1,
		.irq_type = HWB_IRQ_MSI,
		.irq_count = 1,
	};
	struct example example;
	struct example_device device = { 0 };
	unsigned rounds = 0;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--help") == 0)) {
		puts("Usage: keep [ADDRESS]\n"
		     "Keeps QEMU's edu device at work until the broker asks for it back.");
		return argc > 2 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	example_start(&example, "keep");
	example.client->on_event = on_event;
	example.client->event_context = &device;
	struct hwb_pci_address address =
	        example_find(&example, argc == 2 ? argv[1] : NULL, VENDOR, DEVICE);
	request.domain = example_domain(&example); /* an MSI is a write to memory */
	example_acquire(&example, &address, &request, &device);
	volatile void *registers = example_map(&example, &device, 0);
	struct pollfd broker = { .fd = example.posix.socket, .events = POLLIN };
	while (told == 0) {
		work(&example, &device, registers, ++rounds);
		if (rounds == LONG_ENOUGH)
			example_say("at work");
		int result =
		        poll(&broker, 1, PAUSE_MS) == 1 ? hwb_receive_ready(example.client) : 0;
		example_demand(&example, result, "listen to the broker");
	}
	example_say("asked to give the device back, after %u rounds", rounds);
	/* Its registers go first: as long as anybody has them, nobody else gets the device. */
	munmap((void *)(uintptr_t)registers, device.info.regions[0].size);
	close(device.bar_fds[0]);
	if (told == HWB_CHANGE_ASKED_BACK)
		example_demand(&example, hwb_close(example.client, device.handle, &example.error),
		               "close");
	return example_end(&example);
}
