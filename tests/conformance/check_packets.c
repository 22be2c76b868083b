/* SPDX-License-Identifier: MIT */
/* Sections "Transport" and "Messages", and "Order of the checks". */
#include "kit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void socket_type(void)
{
	int fd = wire_connect(facts.path, SOCK_STREAM);

	if (fd >= 0 || errno != EPROTOTYPE)
		wrong("expected EPROTOTYPE for a stream socket, got %s",
		      fd >= 0 ? "a connection" : strerror(errno));
	connected();
}

static void anyone_connects(void)
{
	struct stat state;

	if (stat(facts.path, &state) != 0)
		wrong("expected a socket at %s, got: %s", facts.path, strerror(errno));
	if ((state.st_mode & 0222) != 0222)
		wrong("expected a socket that all may write to, got mode 0%o",
		      (unsigned)state.st_mode & 07777);
}

static void one_packet(void)
{
	struct packet packet;
	int fd = greeted();

	for (unsigned i = 0; i < 20; i++) {
		start(&packet, PING, 0);
		say(fd, &packet, NULL, 0);
	}
	for (unsigned i = 0; i < 20; i++) {
		if (hear_reply(fd, &packet, PROMPT_MS) != A_PACKET)
			wrong("expected 20 packets for 20 requests, got %u", i);
		if (packet.length != HEADER)
			wrong("expected a reply of 24 bytes in each packet, got %zu",
			      packet.length);
	}
	if (hear_reply(fd, &packet, SILENCE_MS) == A_PACKET)
		wrong("expected 20 packets for 20 requests, got more");
}

/* A pipe of which the broker is sent an end, many times. */
static void many_ends(int ends[2], int fds[FDS_ROOM], size_t count)
{
	if (pipe(ends) != 0)
		skip("no pipe to be had: %s", strerror(errno));
	for (size_t i = 0; i < count; i++)
		fds[i] = ends[1];
}

/* Nobody else has the pipe's other end any more. */
static void want_closed(int ends[2])
{
	struct pollfd wait = { .fd = ends[0] };

	close(ends[1]);
	if (poll(&wait, 1, PROMPT_MS) != 1 || (wait.revents & POLLHUP) == 0)
		wrong("expected the descriptors to be closed, got: still open");
	close(ends[0]);
}

/* With each kind of broken packet, and of a request that is only refused. */
static void fds_closed(void)
{
	int fds[FDS_ROOM], ends[2];
	struct packet packet;

	for (unsigned kind = 0; kind < 4; kind++) {
		int fd = kind == 3 ? connected() : greeted();
		many_ends(ends, fds, 1);
		start(&packet, kind == 2 ? DMA_MAP : PING, 0);
		put(&packet, FDS, 2, kind == 0 ? 0 : 1);
		if (kind == 1)
			packet.length += 8;
		say(fd, &packet, fds, 1);
		want_closed(ends);
		hang_up(fd);
	}
}

static void fds_unexpected(void)
{
	int fds[FDS_ROOM], ends[2];
	struct packet packet;

	many_ends(ends, fds, 3);
	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *operation = &operations[i];
		for (size_t count = 0; count < 3; count++) {
			if (count == operation->fds)
				continue;
			int fd = operation->opcode == HELLO ? connected() : greeted();
			start(&packet, operation->opcode, 0);
			put(&packet, FDS, 2, count);
			want_final(fd, &packet, fds, count, MALFORMED);
			hang_up(fd);
		}
	}
}

static void fds_cut(void)
{
	int fds[FDS_ROOM], ends[2];
	struct packet packet;
	int fd = greeted();

	many_ends(ends, fds, 250);
	start(&packet, PING, 0);
	put(&packet, FDS, 2, 250);
	say(fd, &packet, fds, 250);
	enum arrival arrival = hear_reply(fd, &packet, PROMPT_MS);
	if (arrival == NOTHING || (arrival == A_PACKET && get32(&packet, STATUS) != MALFORMED))
		wrong("expected MALFORMED or the end, got %s",
		      arrival == NOTHING ? "nothing" : status_name(get32(&packet, STATUS)));
	if (arrival == A_PACKET)
		want_end(fd);
	want_closed(ends);
}

static void too_long(void)
{
	struct packet packet;

	for (size_t length = MESSAGE_MAX + 1; length <= PACKET_ROOM; length += 4095) {
		int fd = greeted();
		start(&packet, PING, 0);
		packet.length = length;
		put32(&packet, LENGTH, (uint32_t)length);
		want_final(fd, &packet, NULL, 0, MALFORMED);
		hang_up(fd);
	}
}

static void wrong_length(const struct operation *operation, int said, int sent)
{
	struct packet packet;
	int fd = operation->opcode == HELLO ? connected() : greeted();
	int ends[2];

	if (pipe(ends) != 0)
		skip("no pipe to be had: %s", strerror(errno));
	start(&packet, operation->opcode, 0);
	put(&packet, FDS, 2, operation->fds);
	put32(&packet, LENGTH, (uint32_t)((int)packet.length + said));
	packet.length = (size_t)((int)packet.length + sent);
	want_final(fd, &packet, &ends[1], operation->fds, MALFORMED);
	close(ends[0]);
	close(ends[1]);
	hang_up(fd);
}

static void length(void)
{
	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *operation = &operations[i];
		wrong_length(operation, 0, 8);
		wrong_length(operation, 8, 0);
		wrong_length(operation, 8, 8);
		if (operation->body == 0)
			continue;
		wrong_length(operation, 0, -4);
		wrong_length(operation, -4, 0);
		wrong_length(operation, -4, -4);
	}
}

static void zero_length(void)
{
	struct packet packet;
	int fd = greeted();

	message(&packet, PING, 1, 0, 0);
	packet.length = 0;
	if (!wire_send(fd, &packet, NULL, 0, 0))
		wrong("expected to send a packet of length 0, got: %s", strerror(errno));
	want_end(fd);
}

static void little_endian(void)
{
	struct packet packet;
	int fd = connected();

	hello(&packet, 1, 1);
	want(fd, &packet, OK);
	if (body32(&packet, 4) == MESSAGE_MAX << 8)
		wrong("HELLO, message_max: expected 4096 as 00 10 00 00, got %02x %02x %02x %02x",
		      packet.bytes[HEADER + 4], packet.bytes[HEADER + 5], packet.bytes[HEADER + 6],
		      packet.bytes[HEADER + 7]);
}

static void reserved_zero(void)
{
	struct packet packet;

	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *operation = &operations[i];
		/* HELLO has a rule of its own; what needs a handle is checked before it. */
		if (operation->reserved.size == 0 || operation->opcode == HELLO)
			continue;
		for (uint16_t byte = 0; byte < operation->reserved.size; byte++) {
			int fd = greeted();
			int passed = operation->fds == 0 ? -1 : memfd(PAGE, 0);
			start(&packet, operation->opcode, 0);
			packet.bytes[HEADER + operation->reserved.offset + byte] = 0x80;
			if (passed >= 0)
				want_with(fd, &packet, passed, RESERVED_NOT_ZERO);
			else
				want(fd, &packet, RESERVED_NOT_ZERO);
			want_alive(fd);
			hang_up(fd);
		}
	}
}

static void is_name(const unsigned char *text, size_t size, const char *what)
{
	size_t used = strnlen((const char *)text, size);

	if (used == size)
		wrong("%s: expected a zero byte at the end, got none", what);
	for (size_t i = used; i < size; i++)
		if (text[i] != 0)
			wrong("%s: expected zero bytes after the name, got 0x%02x", what, text[i]);
}

static void name(void)
{
	struct packet packet;
	int fd = connected();

	hello(&packet, 1, 1);
	want(fd, &packet, OK);
	is_name(packet.bytes + HEADER + 40, 32, "client");
}

static void serials(void)
{
	static const uint32_t values[] = { 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	struct packet packet;
	int fd = greeted();

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		start(&packet, PING, 0);
		put32(&packet, SERIAL, values[i]);
		want(fd, &packet, OK);
		if (get32(&packet, SERIAL) != values[i])
			wrong("expected serial 0x%x, got 0x%x", values[i], get32(&packet, SERIAL));
	}
}

static void serial_zero(void)
{
	struct packet packet;
	int fd = greeted();

	start(&packet, PING, 0);
	put32(&packet, SERIAL, 0);
	want(fd, &packet, INVALID);
	want_alive(fd);
}

static void serial_twice(void)
{
	struct packet packet;
	int fd = greeted();

	start(&packet, PING, 0);
	uint32_t serial = get32(&packet, SERIAL);
	say(fd, &packet, NULL, 0);
	say(fd, &packet, NULL, 0);
	for (unsigned i = 0; i < 2; i++)
		if (hear_reply(fd, &packet, PROMPT_MS) != A_PACKET ||
		    get32(&packet, SERIAL) != serial)
			wrong("expected two replies with the serial, got %u", i);
}

static void short_header(void)
{
	struct packet packet, reply;

	for (size_t bytes = 1; bytes < HEADER; bytes++) {
		int fd = greeted();
		start(&packet, PING, 0);
		packet.length = bytes;
		say(fd, &packet, NULL, 0);
		if (hear_reply(fd, &reply, PROMPT_MS) != A_PACKET)
			wrong("expected a refusal of %zu bytes, got none", bytes);
		if (get32(&reply, STATUS) != MALFORMED || get(&reply, OPCODE, 2) != 0 ||
		    get32(&reply, SERIAL) != 0)
			wrong("expected MALFORMED, opcode 0, serial 0; got %s, %u, %u",
			      status_name(get32(&reply, STATUS)), (unsigned)get(&reply, OPCODE, 2),
			      get32(&reply, SERIAL));
		hang_up(fd);
	}
}

static void one_reply(void)
{
	bool seen[64] = { false };
	struct packet packet;
	int fd = greeted();
	uint32_t first = 0;
	unsigned count = facts.requests_max < 64 ? facts.requests_max : 64;

	for (unsigned i = 0; i < count; i++) {
		start(&packet,
		      i % 3 == 0   ? PING
		      : i % 3 == 1 ? DEVICE_LIST
		                   : DOMAIN_INFO,
		      i % 3 == 2 ? 0xffff : 0);
		first = i == 0 ? get32(&packet, SERIAL) : first;
		say(fd, &packet, NULL, 0);
	}
	for (unsigned i = 0; i < count; i++) {
		if (hear_reply(fd, &packet, PROMPT_MS) != A_PACKET)
			wrong("expected %u replies, got %u", count, i);
		uint32_t which = get32(&packet, SERIAL) - first;
		if (which >= count || seen[which])
			wrong("expected one reply for each serial, got a second one or a stranger's");
		seen[which] = true;
	}
	if (hear_reply(fd, &packet, SILENCE_MS) == A_PACKET)
		wrong("expected %u replies, got one more", count);
}

static void refusal_field(void)
{
	struct packet packet;
	int fd = greeted();

	start(&packet, IO_MEM_OPEN, 0);
	put32(&packet, HEADER + 20, 1);
	want(fd, &packet, RESERVED_NOT_ZERO);
	if (body32(&packet, 4) != HEADER + 20)
		wrong("IO_MEM_OPEN with `reserved' set: expected field %u, got %u", HEADER + 20,
		      body32(&packet, 4));
	start(&packet, PING, 0);
	put32(&packet, SESSION, 77);
	want(fd, &packet, RESERVED_NOT_ZERO);
	if (body32(&packet, 4) != SESSION)
		wrong("PING with a session: expected field %u, got %u", SESSION,
		      body32(&packet, 4));
}

static void unknown_opcode(void)
{
	static const uint16_t opcodes[] = { 0,    4,    0x17, 0x34,   0x57,  0x6f,
		                            0x80, 0x81, 0x82, 0x1000, 0xffff };
	struct packet packet;
	int fd = greeted();

	for (size_t i = 0; i < sizeof(opcodes) / sizeof(opcodes[0]); i++) {
		start(&packet, opcodes[i], 0);
		want(fd, &packet, UNKNOWN_OPCODE);
	}
	want_alive(fd);
}

static void unknown_opcode_fds(void)
{
	struct packet packet;
	int fd = greeted();
	int passed = memfd(PAGE, 0);

	start(&packet, 0x1000, 0);
	put(&packet, FDS, 2, 1);
	want_final(fd, &packet, &passed, 1, MALFORMED);
}

static void unknown_flag(void)
{
	struct packet packet;
	int fd = greeted();

	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *operation = &operations[i];
		if (operation->flags < 0 || operation->opcode == DMA_MAP)
			continue;
		for (uint32_t flag = operation->unused; flag != 0; flag <<= 1) {
			start(&packet, operation->opcode, 0);
			put32(&packet, HEADER + (size_t)operation->flags, flag);
			want(fd, &packet, UNKNOWN_FLAG);
		}
	}
	want_alive(fd);
}

static void bad_header(void)
{
	static const struct {
		size_t offset;
		uint32_t value;
	} faults[] = {
		{ KIND, REPLY }, { KIND, EVENT },        { KIND, 0xffff }, { LENGTH, 0 },
		{ LENGTH, 23 },  { LENGTH, 0xffffffff }, { FDS, 1 },       { FDS, 0xffff },
	};
	struct packet packet;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		int fd = greeted();
		start(&packet, PING, 0);
		put(&packet, faults[i].offset, faults[i].offset == LENGTH ? 4 : 2, faults[i].value);
		want_final(fd, &packet, NULL, 0, MALFORMED);
		hang_up(fd);
	}
}

static void request_status(void)
{
	struct packet packet;
	int fd = greeted();

	for (uint32_t value = 1; value != 0; value <<= 1) {
		start(&packet, PING, 0);
		put32(&packet, STATUS, value);
		want(fd, &packet, RESERVED_NOT_ZERO);
	}
	want_alive(fd);
}

/* Faults of an IO_MEM_OPEN in the order of the list; each is of a field of its own. */
enum fault {
	BY_VERSION,
	BY_LENGTH,
	BY_FDS,
	BY_KIND,
	BY_STATUS,
	BY_SERIAL,
	BY_FD_COUNT,
	BY_BODY,
	BY_SESSION,
	BY_RESERVED,
	BY_FLAGS,
	FAULTS
};

static enum status add_fault(struct packet *packet, enum fault fault, size_t *fds)
{
	switch (fault) {
	case BY_VERSION:
		put(packet, VERSION, 2, 2);
		return BAD_VERSION;
	case BY_LENGTH:
		put32(packet, LENGTH, get32(packet, LENGTH) + 4);
		return MALFORMED;
	case BY_FDS:
		put(packet, FDS, 2, get(packet, FDS, 2) + 3);
		return MALFORMED;
	case BY_KIND:
		put(packet, KIND, 2, REPLY);
		return MALFORMED;
	case BY_STATUS:
		put32(packet, STATUS, 1);
		return RESERVED_NOT_ZERO;
	case BY_SERIAL:
		put32(packet, SERIAL, 0);
		return INVALID;
	case BY_FD_COUNT:
		put(packet, FDS, 2, get(packet, FDS, 2) + 1);
		*fds = 1;
		return MALFORMED;
	case BY_BODY:
		packet->length += 8;
		put32(packet, LENGTH, get32(packet, LENGTH) + 8);
		return MALFORMED;
	case BY_SESSION:
		put32(packet, SESSION, 9);
		return RESERVED_NOT_ZERO;
	case BY_RESERVED:
		put32(packet, HEADER + 20, 1);
		return RESERVED_NOT_ZERO;
	case BY_FLAGS:
	case FAULTS:
		put32(packet, HEADER + 16, 0x80000000);
	}
	return UNKNOWN_FLAG;
}

static void check_order(void)
{
	static const char *const names[FAULTS] = { "version",
		                                   "length",
		                                   "fds",
		                                   "kind",
		                                   "status",
		                                   "serial",
		                                   "number of descriptors",
		                                   "length of the body",
		                                   "session",
		                                   "reserved",
		                                   "flags" };
	/* Where several are to blame the same way, the field tells them apart. */
	static const uint32_t fields[FAULTS] = { VERSION, LENGTH,      FDS,        KIND,
		                                 STATUS,  SERIAL,      FDS,        LENGTH,
		                                 SESSION, HEADER + 20, HEADER + 16 };
	int passed = memfd(PAGE, 0);

	for (unsigned first = 0; first < FAULTS; first++) {
		for (unsigned second = first; second < FAULTS; second++) {
			struct packet packet, reply;
			size_t fds = 0, unused = 0;
			int fd = greeted();
			start(&packet, IO_MEM_OPEN, 0);
			enum status status = add_fault(&packet, (enum fault)first, &fds);
			if (second != first)
				add_fault(&packet, (enum fault)second,
				          second == BY_FD_COUNT ? &fds : &unused);
			say(fd, &packet, &passed, fds);
			if (hear_reply(fd, &reply, PROMPT_MS) != A_PACKET)
				wrong("wrong %s and %s: expected a refusal, got none", names[first],
				      names[second]);
			if (get32(&reply, STATUS) != status)
				wrong("wrong %s and %s: expected %s, got %s", names[first],
				      names[second], status_name(status),
				      status_name(get32(&reply, STATUS)));
			if (reply.length >= HEADER + 16 && body32(&reply, 4) != 0 &&
			    body32(&reply, 4) != fields[first])
				wrong("wrong %s and %s: expected field %u, got %u", names[first],
				      names[second], fields[first], body32(&reply, 4));
			hang_up(fd);
		}
	}
}

const struct check packet_checks[] = {
	{ "socket", "the socket is of type SOCK_SEQPACKET", socket_type, false },
	{ "anyone-connects", "the socket's mode lets anyone connect", anyone_connects, false },
	{ "one-packet", "one packet is one message", one_packet, false },
	{ "packet-max", "no packet is longer than 4096 bytes", NULL, false },
	{ "fds-max", "up to 64 descriptors come, in one control message", NULL, false },
	{ "fds-closed", "descriptors beside a packet that is refused are closed", fds_closed,
	  false },
	{ "too-long", "a packet of more than 4096 bytes ends the connection", too_long, false },
	{ "fds-unexpected", "another number of descriptors ends the connection, for each opcode",
	  fds_unexpected, false },
	{ "fds-cut", "250 descriptors are closed and end the connection", fds_cut, false },
	{ "length", "a wrong length ends the connection, for each opcode", length, false },
	{ "zero-length", "a packet of length zero ends the connection", zero_length, false },
	{ "little-endian", "numbers are little-endian", little_endian, false },
	{ "reserved-zero", "each byte of each reserved field is checked", reserved_zero, false },
	{ "name", "a name is padded with zero bytes", name, false },
	{ "header-version", "version 1 in each message", NULL, false },
	{ "header-length", "each packet is as long as it says", NULL, false },
	{ "header-kind", "what comes is a reply or an event", NULL, false },
	{ "header-fds", "as many descriptors come as the header says", NULL, false },
	{ "reply-serial", "a reply repeats the serial", serials, false },
	{ "reply-opcode", "a reply repeats the opcode", NULL, false },
	{ "reply-session", "a reply repeats the session", NULL, false },
	{ "reply-body", "a reply has its opcode's body and descriptors", NULL, false },
	{ "body-length", "a message is as long as its body wants", NULL, false },
	{ "one-reply", "each request gets exactly one reply", one_reply, false },
	{ "refusal-form", "a refusal has its body and no descriptors", NULL, false },
	{ "refusal-reason", "the sentence is UTF-8 of up to 1024 bytes", NULL, false },
	{ "refusal-errno", "host_errno is 0 but with HOST_ERROR", NULL, false },
	{ "refusal-field", "a refusal names the field to blame", refusal_field, false },
	{ "short-header", "less than a header is refused with opcode 0, serial 0", short_header,
	  false },
	{ "serial-zero", "serial 0 is INVALID", serial_zero, false },
	{ "serial-twice", "two requests with one serial get two replies", serial_twice, false },
	{ "unknown-opcode", "an unknown opcode is refused, no more", unknown_opcode, false },
	{ "unknown-opcode-fds", "an unknown opcode with descriptors ends the connection",
	  unknown_opcode_fds, false },
	{ "unknown-flag", "each flag that no one knows is refused, no more", unknown_flag, false },
	{ "bad-header", "wrong kind, length or fds end the connection", bad_header, false },
	{ "request-status", "a status in a request is refused, no more", request_status, false },
	{ "check-order", "of two faults the first of the list is reported", check_order, false },
	{ .rule = NULL },
};
