/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* struct ucred */
#include "server/closer.h"

#include "util/cleanup.h"
#include "util/log.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* How often threads that wait are interrupted; if there is much to close, more often than who sends
 * that can make it. */
#define INTERRUPT_SECONDS 0.25
#define INTERRUPT_CROWD_SECONDS 0.005
#define INTERRUPT_FLOOD_SECONDS 0.001
enum { CROWD = 32, FLOOD = 256 };

struct closing {
	struct job job;
	struct strand strand;
	struct broker *broker;
	struct closings *closings;
	struct peer *peer; /* a reference; NULL: nobody waits */
	bool socket;       /* a connection that is to be emptied first */
	uint32_t count;
	int fds[];
};

static void empty(int socket)
{
	enum { MANY = 4096 }; /* more than its queue holds */
	char byte;

	for (int i = 0; i < MANY && recv(socket, &byte, sizeof(byte), MSG_DONTWAIT) > 0; i++)
		;
}

static void run(struct job *job)
{
	struct closing *self = (struct closing *)job;

	for (uint32_t i = 0; i < self->count; i++) {
		if (self->socket)
			empty(self->fds[i]);
		close_fd(self->fds[i]);
	}
}

/* Who was not read from because of them is again. */
static void settle(struct broker *broker, struct closings *closings, uint32_t count)
{
	bool many = closings_are_many(closings);

	closings->waiting -= count;
	if (!many || closings_are_many(closings))
		return;
	for (struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		if (peer_closings(peer) == closings)
			peer_update(peer);
}

static void done(struct job *job)
{
	struct closing *self = (struct closing *)job;
	struct broker *broker = self->broker;

	if (self->socket)
		broker->hang_ups--;
	else
		settle(broker, self->closings, self->count);
	if (self->peer != NULL) {
		self->peer->closing--;
		peer_update(self->peer);
		peer_release(self->peer);
	}
	if (--broker->closings == 0)
		ev_timer_stop(broker->loop, &broker->interrupt_closers);
	free(self);
}

static void submit(struct broker *broker, struct closings *closings, struct peer *peer, bool socket,
                   const int *fds, uint32_t count)
{
	struct closing *self = calloc(1, sizeof(*self) + count * sizeof(int));

	if (self == NULL) {
		/* Rather late than never. */
		for (uint32_t i = 0; i < count; i++)
			close_fd(fds[i]);
		return;
	}
	self->job.run = run;
	self->job.done = done;
	self->broker = broker;
	self->closings = closings;
	self->peer = peer;
	self->socket = socket;
	self->count = count;
	memcpy(self->fds, fds, count * sizeof(int));
	if (socket)
		broker->hang_ups++;
	else
		closings->waiting += count;
	if (peer != NULL) {
		peer_reference(peer);
		peer->closing++;
		peer_update(peer);
	}
	if (broker->closings++ == 0)
		ev_timer_again(broker->loop, &broker->interrupt_closers);
	strand_init(&self->strand, broker->closers, socket ? &closings->hang_ups : &closings->lane);
	strand_submit(&self->strand, &self->job);
}

void closer_close(struct peer *peer, const int *fds, uint32_t count)
{
	struct closings *closings = peer_closings(peer);
	bool many = closings_are_many(closings);

	if (count == 0)
		return;
	submit(peer->broker, closings, peer, false, fds, count);
	if (!many && closings_are_many(closings))
		log_limited(peer_log_limit(peer), LOG_LEVEL_NOTICE,
		            "client `%s' (uid %u, pid %u): %u descriptors that it and others like "
		            "it have sent are still being closed; nothing more is read from them "
		            "meanwhile",
		            peer->name, peer->subject.uid, peer->pid, closings->waiting);
}

enum unread { NOTHING, PLAIN, WITH_DESCRIPTORS };

/* What waits in a connection that was shut down: if nothing does, nothing of others goes with it.
 * With SO_PASSCRED each packet comes with credentials, so that one without bytes is not taken
 * for the end. For descriptors there is no room; they stay where they are. */
static enum unread unread(int socket)
{
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};

	ssize_t length = recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT);
	if (length < 0 || (message.msg_flags & MSG_CTRUNC) != 0)
		return WITH_DESCRIPTORS;
	return length == 0 && message.msg_controllen == 0 ? NOTHING : PLAIN;
}

void closer_hang_up(struct broker *broker, struct closings *closings, int socket)
{
	const int on = 1;
	char byte;

	shutdown(socket, SHUT_RDWR);
	enum unread left = setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0
	                           ? unread(socket)
	                           : WITH_DESCRIPTORS;
	/* It would wait with the others. */
	if (broker->hang_ups > CROWD)
		for (; left == PLAIN; left = unread(socket))
			recv(socket, &byte, sizeof(byte), MSG_DONTWAIT);
	if (left == NOTHING)
		close_fd(socket);
	else
		submit(broker, closings, NULL, true, &socket, 1);
}

bool closer_holds_up(struct peer *peer)
{
	return closings_are_many(peer_closings(peer)) &&
	       (peer->account != NULL || peer->subject.uid != 0);
}

/* Both ways: who has only shut its writing still waits for answers. */
static bool has_hung_up(const struct peer *peer)
{
	struct pollfd other_end = { .fd = peer->fd };

	return poll(&other_end, 1, 0) > 0 && (other_end.revents & (POLLHUP | POLLERR)) != 0;
}

/* An end of file is seen by who reads, and those are not read from. What they have may be wanted
 * elsewhere long before their descriptors are closed. */
static void drop_hung_up(struct broker *broker)
{
	struct peer *next;

	for (struct peer *peer = broker->peers; peer != NULL; peer = next) {
		next = peer->next;
		if ((peer->closing != 0 || closer_holds_up(peer)) && has_hung_up(peer))
			peer_drop(peer, "it hung up");
	}
}

static void on_interrupt(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct broker *broker = timer->data;
	(void)revents;

	workers_interrupt(broker->closers);
	if (ev_now(loop) - broker->looked_for_ends >= INTERRUPT_SECONDS) {
		broker->looked_for_ends = ev_now(loop);
		drop_hung_up(broker);
	}
	timer->repeat = broker->hang_ups > FLOOD   ? INTERRUPT_FLOOD_SECONDS
	                : broker->closings > CROWD ? INTERRUPT_CROWD_SECONDS
	                                           : INTERRUPT_SECONDS;
	ev_timer_again(loop, timer);
}

int closer_start(struct broker *broker)
{
	broker->closers = workers_new(broker->loop);
	if (broker->closers == NULL)
		return -1;
	broker->strangers.lane.max = CLOSER_OPERATOR_THREADS;
	broker->strangers.hang_ups.max = CLOSER_STRANGER_THREADS;
	broker->operators.lane.max = CLOSER_OPERATOR_THREADS;
	broker->operators.hang_ups.max = CLOSER_OPERATOR_THREADS;
	ev_timer_init(&broker->interrupt_closers, on_interrupt, INTERRUPT_SECONDS,
	              INTERRUPT_SECONDS);
	broker->interrupt_closers.data = broker;
	return 0;
}

void closer_stop(struct broker *broker)
{
	ev_timer_stop(broker->loop, &broker->interrupt_closers);
	if (broker->closings == 0)
		workers_free(broker->closers);
}
