/* SPDX-License-Identifier: MIT */
/*
 * IO_PORT: the I/O BAR of QEMU's pci-testdev (docs/specs/pci-testdev), by number and by
 * descriptor. Of the latter core itself makes use: components may not pread.
 */
#include "checks.h"

#include "broker.h"
#include "check.h"
#include "port.h"
#include "session.h"
#include "system.h"

enum {
	BAR = 1,
	TEST = 0,   /* write: number of the test to run */
	OFFSET = 4, /* where that test wants to be written */
	DATA = 8,   /* what */
	COUNT = 12, /* how often that was done */
	WRITES = 10
};

static struct ports ports;
static struct hwb_port_op ops[WRITES + 2];
static struct device *testdev;

static void by_number(void *unused)
{
	(void)unused;
	ports = (struct ports){ .base = (uint32_t)testdev->facts.bars[BAR].address,
		                .count = (uint32_t)testdev->facts.bars[BAR].size };
	port_open(&ports);
	if (!check_result(ports.result, &ports.error, "its ports open by number"))
		return;
	port_out(&ports, ports.base + TEST, 1, 0);
	uint32_t where = ports.base + port_in(&ports, ports.base + OFFSET, 4);
	uint32_t what = port_in(&ports, ports.base + DATA, 1);
	uint32_t word = port_in(&ports, ports.base + OFFSET, 2);
	check(ports.result == 0 && ports.base + word == where,
	      "bytes, words and double words can be read", "result %d", ports.result);
	ops[0] = (struct hwb_port_op){ (uint16_t)(ports.base + COUNT), HWB_PORT_IN, 4, 0 };
	for (unsigned i = 1; i <= WRITES; i++)
		ops[i] = (struct hwb_port_op){ (uint16_t)where, HWB_PORT_OUT, 1, what };
	ops[WRITES + 1] = ops[0];
	int result = hwb_io_port_batch(broker(), ports.session, ops, WRITES + 2, &ports.error);
	check_result(result, &ports.error, "a batch is carried out");
	check(ops[WRITES + 1].value - ops[0].value == WRITES, "the device counted its writes",
	      "%u of %d", ops[WRITES + 1].value - ops[0].value, WRITES);
}

static uint32_t get(int fd, uint32_t offset, uint32_t width)
{
	uint32_t value = 0;

	system4(SYS_pread64, fd, at(&value), width, offset);
	return value;
}

static void by_descriptor(void *unused)
{
	static struct hwb_region region;
	int fd = -1;

	(void)unused;
	int result =
	        hwb_io_port_open_bar(broker(), testdev->handle, BAR, &region, &fd, &ports.error);
	if (!check_result(result, &ports.error, "its ports open as a descriptor"))
		return;
	uint32_t offset = get(fd, OFFSET, 4), data = get(fd, DATA, 1), before = get(fd, COUNT, 4);
	for (unsigned i = 0; i < WRITES; i++)
		system4(SYS_pwrite64, fd, at(&data), 1, offset);
	check(get(fd, COUNT, 4) - before == WRITES, "the device counted those writes, too",
	      "%u of %d", get(fd, COUNT, 4) - before, WRITES);
	check(system_map_shared(region.size, fd) == NULL, "they cannot be mapped", "they can");
	system_close(fd);
}

static void after_close(void *unused)
{
	(void)unused;
	int result = hwb_io_port_batch(broker(), ports.session, ops, 1, &ports.error);
	check_refused(result, HWB_NO_SESSION, &ports.error, "its ports went with it");
	port_open(&ports);
	check_refused(ports.result, HWB_DENIED, &ports.error,
	              "ports of a device that is not acquired are refused");
}

void check_io_bar(void)
{
	testdev = demand(VENDOR_REDHAT, TESTDEV, 0, "a test device is there");
	if (testdev == NULL || !take(testdev, 0, "the test device is acquired"))
		return;
	on(&ioport_ep, by_number, NULL);
	on(&ioport_ep, by_descriptor, NULL);
	give_back(testdev, "the test device is free again");
	on(&ioport_ep, after_close, NULL);
}
