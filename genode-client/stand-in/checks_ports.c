/* SPDX-License-Identifier: MIT */
/*
 * IO_PORT: the interval timer (Intel 8254 data sheet) by legacy ports. All of it is
 * done on core's smallest stack.
 */
#include "checks.h"

#include "broker.h"
#include "check.h"
#include "port.h"
#include "session.h"

enum {
	PIT = 0x40,
	PIT_COUNT = 4,
	PIT_CHANNEL2 = 0x42,
	PIT_CONTROL = 0x43,
	GATE = 0x61,
	GATE_OPEN = 0x01,
	GATE_SPEAKER = 0x02,
	CONFIG_ADDRESS = 0xcf8, /* of PCI: would give the machine away */

	PROGRAM_CHANNEL2 = 0xb4,      /* low byte, then high; mode 2: counts down, starts over */
	LATCH_CHANNEL2 = 0x80,        /* its count */
	LATCH_STATUS_CHANNEL2 = 0xe8, /* read-back command */
	STATUS_MODE = 0x3f,
	STATUS_PROGRAMMED = PROGRAM_CHANNEL2 & STATUS_MODE,

	TRIES = 1000
};

static struct ports pit = { PIT, PIT_COUNT, 0, 0, { 0 } };
static struct ports gate = { GATE, 1, 0, 0, { 0 } };
static struct hwb_port_op ops[HWB_PORT_OPS_MAX];

static uint32_t read_count(void)
{
	port_out(&pit, PIT_CONTROL, 1, LATCH_CHANNEL2);
	uint32_t low = port_in(&pit, PIT_CHANNEL2, 1);
	return low | port_in(&pit, PIT_CHANNEL2, 1) << 8;
}

static void program_it(void)
{
	uint32_t value = port_in(&gate, GATE, 1);

	port_out(&gate, GATE, 1, (value | GATE_OPEN) & ~(uint32_t)GATE_SPEAKER);
	port_out(&pit, PIT_CONTROL, 1, PROGRAM_CHANNEL2);
	port_out(&pit, PIT_CHANNEL2, 1, 0); /* 0 stands for 65536 */
	port_out(&pit, PIT_CHANNEL2, 1, 0);
	port_out(&pit, PIT_CONTROL, 1, LATCH_STATUS_CHANNEL2);
	uint32_t status = port_in(&pit, PIT_CHANNEL2, 1);
	check((status & STATUS_MODE) == STATUS_PROGRAMMED, "the timer is programmed",
	      "its status is 0x%x (errno or refusal %d)", status, pit.result);
}

static void watch_it(void)
{
	uint32_t first = read_count();
	unsigned tries = 0;

	while (tries < TRIES && read_count() == first)
		tries++;
	check(tries < TRIES, "the timer runs", "its count stays 0x%x", first);
}

/* Latches and reads the count, as often as fits. */
static void batch(void)
{
	static const struct hwb_port_op three[] = {
		{ PIT_CONTROL, HWB_PORT_OUT, 1, LATCH_CHANNEL2 },
		{ PIT_CHANNEL2, HWB_PORT_IN, 1, 0 },
		{ PIT_CHANNEL2, HWB_PORT_IN, 1, 0 },
	};
	const uint32_t count = HWB_PORT_OPS_MAX / 3 * 3;
	uint32_t first, last;

	for (uint32_t i = 0; i < count; i++)
		ops[i] = three[i % 3];
	int result = hwb_io_port_batch(broker(), pit.session, ops, count, &pit.error);
	check_result(result, &pit.error, "a batch of 255 is carried out");
	first = ops[1].value | ops[2].value << 8;
	last = ops[count - 2].value | ops[count - 1].value << 8;
	check(first != last, "the timer ran meanwhile", "it is 0x%x before and after", first);
	result = hwb_io_port_batch(broker(), pit.session, ops, HWB_PORT_OPS_MAX + 1, &pit.error);
	check(result == -22 /* EINVAL */, "a batch of 257 is not sent", "%d", result);
}

static void out_of_range(void)
{
	ops[0] = (struct hwb_port_op){ PIT_CHANNEL2, HWB_PORT_IN, 1, 0 };
	ops[1] = (struct hwb_port_op){ PIT + PIT_COUNT, HWB_PORT_IN, 1, 0 };
	int result = hwb_io_port_batch(broker(), pit.session, ops, 2, &pit.error);
	check_refused(result, HWB_INVALID, &pit.error, "a port out of range is refused");
	ops[0] = (struct hwb_port_op){ PIT_CONTROL, HWB_PORT_IN, 2, 0 };
	result = hwb_io_port_batch(broker(), pit.session, ops, 1, &pit.error);
	check_refused(result, HWB_INVALID, &pit.error, "half out of range is refused");
	check(port_in(&pit, PIT + PIT_COUNT, 1) == 0, "core reads 0 there", "it does not");
}

static void refusals(void)
{
	struct ports ports = { CONFIG_ADDRESS, 4, 0, 0, { 0 } };

	port_open(&ports);
	check_refused(ports.result, HWB_DENIED, &ports.error,
	              "ports that give the machine away are refused");
	ports = (struct ports){ PIT, 0, 0, 0, { 0 } };
	port_open(&ports);
	check_refused(ports.result, HWB_INVALID, &ports.error, "no port at all is refused");
	ports = (struct ports){ 0xffff, 2, 0, 0, { 0 } };
	port_open(&ports);
	check_refused(ports.result, HWB_INVALID, &ports.error, "ports past the last are refused");
}

static void use_timer(void *unused)
{
	(void)unused;
	port_open(&pit);
	port_open(&gate);
	if (!check_result(pit.result, &pit.error, "ports 0x40-0x43 open") ||
	    !check_result(gate.result, &gate.error, "port 0x61 opens"))
		return;
	program_it();
	watch_it();
	batch();
	out_of_range();
	refusals();
	check_result(hwb_close(broker(), gate.session, &gate.error), &gate.error, "it closes");
	check_result(hwb_close(broker(), pit.session, &pit.error), &pit.error, "the timer closes");
	ops[0] = (struct hwb_port_op){ PIT_CHANNEL2, HWB_PORT_IN, 1, 0 };
	int result = hwb_io_port_batch(broker(), pit.session, ops, 1, &pit.error);
	check_refused(result, HWB_NO_SESSION, &pit.error, "closed is closed");
}

void check_ports(void)
{
	on(&ioport_ep, use_timer, NULL);
}
