/* SPDX-License-Identifier: MIT */
/* Packets that are none: refused, and what follows. */
#include "protocol_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

START_TEST(short_packets)
{
	struct packet packet;

	wire_fill(&packet, HWB_PING, 9, 0, 0);
	for (size_t length = 1; length < HEADER; length++)
		expect_final(&packet, length, HWB_MALFORMED);
}
END_TEST

START_TEST(cut_and_padded_packets)
{
	const struct request *request = &requests[_i];
	struct packet packet;

	if (request->fd)
		return;
	/* As long as the header says, and not; both wrong for the opcode. */
	static const int changes[] = { -8, -1, 1, 8, 4000 };
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		size_t body = request->body + (size_t)changes[i];
		if (changes[i] < 0 && request->body < (size_t)-changes[i])
			continue;
		wire_fill(&packet, request->opcode, 9, 0, request->body);
		expect_final(&packet, HEADER + body, HWB_MALFORMED);
		wire_fill(&packet, request->opcode, 9, 0, body);
		expect_final(&packet, HEADER + body, HWB_MALFORMED);
	}
}
END_TEST

START_TEST(long_packets)
{
	static const size_t lengths[] = { HWB_MESSAGE_MAX, HWB_MESSAGE_MAX + 1, HWB_MESSAGE_MAX + 8,
		                          2 * HWB_MESSAGE_MAX };
	struct packet packet;

	for (size_t i = 0; i < 4; i++) {
		wire_fill(&packet, HWB_PING, 9, 0, lengths[i] - HEADER);
		expect_final(&packet, lengths[i], HWB_MALFORMED);
	}
}
END_TEST

START_TEST(lying_headers)
{
	static const uint32_t lengths[] = { 0, 1, 23, 25, 4096, 0x80000000u, UINT32_MAX };
	struct packet packet;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		wire_fill(&packet, HWB_PING, 9, 0, 0);
		header_of(&packet)->length = lengths[i];
		expect_final(&packet, HEADER, HWB_MALFORMED);
	}
	static const uint16_t kinds[] = { HWB_REPLY, HWB_EVENT, 3, 0xffff };
	for (size_t i = 0; i < 4; i++) {
		wire_fill(&packet, HWB_PING, 9, 0, 0);
		header_of(&packet)->kind = kinds[i];
		expect_final(&packet, HEADER, HWB_MALFORMED);
	}
	static const uint16_t fds[] = { 1, 64, 65, 0xffff };
	for (size_t i = 0; i < 4; i++) {
		wire_fill(&packet, HWB_PING, 9, 0, 0);
		header_of(&packet)->fds = fds[i];
		expect_final(&packet, HEADER, HWB_MALFORMED);
	}
	static const uint16_t versions[] = { 0, 2, 0xffff };
	for (size_t i = 0; i < 3; i++) {
		wire_fill(&packet, HWB_PING, 9, 0, 0);
		header_of(&packet)->version = versions[i];
		expect_final(&packet, HEADER, HWB_BAD_VERSION);
	}
}
END_TEST

START_TEST(port_counts)
{
	static const uint32_t counts[] = { 1, 257, 0x20000000u, 0x20000001u, UINT32_MAX };
	struct packet packet;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		wire_fill(&packet, HWB_IO_PORT_BATCH, 9, 0, sizeof(struct hwb_port_batch));
		*(uint32_t *)body_of(&packet) = counts[i];
		expect_final(&packet, packet.length, HWB_MALFORMED);
	}
}
END_TEST

/* Both sides see an empty packet as the end of the stream. */
START_TEST(empty_packets)
{
	int fd = wire_open();

	ck_assert(wire_send(fd, "", 0, NULL, 0));
	expect_end(fd);
	close(fd);
	fd = wire_greeted(NULL);
	ck_assert(wire_send(fd, "", 0, NULL, 0));
	expect_end(fd);
	close(fd);
	/* Requests behind it are not served. */
	struct packet packet;
	fd = wire_greeted(NULL);
	wire_fill(&packet, HWB_PING, 9, 0, 0);
	wire_send(fd, "", 0, NULL, 0);
	wire_send(fd, packet.bytes, packet.length, NULL, 0);
	expect_end(fd);
	close(fd);
}
END_TEST

/* What is not final: refused, and the same connection is served on. */
START_TEST(statuses_that_leave_the_connection_alive)
{
	struct packet packet;
	int fd = wire_greeted(NULL);

	wire_fill(&packet, HWB_PING, 0, 0, 0);
	ck_assert_int_eq(exchange(fd, &packet), HWB_INVALID);
	expect_alive(fd);
	for (unsigned bit = 0; bit < 32; bit++) {
		wire_fill(&packet, HWB_PING, 9, 0, 0);
		header_of(&packet)->status = 1u << bit;
		ck_assert_int_eq(exchange(fd, &packet), HWB_RESERVED_NOT_ZERO);
		wire_fill(&packet, HWB_PING, 9, 1u << bit, 0);
		ck_assert_int_eq(exchange(fd, &packet), HWB_RESERVED_NOT_ZERO);
		wire_fill(&packet, HWB_IO_MEM_OPEN, 9, 0, sizeof(struct hwb_io_mem_request));
		((struct hwb_io_mem_request *)body_of(&packet))->reserved = 1u << bit;
		ck_assert_int_eq(exchange(fd, &packet), HWB_RESERVED_NOT_ZERO);
		wire_fill(&packet, HWB_IO_PORT_OPEN_BAR, 9, 1, sizeof(struct hwb_bar_request));
		((struct hwb_bar_request *)body_of(&packet))->flags = 1u << bit;
		ck_assert_int_eq(exchange(fd, &packet), HWB_UNKNOWN_FLAG);
	}
	expect_alive(fd);
	for (uint32_t opcode = 0; opcode < 0x200; opcode++) {
		bool known = false;
		for (size_t i = 0; i < REQUESTS; i++)
			known = known || requests[i].opcode == opcode;
		if (known)
			continue;
		wire_fill(&packet, opcode, 9, 0, opcode % 100);
		ck_assert_int_eq(exchange(fd, &packet), HWB_UNKNOWN_OPCODE);
	}
	wire_fill(&packet, 0xffff, 9, 0, HWB_MESSAGE_MAX - HEADER);
	ck_assert_int_eq(exchange(fd, &packet), HWB_UNKNOWN_OPCODE);
	expect_alive(fd);
	close(fd);
}
END_TEST

void add_packets(TCase *tests)
{
	tcase_add_test(tests, short_packets);
	tcase_add_loop_test(tests, cut_and_padded_packets, 0, REQUESTS);
	tcase_add_test(tests, long_packets);
	tcase_add_test(tests, lying_headers);
	tcase_add_test(tests, port_counts);
	tcase_add_test(tests, empty_packets);
	tcase_add_test(tests, statuses_that_leave_the_connection_alive);
}
