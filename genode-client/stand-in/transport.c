/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MSG_CMSG_CLOEXEC */
#include "transport.h"

#include "print.h"
#include "system.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

union control {
	struct cmsghdr header;
	unsigned char bytes[CMSG_SPACE(sizeof(int) * HWB_FDS_MAX)];
};

int transport_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = length_of(path);

	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	int fd = (int)system3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	int result = (int)system3(SYS_connect, fd, at(&address), sizeof(address));
	if (result == 0)
		return fd;
	system_close(fd);
	return result;
}

/* ---- one packet, with what goes beside it ---- */

static int send_pieces(int socket, struct iovec *pieces, uint32_t count, const int *fds,
                       uint32_t fd_count)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
	union control control;
	long sent;

	if (fd_count != 0) {
		control.header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(fd_count * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
	}
	do
		sent = system3(SYS_sendmsg, socket, at(&message), MSG_NOSIGNAL);
	while (sent == -EINTR);
	return sent < 0 ? (int)sent : 0;
}

/* The kernel makes one control message of all descriptors, and no other for us. */
static uint32_t take_fds(const struct msghdr *message, int *fds)
{
	const struct cmsghdr *part = CMSG_FIRSTHDR(message);

	if (part == NULL || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
		return 0;
	uint32_t count = (uint32_t)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(part), count * sizeof(int));
	return count;
}

int packet_send(int socket, const void *packet, size_t size, const int *fds, uint32_t fd_count)
{
	struct iovec piece = { (void *)packet, size };

	return send_pieces(socket, &piece, 1, fds, fd_count);
}

long packet_receive(int socket, void *packet, size_t size, int *fds, uint32_t *fd_count, int flags)
{
	struct iovec piece = { packet, size };
	union control control = { .header = { 0 } }; /* has room for HWB_FDS_MAX and no more */
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control),
	};
	long length;

	/* RESET comes once, ahead of the broker's last words. */
	do
		length = system3(SYS_recvmsg, socket, at(&message), flags | MSG_CMSG_CLOEXEC);
	while (length == -EINTR || length == -ECONNRESET);
	if (length < 0)
		return length;
	*fd_count = take_fds(&message, fds);
	if ((message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0) {
		while (*fd_count > 0)
			system_close(fds[--*fd_count]);
		return -EPROTO;
	}
	return length;
}

/* ---- the client library's: the context is the socket ---- */

/* For what is a header alone, sendto() is the shorter way through the kernel. */
static int send_header(int socket, const struct hwb_part *header)
{
	long sent;

	do
		sent = system6(SYS_sendto, socket, at(header->bytes), (long)header->length,
		               MSG_NOSIGNAL, 0, 0);
	while (sent == -EINTR);
	return sent < 0 ? (int)sent : 0;
}

static int client_send(void *context, const struct hwb_part *parts, uint32_t count, int fd)
{
	struct iovec pieces[HWB_PARTS_MAX];

	if (count == 1 && fd < 0)
		return send_header(*(const int *)context, parts);
	for (uint32_t i = 0; i < count; i++)
		pieces[i] = (struct iovec){ (void *)parts[i].bytes, parts[i].length };
	return send_pieces(*(const int *)context, pieces, count, &fd, fd >= 0);
}

static long client_receive(void *context, void *packet, int *fds, uint32_t *fd_count, int wait)
{
	return packet_receive(*(const int *)context, packet, HWB_MESSAGE_MAX, fds, fd_count,
	                      wait ? 0 : MSG_DONTWAIT);
}

static void client_close_fd(void *context, int fd)
{
	(void)context;
	system_close(fd);
}

struct hwb_transport transport_for_client(int *socket)
{
	return (struct hwb_transport){ socket, client_send, client_receive, client_close_fd };
}
