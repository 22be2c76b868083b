/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC */
#include "server/peer_io.h"

#include "server/closer.h"
#include "server/peer_events.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Replies that wait are at most as many as requests in flight, and reading
 * stops at the first: so the queue is short, and an end to a peer that would
 * let it grow is only needed against bugs of ours.
 */

/* As many descriptors as the kernel lets travel with one packet (SCM_MAX_FD, net/scm.h).
 * With room for fewer it would close the rest itself, while we wait. */
enum { FDS_ROOM = 253 };

/* Packets of one client that are served in a row, and how many come singly before it is tried
 * again. */
enum { IN_A_ROW = 8, TRY_EACH = 32 };

/* A message that could not be sent at once. */
struct out_packet {
	struct out_packet *next;
	uint32_t length;
	uint32_t fd_count;
	int fds[HWB_FDS_MAX];
	_Alignas(8) unsigned char bytes[];
};

union control {
	struct cmsghdr header;
	unsigned char bytes[CMSG_SPACE(sizeof(int) * HWB_FDS_MAX)];
};

/* ---- out ---- */

static ssize_t send_parts(int socket, const struct iovec *parts, size_t part_count, const int *fds,
                          uint32_t fd_count)
{
	union control control;
	struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = part_count };

	if (fd_count != 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		memset(control.bytes, 0, message.msg_controllen);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * fd_count);
	}
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t send_packet(int socket, const struct iovec *parts, size_t part_count, const int *fds,
                           uint32_t fd_count)
{
	/* A reply that says only yes: send() is the shorter way through the kernel. */
	bool plain = part_count == 1 && fd_count == 0;
	ssize_t sent;

	do
		sent = plain ? send(socket, parts->iov_base, parts->iov_len,
		                    MSG_DONTWAIT | MSG_NOSIGNAL)
		             : send_parts(socket, parts, part_count, fds, fd_count);
	while (sent < 0 && errno == EINTR);
	return sent;
}

static void free_packet(struct out_packet *packet)
{
	for (uint32_t i = 0; i < packet->fd_count; i++)
		close_fd(packet->fds[i]);
	free(packet);
}

static void start_write_deadline(struct peer *peer)
{
	ev_timer_stop(peer->broker->loop, &peer->deadline);
	ev_timer_set(&peer->deadline, PEER_WRITE_SECONDS, 0.0);
	ev_timer_start(peer->broker->loop, &peer->deadline);
}

void peer_io_hang_up(struct peer *peer)
{
	shutdown(peer->fd, SHUT_RDWR);
	peer->broken = true;
	peer_update(peer);
}

static void enqueue(struct peer *peer, const struct hwb_header *header, const void *body,
                    size_t length, const int *fds, uint32_t fd_count)
{
	struct out_packet *packet = malloc(sizeof(*packet) + sizeof(*header) + length);

	if (packet == NULL) {
		peer_io_hang_up(peer);
		return;
	}
	packet->next = NULL;
	packet->length = (uint32_t)(sizeof(*header) + length);
	packet->fd_count = 0;
	memcpy(packet->bytes, header, sizeof(*header));
	if (length != 0)
		memcpy(packet->bytes + sizeof(*header), body, length);
	for (uint32_t i = 0; i < fd_count; i++) {
		int copy = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		if (copy < 0) {
			free_packet(packet);
			peer_io_hang_up(peer);
			return;
		}
		packet->fds[packet->fd_count++] = copy;
	}
	if (peer->queue == NULL) {
		ev_io_start(peer->broker->loop, &peer->writer);
		start_write_deadline(peer);
	}
	*peer->queue_end = packet;
	peer->queue_end = &packet->next;
	peer_note_live(peer);
	peer_update(peer);
}

void peer_send(struct peer *peer, const struct hwb_header *header, const void *body, size_t length,
               const int *fds, uint32_t fd_count)
{
	struct iovec parts[2] = {
		{ .iov_base = (void *)header, .iov_len = sizeof(*header) },
		{ .iov_base = (void *)body, .iov_len = length },
	};

	if (!peer_connected(peer) || peer->broken)
		return;
	if (peer->queue == NULL) {
		if (send_packet(peer->fd, parts, length != 0 ? 2 : 1, fds, fd_count) >= 0)
			return;
		/* ETOOMANYREFS: too many of our descriptors wait in sockets, by
		 * the kernel's count for our user: as full as a full buffer. */
		if (errno != EAGAIN && errno != ENOBUFS && errno != ETOOMANYREFS) {
			peer_io_hang_up(peer); /* it hung up itself, or shut its reading side */
			return;
		}
	}
	enqueue(peer, header, body, length, fds, fd_count);
}

bool peer_io_put(struct peer *peer, const struct iovec *parts, size_t count)
{
	if (send_packet(peer->fd, parts, count, NULL, 0) >= 0)
		return true;
	if (errno == EAGAIN || errno == ENOBUFS)
		ev_io_start(peer->broker->loop, &peer->writer);
	else
		peer_io_hang_up(peer); /* rather than leave one out */
	return false;
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct peer *peer = watcher->data;

	if ((revents & EV_ERROR) != 0) {
		peer_drop(peer, "the kernel cannot watch its socket");
		return;
	}
	while (peer->queue != NULL) {
		struct out_packet *packet = peer->queue;
		struct iovec part = { .iov_base = packet->bytes, .iov_len = packet->length };
		if (send_packet(peer->fd, &part, 1, packet->fds, packet->fd_count) < 0) {
			if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
				return;
			peer_drop(peer, "its socket failed");
			return;
		}
		peer->queue = packet->next;
		free_packet(packet);
		start_write_deadline(peer); /* it reads: it has its time anew */
	}
	peer->queue_end = &peer->queue;
	ev_timer_stop(loop, &peer->deadline);
	ev_io_stop(loop, &peer->writer);
	if (peer->last_words) {
		peer_drop(peer, "broke the protocol");
		return;
	}
	peer_events_send(peer);
	peer_note_live(peer);
	peer_update(peer);
}

/* ---- in ---- */

/* `fds` has FDS_ROOM, which is what the control buffer has room for. */
static uint32_t collect_fds(struct msghdr *message, int *fds)
{
	uint32_t count = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
	     part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		size_t in_part = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < in_part; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
			fds[count++] = fd;
		}
	}
	return count;
}

enum brought { NO_PACKET, NO_DESCRIPTORS, DESCRIPTORS };

/* What comes with the packet that waits; it stays where it is. */
static enum brought brings(const struct peer *peer)
{
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (recvmsg(peer->fd, &message, MSG_PEEK | MSG_DONTWAIT) < 0)
		return errno == EAGAIN || errno == EINTR ? NO_PACKET : NO_DESCRIPTORS;
	return (message.msg_flags & MSG_CTRUNC) != 0 ? DESCRIPTORS : NO_DESCRIPTORS;
}

/* To close a descriptor that we have may take for ever, if it is of a file system whose program
 * does not answer; to let go of one that was not received does not. Who may do nothing has no use
 * for any, and costs a call more. A packet that comes after this has looked was not looked at. */
static bool takes_none(struct peer *peer)
{
	if (peer->account != NULL || peer->may_query)
		return false;
	enum brought brought = brings(peer);
	if (brought != DESCRIPTORS)
		return brought == NO_PACKET;
	log_limited(peer_log_limit(peer), LOG_LEVEL_NOTICE,
	            "pid %u (uid %u), who is no client, sent descriptors; disconnected", peer->pid,
	            peer->subject.uid);
	peer_drop(peer, "it sent descriptors");
	return true;
}

/* Serves one packet, and says whether it was a header alone, which takes no time to speak of. */
static bool receive(struct peer *peer)
{
	/* One byte more than a message may have shows one that is too long. */
	static uint64_t packet[HWB_MESSAGE_MAX / 8 + 1];
	int fds[FDS_ROOM];
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int) * FDS_ROOM)];
	} control;
	struct iovec part = { .iov_base = packet, .iov_len = HWB_MESSAGE_MAX + 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};

	if (takes_none(peer))
		return false;
	ssize_t length = recvmsg(peer->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (length < 0) {
		if (errno != EAGAIN && errno != EINTR)
			peer_drop(peer, strerror(errno));
		return false;
	}
	uint32_t count = collect_fds(&message, fds);
	/* Descriptors that we had no room for in our table, or that a security module
	 * withheld, are gone: the message cannot be judged. */
	if ((message.msg_flags & MSG_CTRUNC) != 0) {
		closer_close(peer, fds, count);
		log_limited(peer_log_limit(peer), LOG_LEVEL_NOTICE,
		            "client `%s' (pid %u) sent descriptors that could not be received; "
		            "disconnected",
		            peer->name, peer->pid);
		peer_drop(peer, "its descriptors were cut");
		return false;
	}
	if (length == 0) {
		closer_close(peer, fds, count);
		peer_drop(peer, "it hung up");
		return false;
	}
	peer->broker->handler->packet(peer, packet, (size_t)length, fds, count);
	return length == sizeof(struct hwb_header);
}

/*
 * One packet, or several if the client sends the next before it has the answer: that saves to
 * ask the kernel in between who has sent something. Whether it does is tried now and then, as
 * it costs others a call. Only of what is quickly done (pings, acknowledgements): after anything
 * else it is the turn of the others.
 */
static void receive_some(struct peer *peer)
{
	bool more = peer->pipelines || ++peer->tried % TRY_EACH == 0;
	uint32_t served = 0;

	while (receive(peer)) {
		served++;
		if (!more || served == IN_A_ROW || !peer_connected(peer) || peer->broken ||
		    !ev_is_active(&peer->reader))
			break;
	}
	peer->pipelines = served > 1;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct peer *peer = watcher->data;
	(void)loop;

	if ((revents & EV_ERROR) != 0) {
		peer_drop(peer, "the kernel cannot watch its socket");
		return;
	}
	if (peer->broken) {
		peer_drop(peer, "it could not be answered");
		return;
	}
	if (closer_holds_up(peer)) {
		peer_update(peer);
		return;
	}
	peer_reference(peer);
	/* A packet that is off the socket, and not yet answered. */
	peer->in_hand = true;
	peer_note_live(peer);
	receive_some(peer);
	peer->in_hand = false;
	peer_note_live(peer);
	peer_release(peer);
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct peer *peer = timer->data;
	(void)loop;
	(void)revents;

	const char *why = peer->queue != NULL ? "does not read its replies"
	                  : closer_holds_up(peer)
	                          ? "is not read from, as what it and others like it "
	                            "have sent is still being closed"
	                          : "did not say HELLO";
	log_limited(peer_log_limit(peer), LOG_LEVEL_NOTICE, "client `%s' (pid %u) %s; disconnected",
	            peer->name, peer->pid, why);
	peer_drop(peer, "deadline");
}

void peer_update(struct peer *peer)
{
	bool read =
	        peer_connected(peer) && !peer->broker->leaving &&
	        (peer->broken || (peer->queue == NULL && !peer->last_words && peer->closing == 0 &&
	                          !closer_holds_up(peer) && peer->pending < peer->limits.requests));

	if (read && !ev_is_active(&peer->reader))
		ev_io_start(peer->broker->loop, &peer->reader);
	else if (!read && ev_is_active(&peer->reader))
		ev_io_stop(peer->broker->loop, &peer->reader);
}

void peer_io_start(struct peer *peer)
{
	peer->queue_end = &peer->queue;
	ev_io_init(&peer->reader, on_readable, peer->fd, EV_READ);
	ev_io_init(&peer->writer, on_writable, peer->fd, EV_WRITE);
	ev_timer_init(&peer->deadline, on_deadline, PEER_HELLO_SECONDS, 0.0);
	peer->reader.data = peer;
	peer->writer.data = peer;
	peer->deadline.data = peer;
	ev_timer_start(peer->broker->loop, &peer->deadline);
	peer_update(peer);
}

void peer_io_stop(struct peer *peer)
{
	ev_io_stop(peer->broker->loop, &peer->reader);
	ev_io_stop(peer->broker->loop, &peer->writer);
	ev_timer_stop(peer->broker->loop, &peer->deadline);
	while (peer->queue != NULL) {
		struct out_packet *packet = peer->queue;
		peer->queue = packet->next;
		free_packet(packet);
	}
	peer->queue_end = &peer->queue;
	peer_events_drop(peer);
}

void peer_io_finish(struct peer *peer)
{
	peer->last_words = true;
	if (peer->queue == NULL)
		peer_drop(peer, "broke the protocol");
	else
		peer_update(peer);
}
