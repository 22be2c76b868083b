/* SPDX-License-Identifier: MIT */
/*
 * QEMU's pci-testdev: an I/O BAR as a descriptor, and the same ports by number.
 * Layout: QEMU, docs/specs/pci-testdev.
 */
#include "example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	VENDOR = 0x1b36,
	DEVICE = 0x0005,
	BAR_IO = 1,

	TEST = 0,   /* write: number of the test to run */
	OFFSET = 4, /* where that test wants to be written */
	DATA = 8,   /* what */
	COUNT = 12, /* how often that was done */
	NAME = 16,
	NAME_MAX = 32
};

static uint32_t get(struct example *example, int fd, uint64_t base, unsigned at, unsigned width)
{
	uint32_t value = 0;

	if (pread(fd, &value, width, (off_t)(base + at)) != (ssize_t)width)
		example_die(example, "cannot read %u bytes at %u of the I/O BAR", width, at);
	return value;
}

static void put(struct example *example, int fd, uint64_t base, unsigned at, unsigned width,
                uint32_t value)
{
	if (pwrite(fd, &value, width, (off_t)(base + at)) != (ssize_t)width)
		example_die(example, "cannot write %u bytes at %u of the I/O BAR", width, at);
}

static void by_descriptor(struct example *example, const struct example_device *device)
{
	int fd = device->bar_fds[BAR_IO];
	uint64_t base = device->info.regions[BAR_IO].fd_offset;
	char name[NAME_MAX + 1] = "";

	put(example, fd, base, TEST, 1, 0);
	for (unsigned i = 0; i < NAME_MAX; i++) {
		name[i] = (char)get(example, fd, base, NAME + i, 1);
		if (name[i] == '\0')
			break;
	}
	uint32_t offset = get(example, fd, base, OFFSET, 4);
	uint8_t data = (uint8_t)get(example, fd, base, DATA, 1);
	uint32_t before = get(example, fd, base, COUNT, 4);
	for (int i = 0; i < 10; i++)
		put(example, fd, base, offset, 1, data);
	uint32_t after = get(example, fd, base, COUNT, 4);
	example_check(example, after - before == 10,
	              "test `%s' by descriptor: written 10 times, counted %u", name,
	              after - before);
}

static void by_number(struct example *example, const struct example_device *device)
{
	uint16_t base = (uint16_t)device->info.regions[BAR_IO].base;
	struct hwb_port_op ops[12];
	uint32_t session;

	example_demand(example,
	               hwb_io_port_open(example->client, base,
	                                (uint32_t)device->info.regions[BAR_IO].size, &session,
	                                &example->error),
	               "open the BAR's ports");
	ops[0] = (struct hwb_port_op){ (uint16_t)(base + OFFSET), HWB_PORT_IN, 4, 0 };
	ops[1] = (struct hwb_port_op){ (uint16_t)(base + DATA), HWB_PORT_IN, 1, 0 };
	example_demand(example,
	               hwb_io_port_batch(example->client, session, ops, 2, &example->error),
	               "read the BAR's ports");
	const struct hwb_port_op write = { (uint16_t)(base + ops[0].value), HWB_PORT_OUT, 1,
		                           ops[1].value };
	const struct hwb_port_op count = { (uint16_t)(base + COUNT), HWB_PORT_IN, 4, 0 };
	ops[0] = count;
	for (int i = 1; i <= 10; i++)
		ops[i] = write;
	ops[11] = count;
	example_demand(example,
	               hwb_io_port_batch(example->client, session, ops, 12, &example->error),
	               "run a batch");
	example_check(example, ops[11].value - ops[0].value == 10,
	              "ports 0x%x on, by number: one batch of 12, counted %u", base,
	              ops[11].value - ops[0].value);
}

int main(int argc, char **argv)
{
	const struct hwb_acquire_request request = { .bars = 1u << BAR_IO };
	struct example example;
	struct example_device device;

	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		puts("Usage: io_bar [ADDRESS]\n"
		     "Uses the I/O BAR of QEMU's pci-testdev, by descriptor and by port number.");
		return argc == 2 && strcmp(argv[1], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	example_start(&example, "io_bar");
	struct hwb_pci_address address =
	        example_find(&example, argc == 2 ? argv[1] : NULL, VENDOR, DEVICE);
	example_acquire(&example, &address, &request, &device);
	by_descriptor(&example, &device);
	by_number(&example, &device);
	return example_end(&example);
}
