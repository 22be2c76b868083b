/* SPDX-License-Identifier: MIT */
/*
 * The PC's interval timer (Intel 8254) through legacy ports: programs channel 2
 * as a running counter and reads it.
 *
 * Channel 2 is the speaker's; nothing else on a PC uses it. Its gate, port 0x61
 * bit 0, is open after power-on or not: with port 0x61 in the policy the driver
 * opens it, otherwise it takes channel 0, which always runs, and only reads.
 */
#include "example.h"

#include <errno.h>
#include <hwbroker/ports.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* 8254 data sheet: control word and ports. */
enum {
	PORT_CHANNEL0 = 0x40,
	PORT_CHANNEL2 = 0x42,
	PORT_CONTROL = 0x43,
	PORT_GATE = 0x61,

	GATE_OPEN = 0x01,
	GATE_SPEAKER = 0x02,

	LATCH_COUNT = 0x00, /* in bits 5:4 of the control word */
	SELECT_CHANNEL2 = 0x80,
	LOW_THEN_HIGH = 0x30,
	RATE_GENERATOR = 0x04, /* mode 2: counts down, starts over */

	PROBES = 64
};

/* Its oscillator, in Hz: a third of the NTSC colour carrier. */
static const double frequency = 1193181.8;

static struct hwb_port_op in(uint16_t port)
{
	return (struct hwb_port_op){ port, HWB_PORT_IN, 1, 0 };
}

static struct hwb_port_op out(uint16_t port, uint8_t value)
{
	return (struct hwb_port_op){ port, HWB_PORT_OUT, 1, value };
}

struct counter {
	struct hwb_ports ports;
	uint16_t port;
	uint8_t select;
};

/* By instructions if the program was started with these ports, else by requests. */
static int use_ports(struct example *example, uint32_t base, uint32_t count,
                     struct hwb_ports *ports)
{
	return hwb_ports_open(ports, example->client, base, count,
	                      hwb_posix_ports_native(base, count), &example->error);
}

static void run_ports(struct example *example, struct hwb_ports *ports, struct hwb_port_op *ops,
                      uint32_t count, const char *what)
{
	example_demand(example, hwb_ports_run(ports, ops, count, &example->error), what);
}

/* Latches and reads the count: three accesses, one request, in order. */
static uint16_t read_count(struct example *example, struct counter *counter)
{
	struct hwb_port_op ops[] = {
		out(PORT_CONTROL, counter->select | LATCH_COUNT),
		in(counter->port),
		in(counter->port),
	};

	run_ports(example, &counter->ports, ops, 3, "read the counter");
	return (uint16_t)(ops[1].value | ops[2].value << 8);
}

/* Opens channel 2's gate, leaving the speaker off. False: not ours to touch. */
static bool open_gate(struct example *example)
{
	struct hwb_port_op ops[] = { in(PORT_GATE) };
	struct hwb_ports gate;

	if (use_ports(example, PORT_GATE, 1, &gate) != 0)
		return false;
	run_ports(example, &gate, ops, 1, "read port 0x61");
	ops[0] = out(PORT_GATE, (uint8_t)((ops[0].value | GATE_OPEN) & ~(uint32_t)GATE_SPEAKER));
	run_ports(example, &gate, ops, 1, "write port 0x61");
	return true;
}

static void program(struct example *example, struct counter *counter)
{
	struct hwb_port_op ops[] = {
		out(PORT_CONTROL, SELECT_CHANNEL2 | LOW_THEN_HIGH | RATE_GENERATOR),
		out(PORT_CHANNEL2, 0), /* 0 stands for 65536 */
		out(PORT_CHANNEL2, 0),
	};

	run_ports(example, &counter->ports, ops, 3, "program channel 2");
	example_say("channel 2 programmed: mode 2, counts down from 65536");
}

/* The rate over about a second, adding up short steps so that no wrap is lost. */
static double measure(struct example *example, struct counter *counter, unsigned *changes)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000000L };
	double start = example_now();
	uint16_t last = read_count(example, counter);
	unsigned long ticks = 0;

	*changes = 0;
	for (unsigned i = 0; i < PROBES; i++) {
		nanosleep(&pause, NULL);
		uint16_t now = read_count(example, counter);
		ticks += (uint16_t)(last - now);
		*changes += now != last;
		last = now;
	}
	return (double)ticks / (example_now() - start);
}

int main(int argc, char **argv)
{
	struct example example;
	struct counter counter = { .port = PORT_CHANNEL0, .select = 0x00 };
	unsigned changes;

	if (argc > 1) {
		puts("Usage: pit\n"
		     "Programs the interval timer through ports 0x40-0x43 and reads it.");
		return strcmp(argv[1], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	example_start(&example, "pit");
	example_demand(&example, use_ports(&example, PORT_CHANNEL0, 4, &counter.ports),
	               "open ports 0x40-0x43");
	example_say("ports 0x40-0x43 opened%s", counter.ports.native ? ", natively" : "");
	if (open_gate(&example)) {
		counter.port = PORT_CHANNEL2;
		counter.select = SELECT_CHANNEL2;
		program(&example, &counter);
	} else {
		example_say("port 0x61 is not granted: reading channel 0, which always runs");
	}
	double rate = measure(&example, &counter, &changes);
	example_check(&example, changes > PROBES / 2, "the counter runs: %u of %d readings differ",
	              changes, PROBES);
	/* Under emulation a step may last longer than the counter's 55 ms, and
	 * a wrap is lost: then the rate is too low, never too high. */
	example_check(&example, rate > frequency * 0.5 && rate < frequency * 1.05,
	              "%.0f counts a second (its oscillator: %.0f Hz)", rate, frequency);

	struct hwb_port_op wrong[] = { in(0x44) };
	int result = hwb_ports_run(&counter.ports, wrong, 1, &example.error);
	example_check(&example,
	              result == (counter.ports.native ? -EINVAL : HWB_REFUSED(HWB_INVALID)),
	              "a port outside the session is refused");
	return example_end(&example);
}
