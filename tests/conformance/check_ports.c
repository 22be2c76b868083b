/* SPDX-License-Identifier: MIT */
/* Section "IO_PORT". */
#include "kit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { IN, OUT, READ_REPEAT, MODIFY = 6, POLL };

static void port_request(struct packet *packet, uint32_t base, uint32_t count)
{
	start(packet, IO_PORT_OPEN, 0);
	put32(packet, HEADER, base);
	put32(packet, HEADER + 4, count);
}

/* The ports of --ports, or the check is skipped. */
static uint32_t open_ports(int fd)
{
	struct packet packet;

	need_ports();
	for (unsigned tries = 0; tries < 200; tries++) {
		port_request(&packet, facts.port, facts.ports);
		if (ask(fd, &packet) != BUSY)
			break;
		sleep_ms(20);
	}
	if (get32(&packet, STATUS) == DENIED)
		skip("needs ports 0x%x to 0x%x granted, or others named by --ports", facts.port,
		     facts.port + facts.ports - 1);
	if (get32(&packet, STATUS) != OK)
		wrong("IO_PORT_OPEN: expected OK, got %s", status_name(get32(&packet, STATUS)));
	return get32(&packet, SESSION);
}

/* `count' reads of the first port; then they can be changed by set_op(). */
static void batch(struct packet *packet, uint32_t ports, uint32_t count)
{
	start(packet, IO_PORT_BATCH, ports);
	put32(packet, HEADER, count);
	for (uint32_t i = 0; i < count && i < 400; i++) {
		put(packet, HEADER + 8 + 8 * i, 2, facts.port);
		packet->bytes[HEADER + 8 + 8 * i + 2] = IN;
		packet->bytes[HEADER + 8 + 8 * i + 3] = 1;
		packet->length += 8;
	}
	put32(packet, LENGTH, (uint32_t)packet->length);
}

static void set_op(struct packet *packet, uint32_t at, uint32_t port, unsigned action,
                   unsigned width)
{
	put(packet, HEADER + 8 + 8 * at, 2, port);
	packet->bytes[HEADER + 8 + 8 * at + 2] = (unsigned char)action;
	packet->bytes[HEADER + 8 + 8 * at + 3] = (unsigned char)width;
}

static void port_open(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t ports = open_ports(fd);

	batch(&packet, ports, 1);
	want(fd, &packet, OK);
}

static void port_again(void)
{
	int fd = greeted();
	uint32_t first = open_ports(fd);

	if (open_ports(fd) == first)
		wrong("expected a second handle, got the first one again");
}

static void port_busy(void)
{
	struct packet packet;
	int fd = greeted();

	open_ports(fd);
	port_request(&packet, facts.port, 1);
	want(greeted(), &packet, BUSY);
}

static void close_ports(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t ports = open_ports(fd);

	close_handle(fd, ports);
	batch(&packet, ports, 1);
	want(fd, &packet, NO_SESSION);
}

static void port_range(void)
{
	static const uint32_t ranges[][2] = { { 0, 0 },          { 0x10000, 1 },
		                              { 0xffff, 2 },     { 0xffffffff, 1 },
		                              { 1, 0xffffffff }, { 0xffffffff, 0xffffffff } };
	struct packet packet;
	int fd = greeted();

	need_ports();
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		port_request(&packet, ranges[i][0], ranges[i][1]);
		want(fd, &packet, INVALID);
	}
}

static void port_denied(void)
{
	static const uint32_t ports[] = { 0x00, 0x64, 0x92, 0xcf8, 0xcfc };
	struct packet packet;
	int fd = greeted();

	need_ports();
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		port_request(&packet, ports[i], 1);
		want(fd, &packet, DENIED);
	}
}

static void batch_reply(void)
{
	struct packet packet, sent;
	int fd = greeted();

	batch(&packet, open_ports(fd), 3);
	sent = packet;
	want(fd, &packet, OK);
	for (uint32_t i = 0; i < 3; i++) {
		size_t at = HEADER + 8 + 8 * i;
		if (memcmp(packet.bytes + at, sent.bytes + at, 4) != 0)
			wrong("operation %u: expected port, action and width as sent, got others",
			      i);
		if (get32(&packet, at + 4) > 0xff)
			wrong("operation %u: expected a value of one byte, got 0x%x", i,
			      get32(&packet, at + 4));
	}
}

static void batch_count(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t ports = open_ports(fd);

	batch(&packet, ports, 0);
	want(fd, &packet, OK);
	batch(&packet, ports, 256);
	want(fd, &packet, OK);
	batch(&packet, ports, 257);
	want_final(fd, &packet, NULL, 0, MALFORMED);
	fd = greeted();
	batch(&packet, 1, 3);
	put32(&packet, HEADER, 4);
	want_final(fd, &packet, NULL, 0, MALFORMED);
}

/* The second of three operations is at fault. */
static void want_fault(int fd, uint32_t ports, uint32_t port, unsigned action, unsigned width)
{
	struct packet packet;

	batch(&packet, ports, 3);
	set_op(&packet, 1, port, action, width);
	want(fd, &packet, INVALID);
}

static void batch_port(void)
{
	int fd = greeted();
	uint32_t ports = open_ports(fd);

	want_fault(fd, ports, facts.port + facts.ports, IN, 1);
	want_fault(fd, ports, facts.port + facts.ports - 1, IN, 2);
	if (facts.port != 0)
		want_fault(fd, ports, facts.port - 1, IN, 1);
}

static void batch_width(void)
{
	int fd = greeted();
	uint32_t ports = open_ports(fd);

	want_fault(fd, ports, facts.port, IN, 0);
	want_fault(fd, ports, facts.port, IN, 3);
	want_fault(fd, ports, facts.port, IN, 8);
	want_fault(fd, ports, facts.port, 8, 1);
}

static void batch_values(void)
{
	struct packet packet;
	int fd = greeted();

	/* Three values of a byte, in one record behind the operation's. */
	batch(&packet, open_ports(fd), 2);
	set_op(&packet, 0, facts.port, READ_REPEAT, 1);
	put32(&packet, HEADER + 8 + 4, 3);
	memset(packet.bytes + HEADER + 16, 0, 8);
	want(fd, &packet, OK);
	if (body32(&packet, 8 + 4) != 3)
		wrong("expected 3 values as asked for, got %u", body32(&packet, 8 + 4));
	if (body64(&packet, 16) >> 24 != 0)
		wrong("expected zeros behind the last value, got others");
}

static void batch_room(void)
{
	static const uint32_t counts[] = { 0, 17, 0xffffffff };
	struct packet packet;
	int fd = greeted();
	uint32_t ports = open_ports(fd);

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		batch(&packet, ports, 3);
		set_op(&packet, 0, facts.port, READ_REPEAT, 1);
		put32(&packet, HEADER + 8 + 4, counts[i]);
		memset(packet.bytes + HEADER + 16, 0, 16);
		want(fd, &packet, INVALID);
	}
	batch(&packet, ports, 1);
	set_op(&packet, 0, facts.port, POLL, 1);
	want(fd, &packet, INVALID);
}

/* One POLL for no bit at all, or a MODIFY. */
static void masked(struct packet *packet, uint32_t ports, unsigned action, uint32_t microseconds)
{
	batch(packet, ports, 2);
	set_op(packet, 0, facts.port, action, 1);
	put32(packet, HEADER + 16, 0);
	put32(packet, HEADER + 20, microseconds);
}

static void batch_poll(void)
{
	struct packet packet;
	int fd = greeted();

	masked(&packet, open_ports(fd), POLL, 100000);
	want(fd, &packet, OK);
	if (body32(&packet, 4) != 0)
		wrong("expected that a POLL for no bit ends at once, got stopped %u",
		      body32(&packet, 4));
}

/* None of the bits that are left is wanted. */
static void batch_ignored(void)
{
	struct packet packet;
	int fd = greeted();

	masked(&packet, open_ports(fd), POLL, 100000);
	put32(&packet, HEADER + 12, 0xffffffff);
	put32(&packet, HEADER + 16, 0xffffff00);
	want(fd, &packet, OK);
	if (body32(&packet, 4) != 0)
		wrong("expected that a POLL of 1 byte looks at no bit above it, got stopped %u",
		      body32(&packet, 4));
}

static void batch_poll_max(void)
{
	struct packet packet;
	int fd = greeted();

	masked(&packet, open_ports(fd), POLL, 100001);
	want(fd, &packet, INVALID);
}

static void batch_operand(void)
{
	struct packet packet;
	int fd = greeted();

	masked(&packet, open_ports(fd), MODIFY, 1);
	want(fd, &packet, RESERVED_NOT_ZERO);
}

static void batch_field(void)
{
	struct packet packet;
	int fd = greeted();

	batch(&packet, open_ports(fd), 4);
	set_op(&packet, 2, facts.port, IN, 3);
	set_op(&packet, 3, facts.port, 7, 1);
	want(fd, &packet, INVALID);
	if (body32(&packet, 4) < HEADER + 8 + 16 || body32(&packet, 4) >= HEADER + 8 + 24)
		wrong("expected a field in the third operation (%u to %u), got %u", HEADER + 24,
		      HEADER + 31, body32(&packet, 4));
}

static uint32_t io_device(int fd, struct packet *reply)
{
	if (!facts.io.there)
		skip("needs a device with an I/O BAR");
	return acquire(fd, reply, &(struct wanted){ .device = &facts.io });
}

static void open_io_bar(int fd, struct packet *packet, uint32_t flags)
{
	struct packet reply;
	uint32_t device = io_device(fd, &reply);

	start(packet, IO_PORT_OPEN_BAR, device);
	put32(packet, HEADER, (uint32_t)facts.io.bar);
	put32(packet, HEADER + 4, flags);
}

static void port_bar_access(void)
{
	struct packet packet;
	unsigned char value[4];
	int fd = greeted();

	open_io_bar(fd, &packet, 0);
	want(fd, &packet, OK);
	if ((body32(&packet, 4) & REGION_IO) == 0)
		wrong("expected the flag IO, got 0x%x", body32(&packet, 4));
	off_t offset = (off_t)body64(&packet, 24);
	for (size_t width = 1; width <= 4; width *= 2)
		if (pread(packet.fds[0], value, width, offset) != (ssize_t)width)
			wrong("pread of %zu bytes: expected them, got: %s", width, strerror(errno));
	if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, packet.fds[0], 0) != MAP_FAILED)
		wrong("mmap: expected an error, got a mapping");
}

static void port_bar_flags(void)
{
	struct packet packet;
	int fd = greeted();

	open_io_bar(fd, &packet, 1);
	want(fd, &packet, UNKNOWN_FLAG);
}

static void port_bar_memory(void)
{
	struct packet packet;
	int fd = greeted();

	need_device();
	start(&packet, IO_PORT_OPEN_BAR, own(fd));
	put32(&packet, HEADER, (uint32_t)facts.device.bar);
	want(fd, &packet, INVALID);
}

static void port_of_bar(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device, ports;

	if ((facts.features & FEATURE_IO_PORT) == 0)
		skip("needs legacy ports (feature IO_PORT)");
	device = io_device(fd, &packet);
	port_request(&packet, (uint32_t)facts.io.bar_base, 4);
	want(fd, &packet, OK);
	ports = get32(&packet, SESSION);
	close_handle(fd, device);
	batch(&packet, ports, 0);
	want(fd, &packet, NO_SESSION);
}

struct listed {
	uint32_t next;
	bool ours;
};

static void range(const struct packet *packet, size_t record, void *context)
{
	struct listed *listed = context;
	uint32_t base = get32(packet, record), count = get32(packet, record + 4);

	if (count == 0 || base > 0xffff || count > 0x10000 - base)
		wrong("expected ports within 0 to 0xffff, got %u from 0x%x", count, base);
	if (listed->next != 0 && base <= listed->next)
		wrong("expected ranges that ascend and do not touch, got 0x%x after 0x%x", base,
		      listed->next - 1);
	listed->next = base + count;
	listed->ours |= facts.port >= base && facts.port + facts.ports <= base + count;
}

static void port_list(void)
{
	struct listed listed = { 0, false };
	int fd = greeted();

	open_ports(fd);
	list(fd, IO_PORT_LIST, 0, range, &listed);
	if (!listed.ours)
		wrong("expected the ports that can be opened in one of the ranges, got none");
}

const struct check port_checks[] = {
	{ "port-open", "IO_PORT_OPEN gives a handle for batches", port_open, false },
	{ "port-again", "a connection may open its ports again", port_again, false },
	{ "port-busy", "another's ports are BUSY", port_busy, false },
	{ "close-ports", "no batch after CLOSE", close_ports, false },
	{ "port-range", "an empty range or one beyond 65535 is INVALID", port_range, false },
	{ "port-denied", "ports that give away the machine are DENIED", port_denied, false },
	{ "port-list", "IO_PORT_LIST tells the ports that the policy gives", port_list, false },
	{ "batch-reply", "the reply is the request with the values", batch_reply, false },
	{ "batch-count", "0 to 256 operations, else MALFORMED", batch_count, false },
	{ "batch-port", "a port outside of the range is INVALID", batch_port, false },
	{ "batch-width", "another width or action is INVALID", batch_width, false },
	{ "batch-values", "values of a REPEAT follow its record", batch_values, false },
	{ "batch-room", "an operation without room for its values is INVALID", batch_room, false },
	{ "batch-poll", "a POLL ends when its bits are there", batch_poll, false },
	{ "batch-ignored", "bits above the width are ignored, in a mask, too", batch_ignored,
	  false },
	{ "batch-poll-max", "a batch that polls for too long is INVALID", batch_poll_max, false },
	{ "batch-operand", "a MODIFY has no time", batch_operand, false },
	{ "batch-field", "the first operation at fault is named", batch_field, false },
	{ "port-bar-access", "an I/O BAR is read by pread, and not mapped", port_bar_access,
	  false },
	{ "port-bar-flags", "IO_PORT_OPEN_BAR knows no flag", port_bar_flags, false },
	{ "port-bar-memory", "a memory BAR is INVALID there", port_bar_memory, false },
	{ "port-of-bar", "ports of one's own I/O BAR, until the device is closed", port_of_bar,
	  false },
	{ .rule = NULL },
};
