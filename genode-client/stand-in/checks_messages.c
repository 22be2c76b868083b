/* SPDX-License-Identifier: MIT */
/* IRQ: message-signalled, MSI of an edu device and MSI-X of a network card. */
#include "checks.h"

#include "broker.h"
#include "check.h"
#include "component.h"
#include "events.h"
#include "interrupt.h"
#include "session.h"
#include "system.h"

enum { ROUNDS = 50, VECTORS = 5 };

static struct component component;
static struct interrupt message;
static int registers;

static void order(const char *name, enum order_kind kind, uint64_t size, uint32_t rounds, int wait)
{
	const struct order what = { .kind = kind, .rounds = rounds, .size = size };
	const int fds[] = { registers, wait };

	component_check(&component, name, &what, fds, 2);
}

static void get_again(void *fd)
{
	message.result = hwb_irq_fds(broker(), message.reply.session, 0, 1, fd, &message.error);
}

static void use_msi(const struct device *edu)
{
	int again = -1;

	message = (struct interrupt){ .device = edu->handle,
		                      .request = { .type = HWB_IRQ_MSI, .count = 1 } };
	if (!check_result(interrupt_open(&message), &message.error, "MSI opens"))
		return;
	check(message.fd_count == 1, "it has one eventfd", "it has %u", message.fd_count);
	order("none comes before it is enabled", ORDER_NO_INTERRUPT, 4096, 0, message.fds[0]);
	check_result(interrupt_enable(&message), &message.error, "it is enabled");
	check_result(interrupt_ack(&message), &message.error, "to acknowledge it does no harm");
	order("a component waits for them", ORDER_INTERRUPTS, 4096, ROUNDS, message.fds[0]);
	on(&irq_ep, get_again, &again);
	check_result(message.result, &message.error, "its eventfd can be had again");
	order("which is the same", ORDER_INTERRUPTS, 4096, 1, again);
	system_close(again);

	int signal = counter_new();
	int signals = events_relay(message.fds[0], signal);
	order("core hands them on as signals", ORDER_INTERRUPTS, 4096, ROUNDS, signal);
	check(events_relayed(signals) == ROUNDS, "each of them once", "%lu of %d",
	      (unsigned long)events_relayed(signals), ROUNDS);
	events_stop(signals);
	system_close(signal);
	check_result(interrupt_close(&message), &message.error, "it closes");
	order("none comes when it is closed", ORDER_NO_INTERRUPT, 4096, 0, message.fds[0]);
	interrupt_drop(&message);
}

static void use_msix(const struct device *card)
{
	message = (struct interrupt){
		.device = card->handle,
		.request = { .type = HWB_IRQ_MSIX, .count = VECTORS, .flags = HWB_IRQ_OPEN_ENABLE }
	};
	if (!check_result(interrupt_open(&message), &message.error, "MSI-X opens"))
		return;
	check(message.fd_count == VECTORS, "it has an eventfd for each vector", "it has %u",
	      message.fd_count);
	order("a component waits for one", ORDER_LINK, card->facts.bars[0].size, 0, message.fds[0]);
	check_result(interrupt_close(&message), &message.error, "MSI-X closes");
	interrupt_drop(&message);
}

static void with(struct device *device, uint32_t domain, void (*use)(const struct device *),
                 const char *name)
{
	if (device == NULL || !take(device, domain, name))
		return;
	registers = registers_of(device, 0);
	use(device);
	system_close(registers);
	give_back(device, "it is free again");
}

void check_messages(void)
{
	struct device *edu = demand(VENDOR_QEMU, EDU, 0, "an edu device is there");
	struct device *card = demand(VENDOR_INTEL, E1000E, 0, "a network card is there");
	uint32_t domain = domain_new();

	if (domain == 0 || !component_start(&component))
		return;
	with(edu, domain, use_msi, "the edu device is acquired in a domain");
	with(card, domain, use_msix, "the network card is acquired in a domain");
	close_session(domain, "the domain closes");
	component_end(&component);
}
