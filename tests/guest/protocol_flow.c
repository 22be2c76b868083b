/* SPDX-License-Identifier: MIT */
/* Pipelines, floods, and who does not read. */
#include "protocol_parts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

void add_flow(TCase *tests)
{
	tcase_add_test(tests, pipelining);
	tcase_add_test(tests, as_many_requests_as_allowed);
	tcase_add_test(tests, a_peer_that_never_reads);
	tcase_add_test(tests, connections_come_and_go);
	tcase_add_test(tests, half_closed);
}
