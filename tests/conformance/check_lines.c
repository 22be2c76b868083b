/* SPDX-License-Identifier: MIT */
/* Section "IRQ": interrupt lines that no PCI function has. */
#include "kit.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { LINES = 16, LINE_POLLED = 1, LINE_UIO = 2 };

struct listed {
	unsigned count;
	uint32_t given; /* bit n: line n */
	uint32_t first; /* that may be polled */
};

static void grant(const struct packet *packet, size_t record, void *context)
{
	struct listed *listed = context;
	uint32_t number = get32(packet, record), rate = get32(packet, record + 4);

	if (number >= LINES)
		wrong("expected a line of 0 to %u, got %u", LINES - 1, number);
	if (listed->given >> number != 0)
		wrong("expected lines that ascend, got %u again or too late", number);
	if (rate != 0 && listed->first == LINES)
		listed->first = number;
	listed->given |= 1u << number;
	listed->count++;
}

/* The lines that this user may have. */
static struct listed lines(int fd)
{
	struct listed listed = { .first = LINES };
	struct packet packet;

	start(&packet, IRQ_LIST, 0);
	uint32_t status = ask(fd, &packet);
	packet_drop(&packet);
	if (status == UNSUPPORTED)
		skip("needs a machine with an ISA bus");
	list(fd, IRQ_LIST, 0, grant, &listed);
	return listed;
}

static void line_request(struct packet *packet, uint32_t number)
{
	start(packet, IRQ_OPEN_NUMBER, 0);
	put32(packet, HEADER, number);
}

/* Opens the first line that is polled, which has no other owner. Returns the handle. */
static uint32_t open_line(int fd, struct packet *packet, uint32_t *number)
{
	*number = lines(fd).first;
	if (*number == LINES)
		skip("needs an interrupt line that this user may have polled");
	line_request(packet, *number);
	want(fd, packet, OK);
	if (body32(packet, 8) != LINE_POLLED)
		skip("needs an interrupt line without a UIO device");
	return get32(packet, SESSION);
}

static void line_list(void)
{
	struct listed listed = lines(greeted());

	if (listed.count == 0)
		skip("needs an interrupt line that this user may have");
}

static void line_number(void)
{
	struct packet packet;
	int fd = greeted();

	lines(fd);
	line_request(&packet, LINES);
	want(fd, &packet, INVALID);
	line_request(&packet, UINT32_MAX);
	want(fd, &packet, INVALID);
}

static void line_denied(void)
{
	struct packet packet;
	int fd = greeted();
	struct listed listed = lines(fd);

	for (uint32_t number = 0; number < LINES; number++) {
		if ((listed.given >> number & 1) != 0)
			continue;
		line_request(&packet, number);
		want(fd, &packet, DENIED);
	}
}

static void line_fds(void)
{
	struct packet packet;
	uint32_t number;
	int fd = greeted();
	uint32_t handle = open_line(fd, &packet, &number);

	if (packet.fd_count != 1)
		wrong("expected one descriptor, got %zu", packet.fd_count);
	if (body32(&packet, 0) != handle || body32(&packet, 4) != number)
		wrong("expected handle %u and line %u, got %u and %u", handle, number,
		      body32(&packet, 0), body32(&packet, 4));
}

static void line_clock(void)
{
	struct packet packet;
	uint32_t number;
	uint64_t beats = 0;
	int fd = greeted();

	open_line(fd, &packet, &number);
	uint32_t rate = body32(&packet, 12);
	if (rate == 0)
		wrong("expected a rate, got 0");
	struct pollfd clock = { packet.fds[0], POLLIN, 0 };
	if (poll(&clock, 1, (int)(1000 / rate) + PROMPT_MS) != 1)
		wrong("expected a beat after 1/%u s, got none", rate);
	if (read(clock.fd, &beats, sizeof(beats)) != sizeof(beats) || beats == 0)
		wrong("expected a number of beats, got another end of read");
	/* Between two of them there is nothing to read. */
	for (int tries = 0; tries < 1000; tries++)
		if (read(clock.fd, &beats, sizeof(beats)) < 0 && errno == EAGAIN)
			return;
	wrong("expected EAGAIN between two beats, got none");
}

static void line_polled_ack(void)
{
	struct packet packet;
	uint32_t number;
	int fd = greeted();
	uint32_t handle = open_line(fd, &packet, &number);

	start(&packet, IRQ_ACK, handle);
	want(fd, &packet, OK);
}

static void line_kind(void)
{
	struct packet packet;
	uint32_t number;
	int fd = greeted();
	uint32_t handle = open_line(fd, &packet, &number);

	start(&packet, IRQ_ENABLE, handle);
	want(fd, &packet, NO_SESSION);
	start(&packet, IRQ_FDS, handle);
	put32(&packet, HEADER + 4, 1);
	want(fd, &packet, NO_SESSION);
}

static void line_twice(void)
{
	struct packet packet;
	uint32_t number;
	int fd = greeted();
	uint32_t handle = open_line(fd, &packet, &number);

	line_request(&packet, number);
	want(fd, &packet, BUSY);
	close_handle(fd, handle);
	line_request(&packet, number);
	want(fd, &packet, OK);
	/* What is polled is nobody's alone. */
	int other = greeted();
	line_request(&packet, number);
	want(other, &packet, OK);
}

const struct check line_checks[] = {
	{ "line-list", "IRQ_LIST tells the lines that the policy gives", line_list, false },
	{ "line-number", "a line beyond 15 is INVALID", line_number, false },
	{ "line-denied", "a line that is not given is DENIED", line_denied, false },
	{ "line-fds", "a line's handle and descriptor", line_fds, false },
	{ "line-clock", "a polled line is a clock", line_clock, false },
	{ "line-polled-ack", "IRQ_ACK of a polled line does nothing", line_polled_ack, false },
	{ "line-kind", "no IRQ_ENABLE or IRQ_FDS of a line", line_kind, false },
	{ "line-twice", "a connection has a line once", line_twice, false },
	{ NULL, NULL, NULL, false },
};
