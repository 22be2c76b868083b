/* SPDX-License-Identifier: MIT */
/* Descriptors that nobody asked for, and such whose last close takes its time. */
#define _GNU_SOURCE /* struct ucred */
#include "protocol_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

void add_descriptors(TCase *tests)
{
	tcase_add_loop_test(tests, unexpected_descriptors, 0, REQUESTS);
	tcase_add_test(tests, descriptors_beside_broken_packets);
	tcase_add_test(tests, two_control_messages);
	tcase_add_test(tests, descriptor_of_a_refused_request);
	tcase_add_test(tests, credentials_in_a_control_message);
	tcase_add_test(tests, closing_what_lingers_delays_nobody);
}
