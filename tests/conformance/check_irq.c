/* SPDX-License-Identifier: MIT */
/* Section "IRQ". Interrupts themselves need QEMU's edu device, which can be told to send one. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { EDU_RAISE = 0x60, EDU_ACKNOWLEDGE = 0x64 };

static void irq_request(struct packet *packet, uint32_t device, uint32_t type, uint32_t count)
{
	start(packet, IRQ_OPEN, device);
	put32(packet, HEADER, type);
	put32(packet, HEADER + 4, count);
}

static void need_pin(void)
{
	need_device();
	if (facts.device.pin == 0)
		skip("needs a device with an interrupt pin");
}

/* Type of a message-signalled interrupt that the device has. */
static uint32_t message_type(void)
{
	need_dma();
	if (facts.device.msi == 0 && facts.device.msix == 0)
		skip("needs a device with MSI or MSI-X");
	return facts.device.msi != 0 ? IRQ_MSI : IRQ_MSIX;
}

static void irq_nonblock(void)
{
	struct packet packet;
	uint64_t count;
	int fd = greeted();

	need_pin();
	open_irq(fd, own(fd), IRQ_INTX, 0, &packet);
	if ((fcntl(packet.fds[0], F_GETFL) & O_NONBLOCK) == 0)
		wrong("expected O_NONBLOCK, got none");
	if (read(packet.fds[0], &count, sizeof(count)) >= 0 || errno != EAGAIN)
		wrong("expected EAGAIN, got another end of read");
}

static void irq_one_session(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_pin();
	device = own(fd);
	uint32_t irq = open_irq(fd, device, IRQ_INTX, 0, &packet);
	irq_request(&packet, device, IRQ_INTX, 1);
	want(fd, &packet, BUSY);
	close_handle(fd, irq);
	open_irq(fd, device, IRQ_INTX, 0, &packet);
}

static void irq_by_handle(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_pin();
	device = own(fd);
	irq_request(&packet, device, IRQ_INTX, 1);
	put32(&packet, HEADER + 8, facts.device.irq_number != 0 ? facts.device.irq_number : 1);
	want(fd, &packet, INVALID);
	open_irq(fd, device, IRQ_INTX, 0, &packet);
	if (body32(&packet, 0) != get32(&packet, SESSION) || body32(&packet, 4) != IRQ_INTX ||
	    body32(&packet, 8) != 1)
		wrong("expected the handle, INTX and 1 vector, got %u, %u, %u", body32(&packet, 0),
		      body32(&packet, 4), body32(&packet, 8));
}

static void irq_by_number(void)
{
	struct packet packet;
	int fd = greeted();

	need_pin();
	if (facts.device.irq_number == 0)
		skip("needs a device with an interrupt number");
	own(fd);
	irq_request(&packet, 0, IRQ_INTX, 1);
	put32(&packet, HEADER + 8, facts.device.irq_number);
	want(fd, &packet, OK);
}

static void irq_number_unknown(void)
{
	struct packet packet;
	int fd = greeted();

	irq_request(&packet, 0, IRQ_INTX, 1);
	put32(&packet, HEADER + 8, 0xffffffff);
	want(fd, &packet, NOT_FOUND);
	need_pin();
	if (facts.device.irq_number == 0)
		return;
	/* One's own, but not acquired. */
	irq_request(&packet, 0, IRQ_INTX, 1);
	put32(&packet, HEADER + 8, facts.device.irq_number);
	want(fd, &packet, NOT_FOUND);
}

static void irq_fds_order(void)
{
	struct packet packet;
	uint64_t one = 1;
	int fd = greeted();

	need_pin();
	open_irq(fd, own(fd), IRQ_INTX, 0, &packet);
	if (packet.fd_count != 2 || body32(&packet, 12) != 1)
		wrong("expected one trigger and the unmask eventfd, got %zu, and %u in `fds'",
		      packet.fd_count, body32(&packet, 12));
	if (write(packet.fds[1], &one, sizeof(one)) != (ssize_t)sizeof(one))
		wrong("expected to write to the unmask eventfd, got: %s", strerror(errno));
}

static void irq_count(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_pin();
	device = own(fd);
	irq_request(&packet, device, IRQ_INTX, 0);
	want(fd, &packet, INVALID);
	irq_request(&packet, device, IRQ_INTX, 2);
	want(fd, &packet, INVALID);
}

static void want_invalid(int fd, uint32_t device, uint32_t type, unsigned trigger,
                         unsigned polarity)
{
	struct packet packet;

	irq_request(&packet, device, type, 1);
	put(&packet, HEADER + 12, 2, trigger);
	put(&packet, HEADER + 14, 2, polarity);
	want(fd, &packet, INVALID);
}

static void irq_trigger(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_pin();
	device = own(fd);
	want_invalid(fd, device, IRQ_INTX, TRIGGER_EDGE, 0);
	irq_request(&packet, device, IRQ_INTX, 1);
	put(&packet, HEADER + 12, 2, TRIGGER_LEVEL);
	want(fd, &packet, OK);
}

static void irq_polarity(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device;

	need_pin();
	device = own(fd);
	want_invalid(fd, device, IRQ_INTX, 0, POLARITY_HIGH);
	irq_request(&packet, device, IRQ_INTX, 1);
	put(&packet, HEADER + 14, 2, POLARITY_LOW);
	want(fd, &packet, OK);
}

static void irq_values(void)
{
	int fd = greeted();
	uint32_t device;

	need_device();
	device = own(fd);
	want_invalid(fd, device, IRQ_NONE, 0, 0);
	want_invalid(fd, device, 4, 0, 0);
	want_invalid(fd, device, IRQ_INTX, 3, 0);
	want_invalid(fd, device, IRQ_INTX, 0, 3);
}

static void irq_unsupported(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t type = facts.device.msix == 0  ? IRQ_MSIX
	                : facts.device.msi == 0 ? IRQ_MSI
	                                        : IRQ_INTX;

	need_dma();
	if (type == IRQ_INTX && facts.device.pin != 0)
		skip("needs a device that lacks a type of interrupt");
	uint32_t handle;
	irq_request(&packet, own_with_domain(fd, &handle), type, 1);
	want(fd, &packet, UNSUPPORTED);
}

static void irq_msi_domain(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t type = message_type();

	irq_request(&packet, own(fd), type, 1);
	want(fd, &packet, WRONG_STATE);
}

static void irq_enable_twice(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t irq;

	need_pin();
	irq = open_irq(fd, own(fd), IRQ_INTX, 0, &packet);
	for (unsigned i = 0; i < 2; i++) {
		start(&packet, IRQ_ENABLE, irq);
		want(fd, &packet, OK);
	}
}

static void irq_ack(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t irq;

	need_pin();
	irq = open_irq(fd, own(fd), IRQ_INTX, 0, &packet);
	start(&packet, IRQ_ACK, irq);
	want(fd, &packet, OK);
}

static void vectors(struct packet *packet, uint32_t irq, uint32_t first, uint32_t count)
{
	start(packet, IRQ_FDS, irq);
	put32(packet, HEADER, first);
	put32(packet, HEADER + 4, count);
}

static void irq_fds(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t irq;

	need_pin();
	irq = open_irq(fd, own(fd), IRQ_INTX, 0, &packet);
	vectors(&packet, irq, 0, 1);
	want(fd, &packet, OK);
	if (packet.fd_count != 1 || body32(&packet, 0) != 0 || body32(&packet, 4) != 1)
		wrong("expected first 0, count 1 and a descriptor, got %u, %u and %zu",
		      body32(&packet, 0), body32(&packet, 4), packet.fd_count);
}

static void irq_fds_count(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t irq;

	need_pin();
	irq = open_irq(fd, own(fd), IRQ_INTX, 0, &packet);
	vectors(&packet, irq, 0, 0);
	want(fd, &packet, INVALID);
	vectors(&packet, irq, 0, 65);
	want(fd, &packet, INVALID);
}

static void irq_fds_range(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t irq;

	need_pin();
	irq = open_irq(fd, own(fd), IRQ_INTX, 0, &packet);
	vectors(&packet, irq, 0, 2);
	want(fd, &packet, INVALID);
	vectors(&packet, irq, 0xffffffff, 1);
	want(fd, &packet, INVALID);
}

/* ---- with edu ---- */

struct edu {
	int fd, trigger, unmask;
	uint32_t device, irq;
	volatile uint32_t *registers;
};

static void open_edu(struct edu *edu, uint32_t type, uint32_t flags)
{
	struct packet packet;
	uint32_t handle;

	need_edu();
	*edu = (struct edu){ .fd = greeted(), .unmask = -1 };
	handle = domain(edu->fd);
	edu->device = acquire(edu->fd, &packet,
	                      &(struct wanted){ .device = &facts.device,
	                                        .domain = handle,
	                                        .bars = 1u << facts.device.bar });
	edu->registers = (volatile uint32_t *)map_region(
	        &packet, ACQUIRE_REGIONS + (size_t)facts.device.bar * REGION_SIZE_OF,
	        packet.fds[0]);
	edu->irq = open_irq(edu->fd, edu->device, type, flags, &packet);
	edu->trigger = packet_take(&packet, 0);
	if (type == IRQ_INTX)
		edu->unmask = packet_take(&packet, 1);
}

static void raise_irq(const struct edu *edu)
{
	edu->registers[EDU_RAISE / 4] = 1;
}

static void quiet(const struct edu *edu)
{
	edu->registers[EDU_ACKNOWLEDGE / 4] = 1;
}

static bool signalled(int trigger, int ms)
{
	struct pollfd wait = { .fd = trigger, .events = POLLIN };
	uint64_t count;

	return poll(&wait, 1, ms) == 1 &&
	       read(trigger, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

static void irq_before_enable(void)
{
	struct packet packet;
	struct edu edu;

	open_edu(&edu, IRQ_MSI, 0);
	raise_irq(&edu);
	if (signalled(edu.trigger, SILENCE_MS))
		wrong("expected no interrupt before IRQ_ENABLE, got one");
	quiet(&edu);
	start(&packet, IRQ_ENABLE, edu.irq);
	want(edu.fd, &packet, OK);
	raise_irq(&edu);
	if (!signalled(edu.trigger, PROMPT_MS))
		wrong("expected an interrupt after IRQ_ENABLE, got none");
}

static void irq_masked(void)
{
	struct edu edu;

	open_edu(&edu, IRQ_INTX, 1);
	raise_irq(&edu);
	if (!signalled(edu.trigger, PROMPT_MS))
		wrong("expected an interrupt, got none");
	if (signalled(edu.trigger, SILENCE_MS))
		wrong("expected no second interrupt before the line is unmasked, got one");
}

static void irq_unmask(void)
{
	struct packet packet;
	uint64_t one = 1;
	struct edu edu;

	open_edu(&edu, IRQ_INTX, 1);
	for (unsigned i = 0; i < 4; i++) {
		raise_irq(&edu);
		if (!signalled(edu.trigger, PROMPT_MS))
			wrong("expected interrupt %u of 4, got none", i + 1);
		quiet(&edu);
		if (i % 2 == 0) {
			if (write(edu.unmask, &one, sizeof(one)) != (ssize_t)sizeof(one))
				wrong("expected to unmask, got: %s", strerror(errno));
		} else {
			start(&packet, IRQ_ACK, edu.irq);
			want(edu.fd, &packet, OK);
		}
	}
}

static void irq_level(void)
{
	uint64_t one = 1;
	struct edu edu;

	open_edu(&edu, IRQ_INTX, 1);
	raise_irq(&edu);
	for (unsigned i = 0; i < 3; i++) {
		if (!signalled(edu.trigger, PROMPT_MS))
			wrong("expected an interrupt as the line is asserted still, got none");
		if (write(edu.unmask, &one, sizeof(one)) != (ssize_t)sizeof(one))
			wrong("expected to unmask, got: %s", strerror(errno));
	}
}

static void close_interrupt(void)
{
	struct edu edu;

	open_edu(&edu, IRQ_MSI, 1);
	raise_irq(&edu);
	if (!signalled(edu.trigger, PROMPT_MS))
		wrong("expected an interrupt, got none");
	quiet(&edu);
	close_handle(edu.fd, edu.irq);
	raise_irq(&edu);
	if (signalled(edu.trigger, SILENCE_MS))
		wrong("expected no interrupt after CLOSE, got one");
}

const struct check irq_checks[] = {
	{ "irq-nonblock", "a trigger eventfd does not block", irq_nonblock, false },
	{ "irq-one-session", "a second interrupt of a device is BUSY", irq_one_session, false },
	{ "irq-by-handle", "IRQ_OPEN by handle, and INVALID with a number beside it", irq_by_handle,
	  false },
	{ "irq-by-number", "IRQ_OPEN by number", irq_by_number, false },
	{ "irq-number-unknown", "the number of no device of ours is NOT_FOUND", irq_number_unknown,
	  false },
	{ "irq-fds-order", "a trigger, then the unmask eventfd", irq_fds_order, false },
	{ "irq-count", "no vectors or too many are INVALID", irq_count, false },
	{ "irq-trigger", "a trigger that does not fit is INVALID", irq_trigger, false },
	{ "irq-polarity", "HIGH does not fit INTX", irq_polarity, false },
	{ "irq-values", "an unknown type, trigger or polarity is INVALID", irq_values, false },
	{ "irq-unsupported", "a type that the device lacks is UNSUPPORTED", irq_unsupported,
	  false },
	{ "irq-msi-domain", "MSI without a domain is WRONG_STATE", irq_msi_domain, false },
	{ "irq-enable-twice", "IRQ_ENABLE a second time does nothing", irq_enable_twice, false },
	{ "irq-ack", "IRQ_ACK of a line that was not enabled does nothing", irq_ack, false },
	{ "irq-fds", "IRQ_FDS gives eventfds again", irq_fds, false },
	{ "irq-fds-count", "a count of 0 or above 64 is INVALID", irq_fds_count, false },
	{ "irq-fds-range", "vectors beyond the session's are INVALID", irq_fds_range, false },
	{ "irq-before-enable", "no interrupt before IRQ_ENABLE, one after", irq_before_enable,
	  false },
	{ "irq-masked", "INTX stays masked until it is unmasked", irq_masked, false },
	{ "irq-unmask", "the eventfd and IRQ_ACK unmask", irq_unmask, false },
	{ "irq-level", "a line that is asserted still interrupts again", irq_level, false },
	{ "close-interrupt", "no interrupt after CLOSE", close_interrupt, false },
	{ .rule = NULL },
};
