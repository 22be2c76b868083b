/* SPDX-License-Identifier: MIT */
/* Packets that are not what PROTOCOL.md says. */
#include "hostile.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANDSHAKE_MS = 10000, SLACK_MS = 5000 }; /* PROTOCOL.md, "Limits" */

/* `length` bytes on a fresh connection: this status, then the end. */
static void expect_final(const struct packet *packet, size_t length, int status)
{
	struct packet answer;
	int fd = client();

	expect(wire_send(fd, packet->bytes, length, NULL, 0), "hung up before");
	expect(wire_reply(fd, &answer), "no refusal before the end (%zu bytes)", length);
	expect(header_of(&answer)->status == (uint32_t)status, "status %u and not %d",
	       header_of(&answer)->status, status);
	expect_end(fd);
	close(fd);
}

/* A packet is a message: pieces of one are none. */
static void in_pieces(void)
{
	struct packet packet;
	int silent = wire_open();
	int64_t start = now_ms();

	fill(&packet, HWB_PING, 0, NULL, 0);
	for (size_t length = 1; length < HEADER; length++)
		expect_final(&packet, length, HWB_MALFORMED);
	/* Before HELLO as well. */
	int fd = wire_open();
	wire_send(fd, packet.bytes, HEADER / 2, NULL, 0);
	expect(wire_reply(fd, &packet) && header_of(&packet)->status == HWB_MALFORMED,
	       "half a header is no end");
	expect_end(fd);
	/* Who says nothing has its time, and no more. */
	expect(wire_ended(silent, HANDSHAKE_MS + SLACK_MS), "silence has no end");
	expect(now_ms() - start > HANDSHAKE_MS - 1000, "dropped after %d ms",
	       (int)(now_ms() - start));
}

static void lying_lengths(void)
{
	static const uint32_t lengths[] = { 0,    1,     23,    25,          4095,
		                            4096, 65535, 65536, 0x80000000u, UINT32_MAX };
	static const size_t sizes[] = { HWB_MESSAGE_MAX + 1, 2 * HWB_MESSAGE_MAX };
	struct packet packet;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		fill(&packet, HWB_PING, 0, NULL, 0);
		header_of(&packet)->length = lengths[i];
		expect_final(&packet, HEADER, HWB_MALFORMED);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fill(&packet, HWB_PING, 0, NULL, sizes[i] - HEADER);
		expect_final(&packet, sizes[i], HWB_MALFORMED);
	}
	/* The lengths inside: operations of a batch. */
	static const uint32_t counts[] = { 1, 256, 257, 0x20000000u, UINT32_MAX };
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		const struct hwb_port_batch batch = { .count = counts[i] };
		fill(&packet, HWB_IO_PORT_BATCH, 1, &batch, sizeof(batch));
		expect_final(&packet, packet.length, HWB_MALFORMED);
	}
}

/* Each has a status of its own, and the connection is served on. */
static void unknown_words(void)
{
	const struct hwb_acquire_request flags = { .flags = 1u << 31 };
	const struct hwb_io_mem_request reserved = { .base = PAGE, .size = PAGE, .reserved = 1 };
	struct packet packet;
	int fd = client();

	static const uint32_t opcodes[] = { 0, 4, 0x17, 0x5f, 0x6f, 0x80, 0x7777, 0xffff };
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++)
		expect(request(fd, opcodes[i], 0, NULL, 0) == HWB_UNKNOWN_OPCODE, "opcode 0x%x",
		       opcodes[i]);
	expect(request(fd, HWB_DEVICE_ACQUIRE, 0, &flags, sizeof(flags)) == HWB_UNKNOWN_FLAG,
	       "a flag that is none");
	expect(request(fd, HWB_IO_MEM_OPEN, 0, &reserved, sizeof(reserved)) ==
	               HWB_RESERVED_NOT_ZERO,
	       "a field that is none");
	fill(&packet, HWB_PING, 0, NULL, 0);
	header_of(&packet)->status = 1;
	expect(wire_exchange(fd, &packet) == HWB_RESERVED_NOT_ZERO, "a status in a request");
	fill(&packet, HWB_PING, 0, NULL, 0);
	header_of(&packet)->serial = 0;
	expect(wire_exchange(fd, &packet) == HWB_INVALID, "serial 0");
	expect(ping(fd) == HWB_OK, "the connection is not served on");
}

/* The end for both sides, and nobody else's; what comes behind it is not served. */
static void empty_packets(void)
{
	struct packet packet;

	for (unsigned way = 0; way < 4; way++) {
		int other = client();
		int fd = way == 0 ? wire_open() : client();
		int ends[2] = { -1, -1 };
		if (way == 3)
			expect(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
		wire_send(fd, "", 0, ends, way == 3 ? 1 : 0);
		if (way == 2) {
			fill(&packet, HWB_DOMAIN_OPEN, 0, NULL, 0);
			wire_send(fd, packet.bytes, packet.length, NULL, 0);
		}
		expect_end(fd);
		expect(ping(other) == HWB_OK, "another connection is not served");
		expect_service();
		close(fd);
		close(other);
		close_fds(ends, way == 3 ? 2 : 0);
	}
	int fd = client();
	expect(shutdown(fd, SHUT_WR) == 0, "shutdown");
	expect_end(fd);
}

const struct hostile_case packet_cases[] = {
	{ 4, "pieces of a message, and silence, end a connection", in_pieces, 0, 0 },
	{ 5, "lengths that are not true are refused before anything is made of them", lying_lengths,
	  0, 0 },
	{ 6, "unknown opcodes, flags and reserved fields are refused by name", unknown_words, 0,
	  0 },
	{ 7, "an empty packet is the end of its connection and of no other", empty_packets, 0, 0 },
	{ 0 },
};
