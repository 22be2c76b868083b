/* SPDX-License-Identifier: MIT */
#include <core_linux_syscalls.h>

#include <hwb/host.h>
#include <hwb/transport.h>
#include <util/string.h>

using namespace Genode;
using namespace Core::Hwb;

namespace {

	enum { ERROR_INTR = -4, ERROR_PROTO = -71, ERROR_RESET = -104 };

	template <unsigned FDS>
	union Control
	{
		cmsghdr       header;
		unsigned char bytes[CMSG_SPACE(sizeof(int) * FDS)];
	};

	int socket_of(void *context) { return *static_cast<int *>(context); }

	int send(void *context, hwb_part const *parts, uint32_t count, int fd)
	{
		iovec pieces[HWB_PARTS_MAX] { };
		for (uint32_t i = 0; i < count; i++)
			pieces[i] = { const_cast<void *>(parts[i].bytes), parts[i].length };

		msghdr message { };
		message.msg_iov    = pieces;
		message.msg_iovlen = count;

		Control<1> control { };
		if (fd >= 0) {
			control.header.cmsg_level = SOL_SOCKET;
			control.header.cmsg_type  = SCM_RIGHTS;
			control.header.cmsg_len   = CMSG_LEN(sizeof(int));
			Genode::memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
			message.msg_control    = control.bytes;
			message.msg_controllen = sizeof(control.bytes);
		}

		/* core does not ignore SIGPIPE */
		int sent;
		do sent = lx_sendmsg(Lx_sd { socket_of(context) }, &message, MSG_NOSIGNAL);
		while (sent == ERROR_INTR);

		return sent < 0 ? sent : 0;
	}

	/* The kernel makes one control message of all descriptors, and no other for us. */
	uint32_t take_fds(msghdr &message, int *fds)
	{
		cmsghdr const *part = CMSG_FIRSTHDR(&message);
		uint32_t count = 0;

		if (!part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			return 0;

		size_t const here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here; i++) {
			int fd = -1;
			Genode::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
			if (count < HWB_FDS_MAX)
				fds[count++] = fd;
			else
				Host::close(fd);
		}
		return count;
	}

	long receive(void *context, void *packet, int *fds, uint32_t *fd_count, int wait)
	{
		Control<HWB_FDS_MAX> control;
		iovec  piece { packet, HWB_MESSAGE_MAX };
		msghdr message { };
		message.msg_iov        = &piece;
		message.msg_iovlen     = 1;
		message.msg_control    = control.bytes;
		message.msg_controllen = sizeof(control.bytes);

		int const flags = MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT);
		long length;
		do length = lx_recvmsg(Lx_sd { socket_of(context) }, &message, flags);
		while (length == ERROR_INTR || length == ERROR_RESET);

		if (length < 0)
			return length;

		*fd_count = take_fds(message, fds);

		if (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
			while (*fd_count > 0)
				Host::close(fds[--*fd_count]);
			return ERROR_PROTO;
		}
		return length;
	}

	void close_fd(void *, int fd) { Host::close(fd); }
}


hwb_transport Core::Hwb::transport(int &socket)
{
	return { &socket, send, receive, close_fd };
}
