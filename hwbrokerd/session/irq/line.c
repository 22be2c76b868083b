/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* preadv2 */
#include "session/irq/line.h"

#include "session/acquire/assess.h"
#include "session/restart/keep.h"
#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#define SECOND_NS UINT64_C(1000000000)

static void tell(enum happening_kind kind, const struct line_session *line, enum hwb_status status,
                 const char *why)
{
	happened(line->broker, &(struct happening){ .kind = kind,
	                                            .peer = line->session.peer,
	                                            .has_line = true,
	                                            .line = line->number,
	                                            .status = status,
	                                            .reason = why });
}

/* ---- its UIO device ---- */

static void line_free(struct line_session *line);

static struct line_session *line_of(struct job *job)
{
	return (struct line_session *)((char *)job - offsetof(struct line_session, job));
}

static void run(struct job *job)
{
	struct line_session *line = line_of(job);

	switch (line->state) {
	case LINE_READING:
		line->result = line_read(line->uio_fd);
		break;
	case LINE_UNMASKING:
		line->result = line_unmask(line->uio_fd);
		break;
	case LINE_CLOSING:
		line->uio_fd = close_fd(line->uio_fd);
		break;
	default:
		break;
	}
}

static void done(struct job *job);

static void submit(struct line_session *line, enum line_state state)
{
	line->state = state;
	line->job = (struct job){ .run = run, .done = done };
	/* Who ends the daemon waits for it; so does who lets another one go on. */
	line->broker->busy_devices++;
	strand_submit(&line->strand, &line->job);
}

static void set_clock(const struct line_session *line, uint64_t first_ns, uint64_t interval_ns)
{
	const struct itimerspec clock = {
		.it_value = { (time_t)(first_ns / SECOND_NS), (long)(first_ns % SECOND_NS) },
		.it_interval = { (time_t)(interval_ns / SECOND_NS),
		                 (long)(interval_ns % SECOND_NS) },
	};

	timerfd_settime(line->trigger_fd, 0, &clock, NULL);
}

/* Never waits, unlike a write to an eventfd that the client has filled and made to block. */
static void strike(const struct line_session *line)
{
	set_clock(line, 1, 0);
}

/* What the client has written. Never waits, though the client has the descriptor as well and
 * may have made it to block, or have read it first. */
static bool was_unmasked(const struct line_session *line)
{
	uint64_t count;
	const struct iovec into = { &count, sizeof(count) };

	return preadv2(line->unmask_fd, &into, 1, -1, RWF_NOWAIT) == sizeof(count);
}

static void wait_for_interrupt(struct line_session *line)
{
	line->state = LINE_WAITING;
	ev_io_start(line->broker->loop, &line->interrupt);
}

static void wait_for_client(struct line_session *line)
{
	line->state = LINE_MASKED;
	ev_io_start(line->broker->loop, &line->unmask);
}

/* The client has it from here. What it wrote to the unmask eventfd before was about none. */
static void deliver(struct line_session *line)
{
	was_unmasked(line);
	strike(line);
	wait_for_client(line);
}

static void done(struct job *job)
{
	struct line_session *line = line_of(job);

	line->broker->busy_devices--;
	if (line->state == LINE_CLOSING) {
		line_free(line);
	} else if (line->closed) {
		submit(line, LINE_CLOSING);
	} else if (line->result < 0) {
		/* Who waits for it is to see that it is gone. */
		strike(line);
		line->state = LINE_MASKED;
		line_take(line, HWB_GONE, "its UIO device has left");
	} else if (line->state == LINE_READING && line->result > 0) {
		deliver(line);
	} else {
		wait_for_interrupt(line);
	}
}

static void on_interrupt(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct line_session *line = watcher->data;
	(void)revents;

	ev_io_stop(loop, watcher);
	/* The next daemon takes it off. */
	if (!line->broker->leaving)
		submit(line, LINE_READING);
}

static void unmask(struct line_session *line)
{
	ev_io_stop(line->broker->loop, &line->unmask);
	submit(line, LINE_UNMASKING);
}

static void on_unmask(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct line_session *line = watcher->data;
	(void)revents;

	/* What the client has written is there for the next daemon; and a kernel that cannot
	 * read so does it by IRQ_ACK alone. */
	if (!line->broker->leaving && was_unmasked(line))
		unmask(line);
	else if (line->broker->leaving || errno == EOPNOTSUPP)
		ev_io_stop(loop, watcher);
}

/* ---- its life ---- */

struct line_session *line_new(struct broker *broker, uint32_t number)
{
	struct line_session *line = calloc(1, sizeof(*line));

	if (line == NULL)
		return NULL;
	line->session.kind = HWB_SESSION_LINE;
	line->broker = broker;
	line->number = number;
	line->trigger_fd = line->unmask_fd = line->uio_fd = -1;
	return line;
}

static void line_free(struct line_session *line)
{
	close_fd(line->trigger_fd);
	close_fd(line->unmask_fd);
	free(line);
}

void line_discard(struct line_session *line)
{
	if (line->uio_fd < 0) {
		line_free(line);
		return;
	}
	strand_init(&line->strand, line->broker->workers, NULL);
	submit(line, LINE_CLOSING);
}

static void poll_at(const struct line_session *line, uint32_t rate)
{
	set_clock(line, SECOND_NS / rate, SECOND_NS / rate);
}

void line_start(struct line_session *line, bool resumed)
{
	struct broker *broker = line->broker;

	line->next = broker->line_sessions;
	line->link = &broker->line_sessions;
	if (line->next != NULL)
		line->next->link = &line->next;
	broker->line_sessions = line;
	if (line->rate != 0) {
		line->state = LINE_POLLED;
		poll_at(line, line->rate);
		return;
	}
	/* Fifteen of them at most, with short jobs: they wait for no other job of the client. */
	strand_init(&line->strand, broker->workers, NULL);
	ev_io_init(&line->interrupt, on_interrupt, line->uio_fd, EV_READ);
	ev_io_init(&line->unmask, on_unmask, line->unmask_fd, EV_READ);
	line->interrupt.data = line;
	line->unmask.data = line;
	if (resumed)
		deliver(line);
	else
		submit(line, LINE_UNMASKING);
}

static void stop(struct line_session *line)
{
	*line->link = line->next;
	if (line->next != NULL)
		line->next->link = line->link;
	if (line->state == LINE_POLLED) {
		set_clock(line, 0, 0);
		return;
	}
	ev_io_stop(line->broker->loop, &line->interrupt);
	ev_io_stop(line->broker->loop, &line->unmask);
}

void line_close(struct line_session *line)
{
	/* What was taken is told of already. */
	if (!line->session.taken)
		tell(HAPPENED_LINE_CLOSED, line, HWB_OK, "");
	stop(line);
	session_withdraw(&line->session);
	if (line->state == LINE_POLLED)
		line_free(line);
	else if (line->state == LINE_READING || line->state == LINE_UNMASKING)
		line->closed = true;
	else
		submit(line, LINE_CLOSING);
}

void line_take(struct line_session *line, enum hwb_status status, const char *why)
{
	tell(HAPPENED_REVOKED, line, status, why);
	line->session.taken = true;
	line_close(line);
}

bool line_still_given(struct line_session *line)
{
	struct asker asker = asker_of(line->session.peer);
	struct policy_verdict verdict;

	if (assess_line(&asker, line->number, &verdict, NULL) != 0)
		return false;
	if (line->rate == 0)
		return verdict.interrupt.source != POLICY_SOURCE_POLL;
	if (verdict.interrupt.source == POLICY_SOURCE_UIO)
		return false;
	if (line->rate != verdict.interrupt.rate) {
		line->rate = verdict.interrupt.rate;
		poll_at(line, line->rate);
		keep_session(&line->session);
	}
	return true;
}

void line_ack(struct request *request, struct line_session *line)
{
	if (line->state == LINE_MASKED)
		unmask(line);
	request_reply(request, request->header.session, NULL, 0, NULL, 0);
}

void line_describe(const struct line_session *line, char *text, size_t size)
{
	if (line->rate != 0)
		snprintf(text, size, "interrupt %" PRIu32 ", polled %" PRIu32 " time%s a second",
		         line->number, line->rate, line->rate == 1 ? "" : "s");
	else
		snprintf(text, size, "interrupt %" PRIu32 ", by UIO device `%.40s'", line->number,
		         line->uio);
}
