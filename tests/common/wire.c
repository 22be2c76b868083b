/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MSG_CMSG_CLOEXEC */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct hwb_header *header_of(struct packet *packet)
{
	return (struct hwb_header *)packet->bytes;
}

void *body_of(struct packet *packet)
{
	return packet->bytes + HEADER;
}

const char *reason_of(struct packet *packet)
{
	static char text[HWB_REASON_MAX + 1];
	const struct hwb_refusal *refusal = body_of(packet);

	text[0] = '\0';
	if (header_of(packet)->kind == HWB_REPLY && header_of(packet)->status != HWB_OK)
		snprintf(text, sizeof(text), "%.*s", (int)refusal->reason_length,
		         (const char *)(refusal + 1));
	return text;
}

void close_fds(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int wire_open(void)
{
	const char *path = getenv("HWBROKER_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	         path != NULL ? path : HWB_SOCKET_PATH);
	expect(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0,
	       "cannot connect to %s: %s", address.sun_path, strerror(errno));
	return fd;
}

bool wire_send(int fd, const void *bytes, size_t length, const int *fds, size_t fd_count)
{
	_Alignas(8) unsigned char control[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)] = { 0 };
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd_count != 0) {
		struct cmsghdr *rights = (struct cmsghdr *)control;
		expect(fd_count <= WIRE_FDS_MAX, "%zu descriptors", fd_count);
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(rights), fds, sizeof(int) * fd_count);
	}
	ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	expect(sent == (ssize_t)length || errno == EPIPE || errno == ECONNRESET, "send: %s",
	       strerror(errno));
	return sent == (ssize_t)length;
}

static void collect_fds(struct msghdr *message, struct packet *packet)
{
	packet->fd_count = 0;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL;
	     at = CMSG_NXTHDR(message, at)) {
		size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(packet->fds + packet->fd_count, CMSG_DATA(at), count * sizeof(int));
		packet->fd_count += (uint32_t)count;
	}
}

bool wire_receive(int fd, struct packet *packet)
{
	_Alignas(8) unsigned char control[CMSG_SPACE(sizeof(int) * HWB_FDS_MAX)];
	struct iovec part = { .iov_base = packet->bytes, .iov_len = sizeof(packet->bytes) };
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	struct msghdr message;
	ssize_t length;

	do {
		expect(poll(&wait, 1, wire_patience_ms) == 1, "neither an answer nor the end");
		message = (struct msghdr){ .msg_iov = &part,
			                   .msg_iovlen = 1,
			                   .msg_control = control,
			                   .msg_controllen = sizeof(control) };
		/* A socket that was closed with requests unread says that first, and
		 * what waits in it afterwards. */
		length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	} while (length < 0 && errno == ECONNRESET);
	expect(length >= 0, "receive: %s", strerror(errno));
	packet->length = (size_t)length;
	collect_fds(&message, packet);
	if (length == 0)
		return false;
	expect(packet->length >= HEADER && packet->length <= HWB_MESSAGE_MAX &&
	               header_of(packet)->length == packet->length,
	       "%zu bytes, and the header says %u", packet->length, header_of(packet)->length);
	expect(header_of(packet)->version == 1, "version %u", header_of(packet)->version);
	return true;
}

static void expect_refusal(struct packet *packet)
{
	const struct hwb_refusal *refusal = body_of(packet);

	expect(packet->length >= HEADER + sizeof(*refusal) &&
	               packet->length == HEADER + sizeof(*refusal) + refusal->reason_length,
	       "a refusal of %zu bytes", packet->length);
	expect(refusal->reason_length != 0, "refusal %u without a reason",
	       header_of(packet)->status);
}

bool wire_reply(int fd, struct packet *packet)
{
	do {
		if (!wire_receive(fd, packet))
			return false;
	} while (header_of(packet)->kind == HWB_EVENT);
	expect(header_of(packet)->kind == HWB_REPLY, "kind %u", header_of(packet)->kind);
	if (header_of(packet)->status != HWB_OK)
		expect_refusal(packet);
	return true;
}

void expect_end(int fd)
{
	struct packet packet;

	expect(!wire_reply(fd, &packet), "status %u instead of the end",
	       header_of(&packet)->status);
}

void wire_fill(struct packet *packet, uint32_t opcode, uint32_t serial, uint32_t session,
               size_t size)
{
	memset(packet, 0, sizeof(*packet));
	packet->length = HEADER + size;
	*header_of(packet) = (struct hwb_header){
		.version = HWB_PROTOCOL_VERSION,
		.opcode = (uint16_t)opcode,
		.length = (uint32_t)packet->length,
		.serial = serial,
		.session = session,
	};
}

int wire_exchange(int fd, struct packet *packet)
{
	struct hwb_header sent = *header_of(packet);

	if (!wire_send(fd, packet->bytes, packet->length, NULL, 0) || !wire_reply(fd, packet))
		return WIRE_ENDED;
	expect(header_of(packet)->serial == sent.serial && header_of(packet)->opcode == sent.opcode,
	       "the answer is another request's");
	return (int)header_of(packet)->status;
}
