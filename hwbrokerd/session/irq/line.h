/* SPDX-License-Identifier: MIT */
/*
 * A session of IRQ_OPEN_NUMBER: an interrupt line of the PC itself.
 *
 * Polled: the trigger is a timerfd, which the client has as it would have an eventfd: both
 * are read as a u64. The kernel's clock is its source, and the broker is on no path. That
 * is better than an eventfd that our loop would signal: nobody wakes up while the client
 * does not look, as the kernel only counts on when it has read, and a daemon that is busy
 * or restarted delays nothing. The client could set another rate: it then wakes up itself
 * more often, which any program may, and reaches nothing by it. For the same reason any
 * number of connections may have the same line polled.
 *
 * UIO: we wait for the UIO device's file, take the interrupt off it, and let the trigger, a clock
 * as well, strike once: an eventfd the client could fill and make to block. The line stays masked
 * until the client writes to the unmask eventfd or sends IRQ_ACK. So we are on the path of every
 * interrupt; and a line that nobody quiets costs one round of the loop for each unmask, no more.
 * Reading and writing that file can wait for the kernel, so workers do it; there is one job under
 * way for a line at most. One connection has it.
 */
#ifndef HWBROKERD_SESSION_LINE_H
#define HWBROKERD_SESSION_LINE_H

#include "kernel/line.h"
#include "session/session.h"

enum line_state {
	LINE_POLLED,
	LINE_WAITING,   /* for its UIO device */
	LINE_READING,   /* a job takes the interrupt off it */
	LINE_MASKED,    /* the client has it */
	LINE_UNMASKING, /* a job */
	LINE_CLOSING    /* a job, the last; the session is closed */
};

struct line_session {
	struct session session; /* handle 0 until it is open */
	struct broker *broker;
	struct line_session *next; /* all that are open, of all connections */
	struct line_session **link;
	enum line_state state;
	uint32_t number;
	uint32_t rate; /* Hz; 0: not polled */
	uint32_t id;   /* note.h */
	uint32_t put;  /* descriptors in the store */
	bool kept;     /* all of them */
	bool unkept;   /* and that is counted in the peer */
	bool closed;   /* while a job was under way */
	int trigger_fd;
	int unmask_fd; /* UIO, as the next; else -1 */
	int uio_fd;
	char uio[LINE_NAME]; /* what the UIO device calls itself */
	ev_io interrupt;
	ev_io unmask;
	struct strand strand;
	struct job job;
	int result; /* of it */
};

/* Descriptors that are kept, in this order: trigger, unmask, UIO device. */
enum { LINE_FDS = 3 };
static inline uint32_t line_fd_count(const struct line_session *line)
{
	return line->state == LINE_POLLED ? 1 : LINE_FDS;
}
static inline int line_fd(const struct line_session *line, uint32_t at)
{
	return at == 0 ? line->trigger_fd : at == 1 ? line->unmask_fd : line->uio_fd;
}

/* Not published yet, without descriptors. NULL: no memory. */
struct line_session *line_new(struct broker *broker, uint32_t number);
/* Ends what was never published. */
void line_discard(struct line_session *line);
/* Puts a published one, with its descriptors, among those that are open, and starts it.
 * `resumed`: what the daemon before knew of it is lost, so that the client is told once that
 * the interrupt has come, whether it has or not. */
void line_start(struct line_session *line, bool resumed);

void line_close(struct line_session *line);

/* Whether the policy of now gives it, and so; sets another rate. */
bool line_still_given(struct line_session *line);
void line_take(struct line_session *line, enum hwb_status status, const char *why);

/* IRQ_ACK of it. */
void line_ack(struct request *request, struct line_session *line);

/* "interrupt 1, polled 100 times a second" */
void line_describe(const struct line_session *line, char *text, size_t size);

#endif
