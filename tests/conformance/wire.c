/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

uint64_t get(const struct packet *packet, size_t offset, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)packet->bytes[offset + i] << (8 * i);
	return value;
}

void put(struct packet *packet, size_t offset, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		packet->bytes[offset + i] = (unsigned char)(value >> (8 * i));
}

void message(struct packet *packet, uint32_t opcode, uint32_t serial, uint32_t session, size_t body)
{
	memset(packet, 0, sizeof(*packet));
	packet->length = HEADER + body;
	put(packet, VERSION, 2, 1);
	put(packet, OPCODE, 2, opcode);
	put32(packet, LENGTH, (uint32_t)packet->length);
	put32(packet, SERIAL, serial);
	put32(packet, SESSION, session);
}

void packet_drop(struct packet *packet)
{
	for (size_t i = 0; i < packet->fd_count; i++)
		if (packet->fds[i] >= 0)
			close(packet->fds[i]);
	packet->fd_count = 0;
}

int packet_take(struct packet *packet, size_t index)
{
	if (index >= packet->fd_count)
		return -1;
	int fd = packet->fds[index];
	packet->fds[index] = -1;
	return fd;
}

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

int wire_connect(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

bool wire_send(int fd, const struct packet *packet, const int *fds, size_t count, int flags)
{
	_Alignas(8) unsigned char control[CMSG_SPACE(sizeof(int) * FDS_ROOM)] = { 0 };
	struct iovec part = { .iov_base = (void *)packet->bytes, .iov_len = packet->length };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count != 0) {
		struct cmsghdr *rights = (struct cmsghdr *)control;
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(rights), fds, sizeof(int) * count);
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL | flags) == (ssize_t)packet->length;
}

static void take_control(struct packet *packet, struct msghdr *msg)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(msg); at != NULL; at = CMSG_NXTHDR(msg, at)) {
		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
			continue;
		packet->controls++;
		for (size_t i = 0; i < (at->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
			memcpy(&packet->fds[packet->fd_count++], CMSG_DATA(at) + i * sizeof(int),
			       sizeof(int));
	}
}

enum arrival wire_receive(int fd, struct packet *packet, int ms)
{
	_Alignas(8) unsigned char control[CMSG_SPACE(sizeof(int) * (FDS_ROOM - 1))];
	struct iovec part = { .iov_base = packet->bytes, .iov_len = sizeof(packet->bytes) };
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	packet->length = 0;
	packet->fd_count = 0;
	packet->controls = 0;
	if (poll(&wait, 1, ms) != 1)
		return NOTHING;
	for (int again = 0; again < 2; again++) {
		struct msghdr msg = { .msg_iov = &part,
			              .msg_iovlen = 1,
			              .msg_control = control,
			              .msg_controllen = sizeof(control) };
		ssize_t length = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
		/* What the broker said before it closed may follow. */
		if (length < 0 && errno == ECONNRESET)
			continue;
		if (length < 0)
			return THE_END;
		packet->length = (size_t)length;
		packet->cut = (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
		take_control(packet, &msg);
		return length == 0 ? THE_END : A_PACKET;
	}
	return THE_END;
}
