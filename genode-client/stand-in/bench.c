/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include "broker.h"
#include "check.h"
#include "drive.h"
#include "events.h"
#include "interrupt.h"
#include "print.h"
#include "rounds.h"
#include "session.h"
#include "system.h"

enum { PAGE = 4096, MONOTONIC = 1, REG_IRQ_RAISE = 0x60, REG_IRQ_ACK = 0x64 };

static struct rounds rounds;
static struct interrupt message;

static uint64_t now(void)
{
	struct {
		uint64_t seconds, nanoseconds;
	} time = { 0, 0 };

	system3(SYS_clock_gettime, MONOTONIC, at(&time), 0);
	return time.seconds * 1000000000u + time.nanoseconds;
}

struct measurement {
	rounds_kind kind;
	unsigned count;
	int result;
	uint64_t nanoseconds;
};

static void measure(void *context)
{
	struct measurement *m = context;

	m->result = m->kind(&rounds, m->count / 10); /* to warm up */
	uint64_t start = now();
	if (m->result == 0)
		m->result = m->kind(&rounds, m->count);
	m->nanoseconds = now() - start;
}

static bool set_up(struct device *edu)
{
	rounds.client = broker();
	rounds.memory = memory_new(PAGE);
	rounds.domain = domain_new();
	if (edu == NULL || rounds.domain == 0 || !take(edu, rounds.domain, "acquired"))
		return false;
	rounds.facts = edu->facts;
	rounds.device = edu->handle;
	return true;
}

static bool open_interrupt(void)
{
	message = (struct interrupt){
		.device = rounds.device,
		.request = { .type = HWB_IRQ_MSI, .count = 1, .flags = HWB_IRQ_OPEN_ENABLE },
	};
	rounds.irq = interrupt_open(&message) == 0 ? message.reply.session : 0;
	return check_result(message.result, &message.error, "interrupt");
}

static void wait_for_line(void)
{
	char c = 0;

	while (c != '\n' && system3(SYS_read, 0, at(&c), 1) == 1)
		;
}

/* A round ends when core's thread has seen the interrupt and told who waits for it. */
static int interrupts(const struct device *edu, unsigned count)
{
	int fd = registers_of(edu, 0), signal = counter_new();
	volatile void *registers = system_map_shared(PAGE, fd);
	int relay = events_relay(message.fds[0], signal);
	unsigned seen = 0;

	if (registers == NULL || relay < 0)
		return 1;
	print("ready");
	wait_for_line();
	while (seen < count) {
		write32(registers, REG_IRQ_RAISE, 1);
		if (drive_wait(signal, 5000) != 1)
			break;
		write32(registers, REG_IRQ_ACK, 1);
		seen++;
	}
	print(seen == count ? "done" : "not ok interrupts: one does not come");
	wait_for_line();
	return seen == count ? 0 : 1;
}

static int rounds_of(const char *what, unsigned count)
{
	struct measurement measurement = { .kind = rounds_named(what), .count = count };
	bool irq = what[0] == 'i' && what[1] == 'r';

	on(irq ? &irq_ep : &main_ep, measure, &measurement);
	if (!check_result(measurement.result, &rounds.error, what))
		return 1;
	unsigned long tenths = measurement.nanoseconds * 10 / count;
	print("%lu.%lu", tenths / 10, tenths % 10);
	return 0;
}

bool bench_knows(const char *what)
{
	return rounds_named(what) != NULL || same_text(what, "interrupts");
}

int bench(const char *what, unsigned count)
{
	struct device *edu = device_find(VENDOR_QEMU, EDU, 0);

	check_quiet();
	if (!set_up(edu))
		return 1;
	if (same_text(what, "interrupts"))
		return open_interrupt() ? interrupts(edu, count) : 1;
	if (rounds_named(what) == rounds_irq_ack && !open_interrupt())
		return 1;
	return rounds_of(what, count);
}
