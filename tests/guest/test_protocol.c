/* SPDX-License-Identifier: MIT */
/*
 * Hostile input on the wire, against the running daemon, as an unprivileged
 * user: what PROTOCOL.md says of broken packets, order, handles and flow.
 *
 * Raw sockets on purpose: the client library could not say such things. After
 * each test a well-behaved connection must be served at once. Whether the daemon
 * closed descriptors that it was sent shows at the other end of a pipe.
 *
 * The socket is $HWBROKER_SOCKET, or the usual one. The policy must make this
 * user a client; tests use devices, ports and domains if they are granted.
 */
#define _GNU_SOURCE /* struct ucred */
#include "leak.h"
#include "suite.h"
#include "wire.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	PROMPT_MS = 3000,     /* what is to happen at once */
	HANDSHAKE_MS = 10000, /* PROTOCOL.md, "Limits" */
	READER_MS = 5000,
	SLACK_MS = 5000,
	MANY_FDS = 250, /* the kernel takes 253 in one message */
	NO_STATUS = WIRE_ENDED
};

const int wire_patience_ms = PROMPT_MS;
const int leak_patience_ms = PROMPT_MS;

_Noreturn void expect_failed(const char *file, int line, const char *condition, const char *format,
                             ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ck_abort_msg("%s:%d: not %s: %s", file, line, condition, text);
}

/* The next reply; events are passed over. No test wants descriptors. False: the end. */
static bool reply(int fd, struct packet *packet)
{
	bool came = wire_reply(fd, packet);

	close_fds(packet->fds, packet->fd_count);
	return came;
}

/* ---- messages --------------------------------------------------------- */

static void fill_hello(struct packet *packet, uint16_t lowest, uint16_t highest)
{
	wire_fill(packet, HWB_HELLO, 1, 0, sizeof(struct hwb_hello_request));
	*(struct hwb_hello_request *)body_of(packet) =
	        (struct hwb_hello_request){ .version_min = lowest, .version_max = highest };
}

/* The status of the answer, which is in `packet` afterwards; or NO_STATUS. */
static int exchange(int fd, struct packet *packet)
{
	int status = wire_exchange(fd, packet);

	if (status != NO_STATUS)
		close_fds(packet->fds, packet->fd_count);
	return status;
}

static int ping(int fd)
{
	struct packet packet;

	wire_fill(&packet, HWB_PING, 0x70696e67, 0, 0);
	return exchange(fd, &packet);
}

/* A connection that has said HELLO. */
static int wire_greeted(struct hwb_hello_reply *hello)
{
	struct packet packet;
	int fd = wire_open();

	fill_hello(&packet, 1, 1);
	ck_assert_msg(exchange(fd, &packet) == HWB_OK,
	              "HELLO is refused: does the policy make uid %u a client?", getuid());
	ck_assert_uint_eq(packet.length, HEADER + sizeof(*hello));
	if (hello != NULL)
		memcpy(hello, body_of(&packet), sizeof(*hello));
	return fd;
}

/* A fresh client is served, at once: nothing that a test did is in its way. */
static void witness(void)
{
	int64_t start = now_ms();
	int fd = wire_greeted(NULL);

	ck_assert_int_eq(ping(fd), HWB_OK);
	ck_assert_int_lt(now_ms() - start, PROMPT_MS);
	close(fd);
}

static void expect_alive(int fd)
{
	ck_assert_int_eq(ping(fd), HWB_OK);
}

/* ---- opcodes ---------------------------------------------------------- */

struct request {
	uint32_t opcode;
	size_t body;
	unsigned session; /* enum hwb_session_kind of header.session, or one of: */
	bool fd;
};

enum { NO_SESSION = 0, ANY_SESSION = 100, DEVICE_OR_NONE = 101 };

static const struct request requests[] = {
	{ HWB_HELLO, sizeof(struct hwb_hello_request), NO_SESSION, false },
	{ HWB_PING, 0, NO_SESSION, false },
	{ HWB_CLOSE, 0, ANY_SESSION, false },
	{ HWB_DEVICE_LIST, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_DEVICE_INFO, sizeof(struct hwb_device_info_request), DEVICE_OR_NONE, false },
	{ HWB_DEVICE_ACQUIRE, sizeof(struct hwb_acquire_request), NO_SESSION, false },
	{ HWB_CONFIG_READ, sizeof(struct hwb_config_access), HWB_SESSION_DEVICE, false },
	{ HWB_CONFIG_WRITE, sizeof(struct hwb_config_access), HWB_SESSION_DEVICE, false },
	{ HWB_DEVICE_ACQUIRE_ANY, sizeof(struct hwb_acquire_any_request), NO_SESSION, false },
	{ HWB_DEVICE_FD, 0, HWB_SESSION_DEVICE, false },
	{ HWB_IO_MEM_OPEN, sizeof(struct hwb_io_mem_request), NO_SESSION, false },
	{ HWB_IO_MEM_OPEN_BAR, sizeof(struct hwb_bar_request), HWB_SESSION_DEVICE, false },
	{ HWB_IO_MEM_BATCH, sizeof(struct hwb_mem_batch), HWB_SESSION_IO_MEM, false },
	{ HWB_IO_MEM_LIST, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_IO_PORT_OPEN, sizeof(struct hwb_io_port_request), NO_SESSION, false },
	{ HWB_IO_PORT_OPEN_BAR, sizeof(struct hwb_bar_request), HWB_SESSION_DEVICE, false },
	{ HWB_IO_PORT_BATCH, sizeof(struct hwb_port_batch), HWB_SESSION_IO_PORT, false },
	{ HWB_IO_PORT_LIST, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_IRQ_OPEN, sizeof(struct hwb_irq_request), DEVICE_OR_NONE, false },
	{ HWB_IRQ_ENABLE, 0, HWB_SESSION_IRQ, false },
	{ HWB_IRQ_ACK, 0, HWB_SESSION_IRQ, false },
	{ HWB_IRQ_FDS, sizeof(struct hwb_irq_fds), HWB_SESSION_IRQ, false },
	{ HWB_IRQ_OPEN_NUMBER, sizeof(struct hwb_line_request), NO_SESSION, false },
	{ HWB_IRQ_LIST, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_DOMAIN_OPEN, 0, NO_SESSION, false },
	{ HWB_DOMAIN_INFO, sizeof(struct hwb_list_request), HWB_SESSION_DOMAIN, false },
	{ HWB_DOMAIN_ASSIGN, sizeof(struct hwb_assign_request), HWB_SESSION_DOMAIN, false },
	{ HWB_DOMAIN_DEASSIGN, sizeof(struct hwb_assign_request), HWB_SESSION_DOMAIN, false },
	{ HWB_DMA_ALLOC, sizeof(struct hwb_dma_alloc_request), HWB_SESSION_DOMAIN, false },
	{ HWB_DMA_MAP, sizeof(struct hwb_dma_map_request), HWB_SESSION_DOMAIN, true },
	{ HWB_DMA_UNMAP, sizeof(struct hwb_dma_unmap_request), HWB_SESSION_DOMAIN, false },
	{ HWB_ADMIN_STATUS, 0, NO_SESSION, false },
	{ HWB_ADMIN_DEVICES, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_CLIENTS, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_SESSIONS, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_GIVEN, sizeof(struct hwb_given_request), NO_SESSION, false },
	{ HWB_ADMIN_REVOKE, sizeof(struct hwb_revoke_request), NO_SESSION, false },
	{ HWB_ADMIN_CLEAR, sizeof(struct hwb_clear_request), NO_SESSION, false },
	{ HWB_ADMIN_GROUPS, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_EXPLAIN, sizeof(struct hwb_explain_request), NO_SESSION, false },
	{ HWB_ADMIN_AUDIT, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_RELEASE, sizeof(struct hwb_release_request), NO_SESSION, false },
	{ HWB_ADMIN_RELOAD, 0, NO_SESSION, false },
	{ HWB_ADMIN_RULES, sizeof(struct hwb_list_request), NO_SESSION, false },
	{ HWB_ADMIN_MONITOR, 0, NO_SESSION, false },
	{ HWB_ADMIN_METRICS, sizeof(struct hwb_list_request), NO_SESSION, false },
};

enum { REQUESTS = sizeof(requests) / sizeof(requests[0]) };

/* ---- broken packets: refused, closed ----------------------------------- */

/* On a fresh connection: `status`, then the end. */
static void expect_final(const struct packet *packet, size_t length, enum hwb_status status)
{
	struct packet answer;
	int fd = wire_greeted(NULL);

	ck_assert(wire_send(fd, packet->bytes, length, NULL, 0));
	ck_assert_msg(reply(fd, &answer), "no refusal before the end (%zu bytes)", length);
	ck_assert_uint_eq(header_of(&answer)->status, status);
	expect_end(fd);
	close(fd);
}

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

/* ---- descriptors ------------------------------------------------------ */

static void expect_fds_refused(uint32_t opcode, size_t body, size_t count, uint16_t told)
{
	struct packet packet;

	wire_fill(&packet, opcode, 9, 0, body);
	leak_expect_refused(wire_greeted(NULL), &packet, count, told);
}

START_TEST(unexpected_descriptors)
{
	static const size_t counts[] = { 1, 2, 5, 64, MANY_FDS };
	const struct request *request = &requests[_i];

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (request->fd && counts[i] == 1) {
			expect_fds_refused(request->opcode, request->body, 1, 0);
			expect_fds_refused(request->opcode, request->body, 1, 2);
			continue;
		}
		expect_fds_refused(request->opcode, request->body, counts[i], 0);
		expect_fds_refused(request->opcode, request->body, counts[i], (uint16_t)counts[i]);
	}
}
END_TEST

START_TEST(descriptors_beside_broken_packets)
{
	static const size_t counts[] = { 1, 64 };
	struct packet packet;

	for (size_t i = 0; i < 2; i++) {
		expect_fds_refused(0x7777, 0, counts[i], (uint16_t)counts[i]);
		expect_fds_refused(HWB_PING, HWB_MESSAGE_MAX, counts[i], (uint16_t)counts[i]);

		/* With an empty packet, with less than a header, before HELLO. */
		static const size_t lengths[] = { 0, 1, HEADER };
		for (size_t j = 0; j < 3; j++) {
			struct leak leak;
			int fd = wire_open();
			leak_prepare(&leak, counts[i]);
			wire_fill(&packet, HWB_PING, 9, 0, 0);
			wire_send(fd, packet.bytes, lengths[j], leak.fds, counts[i]);
			if (reply(fd, &packet)) {
				ck_assert_uint_eq(header_of(&packet)->status, HWB_MALFORMED);
				expect_end(fd);
			}
			leak_check(&leak);
			close(fd);
		}
	}
	/* DMA_MAP without its descriptor. */
	wire_fill(&packet, HWB_DMA_MAP, 9, 0, sizeof(struct hwb_dma_map_request));
	expect_final(&packet, packet.length, HWB_MALFORMED);
	header_of(&packet)->fds = 1;
	expect_final(&packet, packet.length, HWB_MALFORMED);
}
END_TEST

START_TEST(two_control_messages)
{
	enum { EACH = CMSG_SPACE(sizeof(int)) };
	_Alignas(8) unsigned char control[2 * EACH] = { 0 };
	struct packet packet;
	struct leak leak;
	int fd = wire_greeted(NULL);

	leak_prepare(&leak, 2);
	for (size_t i = 0; i < 2; i++) {
		struct cmsghdr *rights = (struct cmsghdr *)(control + i * EACH);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &leak.fds[i], sizeof(int));
	}
	wire_fill(&packet, HWB_DMA_MAP, 9, 1, sizeof(struct hwb_dma_map_request));
	header_of(&packet)->fds = 1;
	struct iovec part = { .iov_base = packet.bytes, .iov_len = packet.length };
	struct msghdr message = { .msg_iov = &part,
		                  .msg_iovlen = 1,
		                  .msg_control = control,
		                  .msg_controllen = sizeof(control) };
	ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)packet.length);
	ck_assert(reply(fd, &packet));
	ck_assert_uint_eq(header_of(&packet)->status, HWB_MALFORMED);
	expect_end(fd);
	leak_check(&leak);
	close(fd);
}
END_TEST

/* One that is wanted is closed as well, once its request was refused. */
START_TEST(descriptor_of_a_refused_request)
{
	struct packet packet;
	struct leak leak;
	int fd = wire_greeted(NULL);

	leak_prepare(&leak, 1);
	wire_fill(&packet, HWB_DMA_MAP, 9, 12345, sizeof(struct hwb_dma_map_request));
	header_of(&packet)->fds = 1;
	ck_assert(wire_send(fd, packet.bytes, packet.length, leak.fds, 1));
	ck_assert(reply(fd, &packet));
	ck_assert_uint_eq(header_of(&packet)->status, HWB_NO_SESSION);
	leak_check(&leak);
	expect_alive(fd);
	close(fd);
}
END_TEST

/* Control data that is no descriptor harms nobody. */
START_TEST(credentials_in_a_control_message)
{
	_Alignas(8) unsigned char control[CMSG_SPACE(sizeof(struct ucred))] = { 0 };
	const struct ucred mine = { .pid = getpid(), .uid = getuid(), .gid = getgid() };
	struct cmsghdr *part = (struct cmsghdr *)control;
	struct packet packet;
	int fd = wire_greeted(NULL);

	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_CREDENTIALS;
	part->cmsg_len = CMSG_LEN(sizeof(mine));
	memcpy(CMSG_DATA(part), &mine, sizeof(mine));
	wire_fill(&packet, HWB_PING, 9, 0, 0);
	struct iovec bytes = { .iov_base = packet.bytes, .iov_len = packet.length };
	struct msghdr message = { .msg_iov = &bytes,
		                  .msg_iovlen = 1,
		                  .msg_control = control,
		                  .msg_controllen = sizeof(control) };
	ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), HEADER);
	ck_assert(reply(fd, &packet));
	ck_assert_uint_eq(header_of(&packet)->status, HWB_OK);
	close(fd);
}
END_TEST

/* ---- HELLO ------------------------------------------------------------ */

START_TEST(nothing_before_hello)
{
	const struct request *request = &requests[_i];
	struct packet packet;
	int fd = wire_open();

	if (request->opcode == HWB_HELLO || request->fd) {
		close(fd);
		return;
	}
	wire_fill(&packet, request->opcode, 9, 0, request->body);
	ck_assert_int_eq(exchange(fd, &packet), HWB_MALFORMED);
	expect_end(fd);
	close(fd);
}
END_TEST

START_TEST(no_leniency_before_hello)
{
	struct packet packet;

	for (unsigned fault = 0; fault < 5; fault++) {
		int fd = wire_open();
		fill_hello(&packet, 1, 1);
		switch (fault) {
		case 0:
			header_of(&packet)->opcode = 0x7777;
			break;
		case 1:
			header_of(&packet)->serial = 0;
			break;
		case 2:
			header_of(&packet)->status = 1;
			break;
		case 3:
			header_of(&packet)->session = 1;
			break;
		default:
			((struct hwb_hello_request *)body_of(&packet))->reserved = 1;
			break;
		}
		ck_assert_int_eq(exchange(fd, &packet), HWB_MALFORMED);
		expect_end(fd);
		close(fd);
	}
}
END_TEST

START_TEST(second_hello)
{
	struct packet packet;

	fill_hello(&packet, 1, 1);
	expect_final(&packet, packet.length, HWB_MALFORMED);
}
END_TEST

START_TEST(hello_versions)
{
	static const struct {
		uint16_t lowest, highest;
		int status;
	} cases[] = {
		{ 1, 1, HWB_OK },          { 0, 1, HWB_OK },
		{ 1, 0xffff, HWB_OK },     { 0, 0xffff, HWB_OK },
		{ 0, 0, HWB_BAD_VERSION }, { 2, 2, HWB_BAD_VERSION },
		{ 2, 9, HWB_BAD_VERSION }, { 2, 1, HWB_BAD_VERSION },
		{ 1, 0, HWB_BAD_VERSION }, { 0xffff, 0, HWB_BAD_VERSION },
	};
	struct packet packet;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = wire_open();
		fill_hello(&packet, cases[i].lowest, cases[i].highest);
		ck_assert_int_eq(exchange(fd, &packet), cases[i].status);
		if (cases[i].status == HWB_OK) {
			const struct hwb_hello_reply *hello = body_of(&packet);
			ck_assert_uint_eq(hello->version, 1);
			ck_assert_uint_eq(hello->message_max, HWB_MESSAGE_MAX);
			ck_assert_uint_ge(hello->requests_max, 1);
			ck_assert(hello->client[HWB_NAME_SIZE - 1] == '\0');
			expect_alive(fd);
		} else {
			expect_end(fd);
		}
		close(fd);
	}
	/* A header of another version, whatever the body offers. */
	int fd = wire_open();
	fill_hello(&packet, 1, 1);
	header_of(&packet)->version = 2;
	ck_assert_int_eq(exchange(fd, &packet), HWB_BAD_VERSION);
	expect_end(fd);
	close(fd);
}
END_TEST

/* What ends a connection is the first thing that the client hears, even if it has
 * sent more meanwhile. */
START_TEST(last_words_come_first)
{
	struct packet packet;

	for (int i = 0; i < 50; i++) {
		int fd = wire_open();
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		fill_hello(&packet, 5, 5);
		ck_assert(wire_send(fd, packet.bytes, packet.length, NULL, 0));
		wire_fill(&packet, HWB_PING, 2, 0, 0);
		wire_send(fd, packet.bytes, packet.length, NULL, 0);
		ck_assert_int_eq(poll(&wait, 1, PROMPT_MS), 1);
		ssize_t length = recv(fd, packet.bytes, sizeof(packet.bytes), 0);
		ck_assert_msg(length > (ssize_t)HEADER, "receive: %s",
		              length < 0 ? strerror(errno) : "the end");
		ck_assert_uint_eq(header_of(&packet)->status, HWB_BAD_VERSION);
		close(fd);
	}
}
END_TEST

START_TEST(hello_with_features_from_the_future)
{
	struct packet packet;
	int fd = wire_open();

	fill_hello(&packet, 1, 1);
	((struct hwb_hello_request *)body_of(&packet))->features = UINT64_MAX;
	ck_assert_int_eq(exchange(fd, &packet), HWB_OK);
	expect_alive(fd);
	close(fd);
}
END_TEST

/* Who says nothing is dropped; who said HELLO may be silent. */
START_TEST(handshake_deadline)
{
	int greeted = wire_greeted(NULL);
	int64_t start = now_ms();
	int silent[2] = { wire_open(), wire_open() };

	for (size_t i = 0; i < 2; i++) {
		struct pollfd wait = { .fd = silent[i], .events = POLLIN };
		ck_assert_int_eq(poll(&wait, 1, HANDSHAKE_MS + SLACK_MS), 1);
		expect_end(silent[i]);
		close(silent[i]);
	}
	ck_assert_int_ge(now_ms() - start, HANDSHAKE_MS - 1000);
	expect_alive(greeted);
	close(greeted);
}
END_TEST

/* ---- handles ---------------------------------------------------------- */

struct handles {
	uint32_t of[HWB_SESSION_DOMAIN + 1]; /* by enum hwb_session_kind; 0: not to be had */
};

static uint32_t try_open(int fd, struct packet *packet)
{
	if (exchange(fd, packet) != HWB_OK)
		return 0;
	ck_assert_uint_ne(header_of(packet)->session, 0);
	return header_of(packet)->session;
}

/* One of each kind, as far as host and policy give them: the first device that
 * can be acquired, with its registers and INTx; the first port that is granted. */
static void open_all(int fd, struct handles *handles)
{
	struct packet packet;
	struct packet list;

	memset(handles, 0, sizeof(*handles));
	wire_fill(&packet, HWB_DOMAIN_OPEN, 9, 0, 0);
	handles->of[HWB_SESSION_DOMAIN] = try_open(fd, &packet);
	for (uint32_t port = 0; port < 0x400 && handles->of[HWB_SESSION_IO_PORT] == 0; port++) {
		wire_fill(&packet, HWB_IO_PORT_OPEN, 9, 0, sizeof(struct hwb_io_port_request));
		*(struct hwb_io_port_request *)body_of(&packet) =
		        (struct hwb_io_port_request){ .base = port, .count = 1 };
		handles->of[HWB_SESSION_IO_PORT] = try_open(fd, &packet);
	}
	wire_fill(&list, HWB_DEVICE_LIST, 9, 0, sizeof(struct hwb_list_request));
	ck_assert_int_eq(exchange(fd, &list), HWB_OK);
	const struct hwb_list_reply *head = body_of(&list);
	for (uint32_t i = 0; i < head->count && handles->of[HWB_SESSION_DEVICE] == 0; i++) {
		const struct hwb_device *device =
		        (const struct hwb_device *)((const unsigned char *)(head + 1) +
		                                    i * head->record_size);
		wire_fill(&packet, HWB_DEVICE_ACQUIRE, 9, 0, sizeof(struct hwb_acquire_request));
		struct hwb_acquire_request *wanted = body_of(&packet);
		wanted->address = device->address;
		wanted->flags = HWB_ACQUIRE_ALL_BARS;
		wanted->irq_type = device->intx_pin != 0 ? HWB_IRQ_INTX : HWB_IRQ_NONE;
		wanted->irq_count = device->intx_pin != 0;
		handles->of[HWB_SESSION_DEVICE] = try_open(fd, &packet);
		if (handles->of[HWB_SESSION_DEVICE] == 0)
			continue;
		const struct hwb_acquire_reply *reply = body_of(&packet);
		handles->of[HWB_SESSION_IRQ] = reply->interrupt.session;
		for (uint32_t bar = 0; bar < HWB_BARS; bar++)
			if (reply->regions[bar].session != 0)
				handles->of[HWB_SESSION_IO_MEM] = reply->regions[bar].session;
	}
}

/* Each request that needs a handle, with this one, which is not of its kind.
 * DMA_MAP is left to its own test: it needs a descriptor. */
static void expect_no_session(int fd, uint32_t handle, unsigned kind)
{
	struct packet packet;

	for (size_t i = 0; i < REQUESTS; i++) {
		const struct request *request = &requests[i];
		if (request->session == NO_SESSION || request->fd || request->session == kind ||
		    (request->session == ANY_SESSION && kind != 0) ||
		    (request->session == DEVICE_OR_NONE &&
		     (kind == HWB_SESSION_DEVICE || handle == 0)))
			continue;
		wire_fill(&packet, request->opcode, 9, handle, request->body);
		ck_assert_msg(exchange(fd, &packet) == HWB_NO_SESSION,
		              "opcode 0x%x, handle %u of kind %u: status %u", request->opcode,
		              handle, kind, header_of(&packet)->status);
		ck_assert_uint_eq(header_of(&packet)->session, handle);
	}
	/* Handles in bodies. */
	if (kind != HWB_SESSION_DOMAIN && handle != 0) {
		wire_fill(&packet, HWB_DEVICE_LIST, 9, 0, sizeof(struct hwb_list_request));
		ck_assert_int_eq(exchange(fd, &packet), HWB_OK);
		const struct hwb_list_reply *head = body_of(&packet);
		if (head->count != 0) {
			struct hwb_pci_address address =
			        ((const struct hwb_device *)(head + 1))->address;
			wire_fill(&packet, HWB_DEVICE_ACQUIRE, 9, 0,
			          sizeof(struct hwb_acquire_request));
			struct hwb_acquire_request *wanted = body_of(&packet);
			wanted->address = address;
			wanted->domain = handle;
			ck_assert_int_eq(exchange(fd, &packet), HWB_NO_SESSION);
		}
	}
	expect_alive(fd);
}

START_TEST(handles_that_never_were)
{
	static const uint32_t handles[] = { 0, 1, 2, 100, 0x7fffffff, 0x80000000u, UINT32_MAX };
	int fd = wire_greeted(NULL);

	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
		expect_no_session(fd, handles[i], 0);
	close(fd);
}
END_TEST

START_TEST(handles_of_another_kind)
{
	struct handles handles;
	struct packet packet;
	int fd = wire_greeted(NULL);

	open_all(fd, &handles);
	for (unsigned kind = HWB_SESSION_DEVICE; kind <= HWB_SESSION_DOMAIN; kind++)
		if (handles.of[kind] != 0)
			expect_no_session(fd, handles.of[kind], kind);
		else
			printf("protocol: kind %u of handles is not to be had here\n", kind);
	/* ASSIGN with a domain where the device should be, and the reverse. */
	uint32_t domain = handles.of[HWB_SESSION_DOMAIN];
	if (domain != 0) {
		wire_fill(&packet, HWB_DOMAIN_ASSIGN, 9, domain, sizeof(struct hwb_assign_request));
		((struct hwb_assign_request *)body_of(&packet))->device = domain;
		ck_assert_int_eq(exchange(fd, &packet), HWB_NO_SESSION);
	}
	close(fd);
}
END_TEST

START_TEST(handles_of_another_connection)
{
	struct handles handles;
	int owner = wire_greeted(NULL);
	int thief = wire_greeted(NULL);

	open_all(owner, &handles);
	for (unsigned kind = HWB_SESSION_DEVICE; kind <= HWB_SESSION_DOMAIN; kind++)
		if (handles.of[kind] != 0)
			expect_no_session(thief, handles.of[kind], 0);
	expect_alive(owner);
	close(owner);
	close(thief);
}
END_TEST

START_TEST(handles_that_were_closed)
{
	struct handles handles;
	struct packet packet;
	int fd = wire_greeted(NULL);

	open_all(fd, &handles);
	/* From the last kind to the first: a device takes its interrupt along. */
	for (unsigned kind = HWB_SESSION_DOMAIN; kind >= HWB_SESSION_DEVICE; kind--) {
		if (handles.of[kind] == 0)
			continue;
		wire_fill(&packet, HWB_CLOSE, 9, handles.of[kind], 0);
		ck_assert_int_eq(exchange(fd, &packet), HWB_OK);
		expect_no_session(fd, handles.of[kind], 0);
	}
	close(fd);
}
END_TEST

START_TEST(handles_are_not_used_again)
{
	struct packet packet;
	uint32_t last = 0;
	int fd = wire_greeted(NULL);

	for (unsigned round = 0; round < 100; round++) {
		wire_fill(&packet, HWB_DOMAIN_OPEN, 9, 0, 0);
		uint32_t handle = try_open(fd, &packet);
		if (handle == 0)
			break; /* no DMA on this host */
		ck_assert_uint_ne(handle, last);
		last = handle;
		wire_fill(&packet, HWB_CLOSE, 9, handle, 0);
		ck_assert_int_eq(exchange(fd, &packet), HWB_OK);
	}
	close(fd);
}
END_TEST

/* ---- descriptors whose close takes its time ------------------------------ */

/* A TCP socket that is full and lingers: its last close waits for the other end, which
 * never reads. `far` receives that end. */
static int lingering_socket(int *far)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct linger linger = { .l_onoff = 1, .l_linger = 30 };
	socklen_t size = sizeof(address);
	static char junk[65536];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ck_assert_int_eq(connect(near, (struct sockaddr *)&address, size), 0);
	*far = accept(listener, NULL, NULL);
	ck_assert_int_ge(*far, 0);
	close(listener);
	while (send(near, junk, sizeof(junk), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	ck_assert_int_eq(setsockopt(near, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return near;
}

/* The broker gets the last descriptor of it, in one way after the other, and everybody
 * else is served as ever. */
START_TEST(closing_what_lingers_delays_nobody)
{
	enum { BEFORE_HELLO, AFTER_HELLO, MANY, UNREAD, WAYS };
	int other = wire_greeted(NULL);
	int far[WAYS], fds[8];
	struct packet packet;

	for (int way = 0; way < WAYS; way++) {
		int near = lingering_socket(&far[way]);
		int fd = way == BEFORE_HELLO ? wire_open() : wire_greeted(NULL);
		unsigned count = way == MANY ? 8 : 1;
		for (unsigned i = 0; i < count; i++)
			fds[i] = i == 0 ? near : dup(near);
		if (way == UNREAD) {
			wire_fill(&packet, HWB_PING, 1, 0, 0);
			header_of(&packet)->length = 7;
			wire_send(fd, packet.bytes, packet.length, NULL, 0);
		}
		wire_fill(&packet, HWB_PING, 2, 0, 0);
		header_of(&packet)->fds = (uint16_t)count;
		wire_send(fd, packet.bytes, packet.length, fds, count);
		for (unsigned i = 0; i < count; i++)
			close(fds[i]);
		if (way == UNREAD)
			close(fd);
		for (int i = 0; i < 20; i++) {
			int64_t start = now_ms();
			ck_assert_int_eq(ping(other), HWB_OK);
			ck_assert_msg(now_ms() - start < 5000, "way %d: %d ms for a PING", way,
			              (int)(now_ms() - start));
		}
		witness();
	}
	for (int way = 0; way < WAYS; way++)
		close(far[way]);
	close(other);
}
END_TEST

/* ---- flow ------------------------------------------------------------- */

/* Sends PINGs with serials from 1 on until the socket takes no more. */
static uint32_t flood(int fd)
{
	enum { ENDLESS = 100000 };
	struct packet packet;

	for (uint32_t serial = 1; serial < ENDLESS; serial++) {
		struct pollfd wait = { .fd = fd, .events = POLLOUT };
		wire_fill(&packet, HWB_PING, serial, 0, 0);
		ssize_t sent = send(fd, packet.bytes, packet.length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent == (ssize_t)packet.length)
			continue;
		ck_assert_msg(sent < 0 && errno == EAGAIN, "send: %s", strerror(errno));
		serial--;
		/* The daemon may only be busy with what is there. */
		if (poll(&wait, 1, 500) == 0)
			return serial;
	}
	ck_abort_msg("the daemon reads on although nobody reads its replies");
	return 0;
}

/* The daemon stops reading, loses nothing, and goes on when we read. */
START_TEST(pipelining)
{
	struct packet packet;
	int fd = wire_greeted(NULL);

	for (unsigned round = 0; round < 3; round++) {
		uint32_t sent = flood(fd);
		for (uint32_t serial = 1; serial <= sent; serial++) {
			ck_assert(reply(fd, &packet));
			ck_assert_uint_eq(header_of(&packet)->serial, serial);
			ck_assert_uint_eq(header_of(&packet)->status, HWB_OK);
		}
	}
	expect_alive(fd);
	close(fd);
}
END_TEST

START_TEST(as_many_requests_as_allowed)
{
	struct hwb_hello_reply hello;
	struct packet packet;
	int fd = wire_greeted(&hello);
	uint32_t count = hello.requests_max < 256 ? hello.requests_max : 256;

	ck_assert_uint_ge(count, 1);
	for (uint32_t serial = 1; serial <= count; serial++) {
		wire_fill(&packet, HWB_DEVICE_LIST, serial, 0, sizeof(struct hwb_list_request));
		ck_assert(wire_send(fd, packet.bytes, packet.length, NULL, 0));
	}
	/* The same serial twice is two replies. */
	wire_send(fd, packet.bytes, packet.length, NULL, 0);
	for (uint32_t serial = 1; serial <= count + 1; serial++) {
		ck_assert(reply(fd, &packet));
		ck_assert_uint_eq(header_of(&packet)->serial, serial <= count ? serial : count);
	}
	close(fd);
}
END_TEST

START_TEST(a_peer_that_never_reads)
{
	int64_t start;
	int deaf = wire_greeted(NULL);
	struct pollfd wait = { .fd = deaf };

	flood(deaf);
	start = now_ms();
	while (poll(&wait, 1, 200) == 0) {
		ck_assert_msg(now_ms() - start < READER_MS + SLACK_MS, "it is not dropped");
		witness(); /* nobody else waits meanwhile */
	}
	ck_assert((wait.revents & POLLHUP) != 0);
	close(deaf);
}
END_TEST

START_TEST(connections_come_and_go)
{
	struct packet packet;

	for (unsigned round = 0; round < 1000; round++) {
		int fd;
		/* A hang-up is seen after the next connection at times: let the
		 * number of connections that the daemon sees not grow. */
		if (round % 4 == 3)
			witness();
		fd = wire_open();
		fill_hello(&packet, 1, 1);
		switch (round % 4) {
		case 0: /* says nothing */
			break;
		case 1: /* half a header */
			wire_send(fd, packet.bytes, HEADER / 2, NULL, 0);
			break;
		case 2: /* does not wait for the reply */
			wire_send(fd, packet.bytes, packet.length, NULL, 0);
			break;
		default: /* leaves with requests on the way */
			ck_assert_int_eq(exchange(fd, &packet), HWB_OK);
			for (uint32_t serial = 2; serial < 6; serial++) {
				wire_fill(&packet, HWB_DOMAIN_OPEN, serial, 0, 0);
				wire_send(fd, packet.bytes, packet.length, NULL, 0);
			}
			break;
		}
		close(fd);
	}
}
END_TEST

START_TEST(half_closed)
{
	struct packet packet;
	int fd = wire_greeted(NULL);

	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	expect_end(fd);
	close(fd);
	fd = wire_greeted(NULL);
	/* Replies have nowhere to go: dropped at once or when we are gone, the
	 * broker neither keeps them nor waits. */
	ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
	for (uint32_t serial = 1; serial < 1000; serial++) {
		wire_fill(&packet, HWB_PING, serial, 0, 0);
		if (!wire_send(fd, packet.bytes, packet.length, NULL, 0))
			break;
	}
	close(fd);
}
END_TEST

/* ---- values ----------------------------------------------------------- */

/* xorshift64*: the same sequence each time. */
static uint32_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * 2685821657736338717ull >> 32);
}

/* Bodies of the right length with arbitrary values: each request gets its one
 * answer, and none ends the connection. */
START_TEST(arbitrary_values)
{
	static const uint32_t values[] = {
		0, 0, 1, 2, 4, 0x1000, 0x200000, 0x7fffffff, UINT32_MAX
	};
	uint64_t state = 0x6d616c69 + (uint64_t)_i;
	struct packet packet;
	int fd = wire_greeted(NULL);

	for (unsigned round = 0; round < 1000; round++) {
		const struct request *request = &requests[next_random(&state) % REQUESTS];
		bool ports = request->opcode == HWB_IO_PORT_OPEN ||
		             request->opcode == HWB_IO_PORT_BATCH ||
		             request->opcode == HWB_IO_MEM_BATCH;
		/* Writing to ports or registers at random is for nobody's good. */
		if (request->opcode == HWB_HELLO || request->opcode == HWB_CONFIG_WRITE ||
		    request->fd || ports)
			continue;
		wire_fill(&packet, request->opcode, round + 1,
		          request->session == NO_SESSION ? 0 : next_random(&state) % 8,
		          request->body);
		uint32_t *words = body_of(&packet);
		for (size_t i = 0; i < request->body / 4; i++)
			words[i] = next_random(&state) % 4 == 0 ? next_random(&state)
			                                        : values[next_random(&state) % 9];
		int status = exchange(fd, &packet);
		ck_assert_msg(status == HWB_OK || status > HWB_NOT_ADMITTED,
		              "round %u, opcode 0x%x: %d", round, request->opcode, status);
	}
	expect_alive(fd);
	close(fd);
}
END_TEST

START_TEST(administration_is_for_operators)
{
	struct hwb_hello_reply hello;
	struct packet packet;
	int fd = wire_greeted(&hello);

	ck_assert_uint_eq(hello.features & HWB_FEATURE_ADMIN, 0);
	for (uint32_t opcode = HWB_ADMIN_STATUS; opcode <= HWB_ADMIN_GIVEN; opcode++) {
		wire_fill(&packet, opcode, 9, 0,
		          opcode == HWB_ADMIN_STATUS  ? 0
		          : opcode == HWB_ADMIN_GIVEN ? sizeof(struct hwb_given_request)
		                                      : sizeof(struct hwb_list_request));
		ck_assert_int_eq(exchange(fd, &packet), HWB_DENIED);
	}
	wire_fill(&packet, HWB_ADMIN_MONITOR, 9, 0, 0);
	ck_assert_int_eq(exchange(fd, &packet), HWB_DENIED);
	wire_fill(&packet, HWB_ADMIN_METRICS, 9, 0, sizeof(struct hwb_list_request));
	ck_assert_int_eq(exchange(fd, &packet), HWB_DENIED);
	/* Not even one's own, by the name that one has. */
	struct hwb_given_request own = { .client = "driver" };
	wire_fill(&packet, HWB_ADMIN_GIVEN, 9, 0, sizeof(own));
	memcpy(body_of(&packet), &own, sizeof(own));
	ck_assert_int_eq(exchange(fd, &packet), HWB_DENIED);
	expect_alive(fd);
	close(fd);
}
END_TEST

START_TEST(devices_that_are_not_ours)
{
	static const struct hwb_pci_address addresses[] = {
		{ .domain = UINT32_MAX, .bus = 255, .device = 31, .function = 7 },
		{ .domain = 0, .bus = 255, .device = 31, .function = 7 },
		{ .domain = 0, .bus = 0, .device = 255, .function = 255 },
	};
	struct packet packet;
	int fd = wire_greeted(NULL);

	for (size_t i = 0; i < 3; i++) {
		int wanted = i < 2 ? HWB_NOT_FOUND : HWB_INVALID;
		wire_fill(&packet, HWB_DEVICE_INFO, 9, 0, sizeof(struct hwb_device_info_request));
		*(struct hwb_pci_address *)body_of(&packet) = addresses[i];
		int status = exchange(fd, &packet);
		ck_assert_msg(status == wanted || status == HWB_NOT_FOUND, "status %d", status);
		wire_fill(&packet, HWB_DEVICE_ACQUIRE, 9, 0, sizeof(struct hwb_acquire_request));
		*(struct hwb_pci_address *)body_of(&packet) = addresses[i];
		status = exchange(fd, &packet);
		ck_assert_msg(status == wanted || status == HWB_NOT_FOUND, "status %d", status);
	}
	/* Memory that belongs to no BAR of ours; ranges that wrap. */
	static const uint64_t ranges[][2] = { { 0, 1 },
		                              { 0, 0x1000 },
		                              { 0xfee00000, 0x1000 },
		                              { 0x100000, UINT64_MAX },
		                              { UINT64_MAX, 1 },
		                              { UINT64_MAX, 2 },
		                              { 0, 0 } };
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		bool wraps = ranges[i][1] == 0 || ranges[i][0] + (ranges[i][1] - 1) < ranges[i][0];
		wire_fill(&packet, HWB_IO_MEM_OPEN, 9, 0, sizeof(struct hwb_io_mem_request));
		struct hwb_io_mem_request *wanted = body_of(&packet);
		wanted->base = ranges[i][0];
		wanted->size = ranges[i][1];
		ck_assert_int_eq(exchange(fd, &packet), wraps ? HWB_INVALID : HWB_NOT_FOUND);
	}
	close(fd);
}
END_TEST

START_TEST(port_ranges)
{
	static const struct {
		uint32_t base, count;
	} ranges[] = {
		{ 0, 0 },           { 0x10000, 1 },    { 0xffff, 2 },
		{ UINT32_MAX, 1 },  { 1, UINT32_MAX }, { UINT32_MAX, UINT32_MAX },
		{ 0x8000, 0x8001 },
	};
	struct hwb_hello_reply hello;
	struct packet packet;
	int fd = wire_greeted(&hello);

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		wire_fill(&packet, HWB_IO_PORT_OPEN, 9, 0, sizeof(struct hwb_io_port_request));
		*(struct hwb_io_port_request *)body_of(&packet) =
		        (struct hwb_io_port_request){ ranges[i].base, ranges[i].count };
		int status = exchange(fd, &packet);
		ck_assert_msg(status == HWB_INVALID || status == HWB_UNSUPPORTED,
		              "ports 0x%x+0x%x: %d", ranges[i].base, ranges[i].count, status);
	}
	/* What gives away the machine; no test policy forces it. */
	static const uint32_t refused[] = { 0x00, 0x64, 0x80, 0x92, 0xb2, 0xc0, 0xcf8, 0xcfc };
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		wire_fill(&packet, HWB_IO_PORT_OPEN, 9, 0, sizeof(struct hwb_io_port_request));
		*(struct hwb_io_port_request *)body_of(&packet) =
		        (struct hwb_io_port_request){ refused[i], 1 };
		int status = exchange(fd, &packet);
		ck_assert_msg(status == HWB_DENIED || status == HWB_UNSUPPORTED, "port 0x%x: %d",
		              refused[i], status);
	}
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("protocol");
	TCase *packets = tcase_create("packets");
	TCase *descriptors = tcase_create("descriptors");
	TCase *hello = tcase_create("hello");
	TCase *handles = tcase_create("handles");
	TCase *flow = tcase_create("flow");
	TCase *values = tcase_create("values");
	TCase *const all[] = { packets, descriptors, hello, handles, flow, values };

	/* The daemon hangs up on most of these. */
	signal(SIGPIPE, SIG_IGN);

	tcase_add_test(packets, short_packets);
	tcase_add_loop_test(packets, cut_and_padded_packets, 0, REQUESTS);
	tcase_add_test(packets, long_packets);
	tcase_add_test(packets, lying_headers);
	tcase_add_test(packets, port_counts);
	tcase_add_test(packets, empty_packets);
	tcase_add_test(packets, statuses_that_leave_the_connection_alive);

	tcase_add_loop_test(descriptors, unexpected_descriptors, 0, REQUESTS);
	tcase_add_test(descriptors, descriptors_beside_broken_packets);
	tcase_add_test(descriptors, two_control_messages);
	tcase_add_test(descriptors, descriptor_of_a_refused_request);
	tcase_add_test(descriptors, credentials_in_a_control_message);
	tcase_add_test(descriptors, closing_what_lingers_delays_nobody);

	tcase_add_loop_test(hello, nothing_before_hello, 0, REQUESTS);
	tcase_add_test(hello, no_leniency_before_hello);
	tcase_add_test(hello, second_hello);
	tcase_add_test(hello, hello_versions);
	tcase_add_test(hello, last_words_come_first);
	tcase_add_test(hello, hello_with_features_from_the_future);
	tcase_add_test(hello, handshake_deadline);

	tcase_add_test(handles, handles_that_never_were);
	tcase_add_test(handles, handles_of_another_kind);
	tcase_add_test(handles, handles_of_another_connection);
	tcase_add_test(handles, handles_that_were_closed);
	tcase_add_test(handles, handles_are_not_used_again);

	tcase_add_test(flow, pipelining);
	tcase_add_test(flow, as_many_requests_as_allowed);
	tcase_add_test(flow, a_peer_that_never_reads);
	tcase_add_test(flow, connections_come_and_go);
	tcase_add_test(flow, half_closed);

	tcase_add_loop_test(values, arbitrary_values, 0, 4);
	tcase_add_test(values, administration_is_for_operators);
	tcase_add_test(values, devices_that_are_not_ours);
	tcase_add_test(values, port_ranges);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		tcase_set_timeout(all[i], 60);
		tcase_add_checked_fixture(all[i], NULL, witness);
		suite_add_tcase(suite, all[i]);
	}
	return suite_run(suite);
}
