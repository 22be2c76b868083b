/* SPDX-License-Identifier: MIT */
#include "kit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int connected(void)
{
	int fd = wire_connect(facts.path, SOCK_SEQPACKET);

	if (fd < 0)
		wrong("expected to connect to %s, got: %s", facts.path, strerror(errno));
	return fd;
}

void hello(struct packet *packet, unsigned lowest, unsigned highest)
{
	start(packet, HELLO, 0);
	put(packet, HEADER, 2, lowest);
	put(packet, HEADER + 2, 2, highest);
}

int greeted(void)
{
	struct packet packet;
	int fd = connected();

	hello(&packet, 1, 1);
	want(fd, &packet, OK);
	return fd;
}

void hang_up(int fd)
{
	audit_closed(fd);
	close(fd);
}

void start(struct packet *packet, uint32_t opcode, uint32_t session)
{
	static uint32_t serial = 100;
	const struct operation *operation = operation_of(opcode);

	message(packet, opcode, ++serial, session, operation != NULL ? operation->body : 0);
}

bool say(int fd, const struct packet *packet, const int *fds, size_t count)
{
	if (!wire_send(fd, packet, fds, count, 0))
		return false;
	audit_sent(fd, packet);
	return true;
}

enum arrival hear(int fd, struct packet *packet, int ms)
{
	enum arrival arrival = wire_receive(fd, packet, ms);

	if (arrival == A_PACKET)
		audit_received(fd, packet);
	return arrival;
}

enum arrival hear_reply(int fd, struct packet *packet, int ms)
{
	int64_t end = now_ms() + ms;

	for (;;) {
		int64_t left = end - now_ms();
		enum arrival arrival = hear(fd, packet, left > 0 ? (int)left : 0);
		if (arrival != A_PACKET || get(packet, KIND, 2) != EVENT)
			return arrival;
	}
}

bool hear_event(int fd, struct packet *packet, uint64_t address, int ms)
{
	int64_t end = now_ms() + ms;

	for (;;) {
		int64_t left = end - now_ms();
		if (hear(fd, packet, left > 0 ? (int)left : 0) != A_PACKET)
			return false;
		if (get(packet, KIND, 2) == EVENT && get(packet, OPCODE, 2) == EVENT_DEVICE &&
		    packet->length >= HEADER + 16 && body64(packet, 0) == address)
			return true;
		packet_drop(packet);
	}
}

static uint32_t answer(int fd, struct packet *packet, const int *fds, size_t count)
{
	uint32_t opcode = (uint32_t)get(packet, OPCODE, 2);

	if (!say(fd, packet, fds, count))
		wrong("expected a reply to %s, got: the connection had ended", opcode_name(opcode));
	/* What resets a device may take its time. */
	switch (hear_reply(fd, packet, 4 * PROMPT_MS)) {
	case NOTHING:
		wrong("expected a reply to %s, got none", opcode_name(opcode));
	case THE_END:
		wrong("expected a reply to %s, got the end of the connection", opcode_name(opcode));
	case A_PACKET:
		break;
	}
	return get32(packet, STATUS);
}

uint32_t ask(int fd, struct packet *packet)
{
	return answer(fd, packet, NULL, 0);
}

uint32_t ask_with(int fd, struct packet *packet, int passed)
{
	put(packet, FDS, 2, 1);
	return answer(fd, packet, &passed, 1);
}

/* The sentence of a refusal. */
static const char *reason(const struct packet *packet)
{
	static char text[REASON_MAX + 3];
	size_t length = packet->length < HEADER + 16 ? 0 : packet->length - HEADER - 16;

	if (get32(packet, STATUS) == OK || length == 0 || length > REASON_MAX)
		return "";
	memcpy(text, ": ", 2);
	memcpy(text + 2, packet->bytes + HEADER + 16, length);
	text[length + 2] = '\0';
	return text;
}

static void compare(struct packet *packet, uint32_t opcode, enum status status)
{
	uint32_t got = get32(packet, STATUS);

	if (got != status)
		wrong("%s: expected %s, got %s%s", opcode_name(opcode), status_name(status),
		      status_name(got), reason(packet));
}

void want(int fd, struct packet *packet, enum status status)
{
	uint32_t opcode = (uint32_t)get(packet, OPCODE, 2);

	ask(fd, packet);
	compare(packet, opcode, status);
}

void want_with(int fd, struct packet *packet, int passed, enum status status)
{
	uint32_t opcode = (uint32_t)get(packet, OPCODE, 2);

	ask_with(fd, packet, passed);
	compare(packet, opcode, status);
}

void want_end(int fd)
{
	struct packet packet;

	switch (hear_reply(fd, &packet, PROMPT_MS)) {
	case NOTHING:
		wrong("expected the end of the connection, got nothing");
	case A_PACKET:
		wrong("expected the end of the connection, got a reply to %s",
		      opcode_name((uint32_t)get(&packet, OPCODE, 2)));
	case THE_END:
		break;
	}
}

void want_final(int fd, const struct packet *packet, const int *fds, size_t count,
                enum status status)
{
	struct packet reply;

	if (!say(fd, packet, fds, count))
		wrong("expected %s, got: the connection had ended", status_name(status));
	switch (hear_reply(fd, &reply, PROMPT_MS)) {
	case NOTHING:
		wrong("expected %s, got nothing", status_name(status));
	case THE_END:
		wrong("expected %s, got the end of the connection without it", status_name(status));
	case A_PACKET:
		break;
	}
	compare(&reply, (uint32_t)get(packet, OPCODE, 2), status);
	want_end(fd);
}

void want_alive(int fd)
{
	struct packet packet;

	start(&packet, PING, 0);
	want(fd, &packet, OK);
}
