/* SPDX-License-Identifier: MIT */
/* IRQ: the pin of an edu device, level-triggered. */
#include "checks.h"

#include "check.h"
#include "component.h"
#include "events.h"
#include "interrupt.h"
#include "session.h"
#include "system.h"

enum { ROUNDS = 50, PAGE = 4096 };

static struct component component;
static struct interrupt line, other;
static int registers;

static void order(const char *name, enum order_kind kind, uint32_t rounds, int wait, int ack)
{
	const struct order what = { .kind = kind, .rounds = rounds, .size = PAGE };
	const int fds[] = { registers, wait, ack };

	component_check(&component, name, &what, fds, ack < 0 ? 2 : 3);
}

static void refusals(const struct device *edu)
{
	other = (struct interrupt){ .device = edu->handle,
		                    .request = { .type = HWB_IRQ_INTX, .count = 1 } };
	other.request.trigger = HWB_TRIGGER_EDGE;
	check_refused(interrupt_open(&other), HWB_INVALID, &other.error,
	              "a pin that is edge-triggered is refused");
	other.request.trigger = HWB_TRIGGER_ANY;
	other.request.type = HWB_IRQ_MSI;
	check_refused(interrupt_open(&other), HWB_WRONG_STATE, &other.error,
	              "a message without a domain is refused");
	other.request.type = HWB_IRQ_MSIX;
	check_refused(interrupt_open(&other), HWB_UNSUPPORTED, &other.error,
	              "MSI-X of a device that has none is refused");
}

/* As in Genode: core's thread takes the interrupt, the driver a signal. */
static void by_core(void)
{
	int signal = counter_new(), ack = counter_new();
	int signals = events_relay(line.fds[0], signal);
	int acks = events_relay(ack, line.fds[1]);

	check(signals >= 0 && acks >= 0, "core's thread of events takes it", "%d, %d", signals,
	      acks);
	order("core hands interrupts on, and the component's acknowledgements back",
	      ORDER_INTERRUPTS, ROUNDS, signal, ack);
	check(events_relayed(signals) >= ROUNDS, "core's thread saw all of them", "%lu of %d",
	      (unsigned long)events_relayed(signals), ROUNDS);
	events_stop(signals);
	events_stop(acks);
	system_close(signal);
	system_close(ack);
}

static void use_line(const struct device *edu)
{
	line = (struct interrupt){ .request = { .type = HWB_IRQ_INTX,
		                                .count = 1,
		                                .number = edu->facts.irq_number,
		                                .trigger = HWB_TRIGGER_LEVEL,
		                                .polarity = HWB_POLARITY_LOW } };
	if (!check_result(interrupt_open(&line), &line.error, "the pin opens by its number"))
		return;
	check(line.fd_count == 2 && line.reply.fds == 1 && line.reply.type == HWB_IRQ_INTX,
	      "it has an eventfd to wait and one to unmask", "%u descriptors, %u to wait",
	      line.fd_count, line.reply.fds);
	other.request.type = HWB_IRQ_INTX;
	check_refused(interrupt_open(&other), HWB_BUSY, &other.error, "it does not open once more");
	order("none comes before it is enabled", ORDER_NO_INTERRUPT, 0, line.fds[0], -1);
	check_result(interrupt_enable(&line), &line.error, "it is enabled");
	order("a component waits and unmasks by itself", ORDER_INTERRUPTS, ROUNDS, line.fds[0],
	      line.fds[1]);
	by_core();
	order("one more comes", ORDER_INTERRUPTS, 1, line.fds[0], -1);
	order("none comes while the line is masked", ORDER_NO_INTERRUPT, 0, line.fds[0], -1);
	check_result(interrupt_ack(&line), &line.error, "it is acknowledged by a request");
	order("then the next comes", ORDER_INTERRUPTS, 1, line.fds[0], line.fds[1]);
	check_result(interrupt_close(&line), &line.error, "it closes");
	order("none comes when it is closed", ORDER_NO_INTERRUPT, 0, line.fds[0], -1);
	check_refused(interrupt_ack(&line), HWB_NO_SESSION, &line.error, "closed is closed");
	interrupt_drop(&line);
}

void check_irq(void)
{
	struct device *edu = demand(VENDOR_QEMU, EDU, 0, "an edu device is there");

	if (edu == NULL || !component_start(&component))
		return;
	if (take(edu, 0, "the edu device is acquired")) {
		registers = registers_of(edu, 0);
		refusals(edu);
		use_line(edu);
		system_close(registers);
		give_back(edu, "the edu device is free again");
	}
	component_end(&component);
}
