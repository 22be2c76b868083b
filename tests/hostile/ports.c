/* SPDX-License-Identifier: MIT */
/* Legacy ports. */
#include "hostile.h"

#include <string.h>
#include <unistd.h>

static int open_ports(int fd, uint32_t base, uint32_t count)
{
	const struct hwb_io_port_request wanted = { .base = base, .count = count };

	return request(fd, HWB_IO_PORT_OPEN, 0, &wanted, sizeof(wanted));
}

static int batch(int fd, uint32_t session, struct hwb_port_op op)
{
	struct {
		struct hwb_port_batch head;
		struct hwb_port_op op;
	} body = { { .count = 1 }, op };

	return request(fd, HWB_IO_PORT_BATCH, session, &body, sizeof(body));
}

/* The policy gives 0x40 to 0x43. */
static void ranges(void)
{
	static const uint32_t wrong[][2] = {
		{ 0, 0 },
		{ 0x40, 0 },
		{ 0xffff, 2 },
		{ 0x10000, 1 },
		{ UINT32_MAX, 1 },
		{ 1, UINT32_MAX },
		{ 0x40, UINT32_MAX },
		{ UINT32_MAX, UINT32_MAX },
		{ 0x8000, 0x8001 },
		{ 0x40, 0xffffffc4 },
		{ 0xfffffffe, 0x46 },
	};
	static const uint32_t denied[][2] = {
		{ 0x3f, 1 },    { 0x3f, 2 },   { 0x43, 2 },  { 0x44, 1 },  { 0x40, 5 },
		{ 0, 0x10000 }, { 0xffff, 1 }, { 0xcf8, 8 }, { 0xcf9, 1 }, { 0xcfc, 4 },
		{ 0x64, 1 },    { 0x92, 1 },   { 0xb2, 1 },  { 0x80, 1 },  { 0xc0, 1 },
	};
	static const struct hwb_port_op ops[] = {
		{ 0x3f, HWB_PORT_IN, 1, 0 },   { 0x44, HWB_PORT_IN, 1, 0 },
		{ 0x43, HWB_PORT_IN, 2, 0 },   { 0x42, HWB_PORT_IN, 4, 0 },
		{ 0xffff, HWB_PORT_IN, 4, 0 }, { 0, HWB_PORT_OUT, 1, 0 },
		{ 0x40, HWB_PORT_IN, 0, 0 },   { 0x40, HWB_PORT_IN, 3, 0 },
		{ 0x40, HWB_PORT_IN, 255, 0 }, { 0x40, 2, 1, 0 },
		{ 0x40, 255, 1, 0 },           { 0xcf8, HWB_PORT_OUT, 4, 0x80000000 },
	};
	struct packet packet;
	int fd = client();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect(open_ports(fd, wrong[i][0], wrong[i][1]) == HWB_INVALID, "0x%x + 0x%x",
		       wrong[i][0], wrong[i][1]);
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		expect(open_ports(fd, denied[i][0], denied[i][1]) == HWB_DENIED, "0x%x + 0x%x",
		       denied[i][0], denied[i][1]);
	const struct hwb_io_port_request timer = { .base = 0x40, .count = 4 };
	fill(&packet, HWB_IO_PORT_OPEN, 0, &timer, sizeof(timer));
	expect(wire_exchange(fd, &packet) == HWB_OK, "the timer: %s", reason_of(&packet));
	uint32_t session = header_of(&packet)->session;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		expect(batch(fd, session, ops[i]) == HWB_INVALID, "operation %zu", i);
	expect(batch(fd, session, (struct hwb_port_op){ 0x40, HWB_PORT_IN, 1, 0 }) == HWB_OK,
	       "a right operation");
	/* The last port of a range, and of a session that is closed. */
	expect(request(fd, HWB_CLOSE, session, NULL, 0) == HWB_OK, "close");
	expect(batch(fd, session, (struct hwb_port_op){ 0x40, HWB_PORT_IN, 1, 0 }) ==
	               HWB_NO_SESSION,
	       "a closed session");
}

/* Sends a batch that polls 0.1 s for what does not come. */
static void send_poll(int fd, uint32_t session, uint16_t port)
{
	const struct {
		struct hwb_port_batch head;
		struct hwb_port_op op;
		struct hwb_port_operand operand;
	} body = { { .count = 2 },
		   { port, HWB_BATCH_POLL, 1, 0x55 },
		   { 0xff, HWB_BATCH_POLL_MAX } };
	struct packet packet;

	fill(&packet, HWB_IO_PORT_BATCH, session, &body, sizeof(body));
	expect(wire_send(fd, packet.bytes, packet.length, NULL, 0), "hung up");
}

static uint32_t open_timer(int fd, uint16_t port)
{
	const struct hwb_io_port_request timer = { .base = port, .count = 1 };
	struct packet packet;

	fill(&packet, HWB_IO_PORT_OPEN, 0, &timer, sizeof(timer));
	expect(wire_exchange(fd, &packet) == HWB_OK, "the timer: %s", reason_of(&packet));
	return header_of(&packet)->session;
}

/* Ports are closed, or their connection is, while a batch on them waits for others of the client,
 * and then the policy gives them no more: they are taken once. Then main.c counts sessions. */
static void taken_when_closed(void)
{
	static const char without[] = "[client alpha]\n"
	                              "user = driver\n"
	                              "[client omega]\n"
	                              "user = other\n";
	enum { POLLS = 30 }; /* two at a time: 1.5 s */
	uint32_t sessions[POLLS];
	struct packet packet;
	int fd = client_of(driver_uid()), gone = client_of(driver_uid());

	for (unsigned i = 0; i < POLLS; i++)
		sessions[i] = open_timer(fd, 0x42);
	uint32_t last = open_timer(fd, 0x42), theirs = open_timer(gone, 0x43);
	for (unsigned i = 0; i < POLLS; i++)
		send_poll(fd, sessions[i], 0x42);
	send_poll(fd, last, 0x42);
	fill(&packet, HWB_CLOSE, last, NULL, 0);
	expect(wire_send(fd, packet.bytes, packet.length, NULL, 0), "hung up");
	send_poll(gone, theirs, 0x43);
	close(gone);
	policy_install(without);
	policy_restore();
	close(fd);
}

const struct hostile_case port_cases[] = {
	{ 18, "port ranges that wrap, overlap others', or give away the machine are refused",
	  ranges, 0, 0 },
	{ 66, "ports are closed with a batch under way, and given no more", taken_when_closed,
	  AS_ROOT, 0 },
	{ 0 },
};
