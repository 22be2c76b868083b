/* SPDX-License-Identifier: MIT */
/* Before HELLO, and HELLO itself. */
#include "protocol_parts.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

void add_hello(TCase *tests)
{
	tcase_add_loop_test(tests, nothing_before_hello, 0, REQUESTS);
	tcase_add_test(tests, no_leniency_before_hello);
	tcase_add_test(tests, second_hello);
	tcase_add_test(tests, hello_versions);
	tcase_add_test(tests, last_words_come_first);
	tcase_add_test(tests, hello_with_features_from_the_future);
	tcase_add_test(tests, handshake_deadline);
}
