/* SPDX-License-Identifier: MIT */
/* Sections "A connection's life", "Versions and features", HELLO and PING. */
#include "kit.h"

#include <string.h>
#include <unistd.h>

static void hello_first(void)
{
	struct packet packet;

	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *operation = &operations[i];
		int passed = memfd(PAGE, 0);
		int fd = connected();
		if (operation->opcode == HELLO)
			continue;
		start(&packet, operation->opcode, 0);
		put(&packet, FDS, 2, operation->fds);
		want_final(fd, &packet, &passed, operation->fds, MALFORMED);
		hang_up(fd);
		close(passed);
	}
}

static void hello_once(void)
{
	struct packet packet;
	int fd = greeted();

	hello(&packet, 1, 1);
	want_final(fd, &packet, NULL, 0, MALFORMED);
}

static void before_hello(void)
{
	struct packet packet;
	int fd = connected();

	start(&packet, 0x1000, 0);
	want_final(fd, &packet, NULL, 0, MALFORMED);
	fd = connected();
	hello(&packet, 1, 1);
	put32(&packet, HEADER + 4, 1);
	want_final(fd, &packet, NULL, 0, MALFORMED);
	fd = connected();
	hello(&packet, 1, 1);
	put32(&packet, SERIAL, 0);
	want_final(fd, &packet, NULL, 0, MALFORMED);
	fd = connected();
	hello(&packet, 1, 1);
	put32(&packet, SESSION, 1);
	want_final(fd, &packet, NULL, 0, MALFORMED);
}

static void handshake_time(void)
{
	struct packet packet;
	int64_t begun = now_ms();
	int fd = connected();

	if (hear(fd, &packet, HANDSHAKE_MS + PROMPT_MS) != THE_END)
		wrong("expected the end after 10 s without HELLO, got nothing or a packet");
	if (now_ms() - begun < HANDSHAKE_MS - 1000)
		wrong("expected the end after 10 s without HELLO, got it after %d ms",
		      (int)(now_ms() - begun));
}

static void version_pick(void)
{
	static const unsigned ranges[][2] = {
		{ 1, 1 }, { 0, 1 }, { 1, 2 }, { 1, 0xffff }, { 0, 0xffff }
	};
	struct packet packet;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		int fd = connected();
		hello(&packet, ranges[i][0], ranges[i][1]);
		want(fd, &packet, OK);
		if (get(&packet, HEADER, 2) != 1)
			wrong("versions %u to %u: expected 1, got %u", ranges[i][0], ranges[i][1],
			      (unsigned)get(&packet, HEADER, 2));
		hang_up(fd);
	}
}

static void version_none(void)
{
	static const unsigned ranges[][2] = {
		{ 0, 0 }, { 2, 2 }, { 2, 0xffff }, { 2, 1 }, { 1, 0 }
	};
	struct packet packet;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		int fd = connected();
		hello(&packet, ranges[i][0], ranges[i][1]);
		want_final(fd, &packet, NULL, 0, BAD_VERSION);
		hang_up(fd);
	}
}

static void version_header(void)
{
	struct packet packet;

	for (unsigned said = 0; said < 2; said++) {
		int fd = said ? greeted() : connected();
		if (said)
			start(&packet, PING, 0);
		else
			hello(&packet, 1, 1);
		put(&packet, VERSION, 2, 2);
		want_final(fd, &packet, NULL, 0, BAD_VERSION);
		hang_up(fd);
	}
}

static void feature_missing(void)
{
	static const struct {
		uint64_t feature;
		uint32_t opcode;
		enum status status;
	} needs[] = {
		{ FEATURE_IO_PORT, IO_PORT_OPEN, UNSUPPORTED },
		{ FEATURE_DMA, DOMAIN_OPEN, UNSUPPORTED },
		{ FEATURE_ADMIN, ADMIN_STATUS, DENIED },
	};
	struct packet packet;
	unsigned count = 0;
	int fd = greeted();

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		if ((facts.features & needs[i].feature) != 0)
			continue;
		start(&packet, needs[i].opcode, 0);
		if (needs[i].opcode == IO_PORT_OPEN)
			put32(&packet, HEADER + 4, 1);
		want(fd, &packet, needs[i].status);
		count++;
	}
	if (count == 0)
		skip("the broker offers this user all that it could");
}

static void features_unknown(void)
{
	struct packet packet;
	int fd = connected();

	hello(&packet, 1, 1);
	put(&packet, HEADER + 8, 8, UINT64_MAX);
	want(fd, &packet, OK);
	want_alive(fd);
}

static void requests_max(void)
{
	if (facts.requests_max == 0)
		wrong("expected requests_max of 1 or more, got 0");
}

static void message_max(void)
{
	struct packet packet;
	int fd = connected();

	hello(&packet, 1, 1);
	want(fd, &packet, OK);
	if (body32(&packet, 4) < MESSAGE_MAX)
		wrong("expected message_max of 4096, got %u", body32(&packet, 4));
}

static void page_size(void)
{
	if (facts.page_size != (uint32_t)sysconf(_SC_PAGESIZE))
		wrong("expected page_size %ld, got %u", sysconf(_SC_PAGESIZE), facts.page_size);
}

static void client_name(void)
{
	if (facts.client[0] == '\0' && (facts.features & FEATURE_ADMIN) == 0)
		wrong("expected a name in `client' or the feature ADMIN, got neither");
}

static void no_client(void)
{
	struct packet packet;
	int fd = greeted();

	if (facts.client[0] != '\0')
		skip("this user is a client");
	want_alive(fd);
	start(&packet, DEVICE_LIST, 0);
	want(fd, &packet, DENIED);
	start(&packet, DOMAIN_OPEN, 0);
	want(fd, &packet, DENIED);
	start(&packet, ADMIN_STATUS, 0);
	want(fd, &packet, OK);
}

/* Says HELLO; the connection that is one too many must end. */
static uint32_t try_hello(int *fd)
{
	struct packet packet;

	*fd = connected();
	hello(&packet, 1, 1);
	uint32_t status = ask(*fd, &packet);
	if (status == NOT_ADMITTED)
		want_end(*fd);
	return status;
}

static void connections_limit(void)
{
	enum { MOST = 300 };
	int fds[MOST];
	uint32_t status = OK;
	unsigned count = 0;

	for (; count < MOST && status == OK; count++)
		status = try_hello(&fds[count]);
	if (status != OK && status != NOT_ADMITTED)
		wrong("connection %u: expected OK or NOT_ADMITTED, got %s", count,
		      status_name(status));
	while (count > 0)
		hang_up(fds[--count]);
	if (status == OK)
		skip("this client may have 300 connections and more");
	/* There is room again once they were put away. */
	for (unsigned tries = 0; tries < 100 && status != OK; tries++) {
		sleep_ms(50);
		status = try_hello(&fds[0]);
	}
	if (status != OK)
		wrong("expected OK once the others had ended, got %s", status_name(status));
}

static void ping(void)
{
	struct packet packet;
	int fd = greeted();

	start(&packet, PING, 0);
	want(fd, &packet, OK);
	if (packet.length != HEADER)
		wrong("expected no body, got %zu bytes", packet.length - HEADER);
}

const struct check hello_checks[] = {
	{ "hello-first", "nothing is served before HELLO, for each opcode", hello_first, false },
	{ "hello-once", "a second HELLO ends the connection", hello_once, false },
	{ "before-hello", "before HELLO every fault ends the connection", before_hello, false },
	{ "handshake-time", "without HELLO the connection ends after 10 s", handshake_time, true },
	{ "version-pick", "version 1 is picked from any range that has it", version_pick, false },
	{ "version-none", "without a common version BAD_VERSION, and the end", version_none,
	  false },
	{ "version-header", "another version in the header is BAD_VERSION, and the end",
	  version_header, false },
	{ "feature-missing", "what belongs to a feature that is not offered is refused",
	  feature_missing, false },
	{ "features-unknown", "feature bits that no one knows are ignored", features_unknown,
	  false },
	{ "hello-message-max", "message_max is told", message_max, false },
	{ "hello-requests-max", "requests_max is 1 at least", requests_max, false },
	{ "hello-page-size", "page_size is the processor's", page_size, false },
	{ "hello-client", "the client's name is told", client_name, false },
	{ "no-client", "who is no client may only ask", no_client, false },
	{ "ping", "PING is answered", ping, false },
	{ "connections-limit", "one connection too many is NOT_ADMITTED", connections_limit,
	  false },
	{ .rule = NULL },
};
