/* SPDX-License-Identifier: MIT */
/* IRQ_OPEN_NUMBER and IRQ_LIST: interrupt lines that no PCI function has. */
#include "resume/note.h"
#include "session/acquire/assess.h"
#include "session/irq/line.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "util/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

struct open_job {
	struct job job;
	struct request request;
	struct strand strand;
	struct line_session *line;
	struct policy_line terms;
	int result;
	struct fault fault;
};

static int make_fds(struct line_session *line, struct fault *fault)
{
	line->trigger_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (line->trigger_fd < 0)
		return fault_errno(fault, errno, "cannot make the interrupt's descriptor");
	if (line->rate != 0)
		return 0;
	line->unmask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return line->unmask_fd >= 0 ? 0 : fault_errno(fault, errno, "cannot make an eventfd");
}

/* Looks for its UIO device, as the rule says; without one it is polled if that may be. */
static void run(struct job *job)
{
	struct open_job *self = (struct open_job *)job;
	struct line_session *line = self->line;
	const struct policy_line *terms = &self->terms;

	if (terms->source != POLICY_SOURCE_POLL) {
		self->result =
		        line_open(line->number, terms->uio, &line->uio_fd, line->uio, &self->fault);
		/* One that cannot be opened is no reason to poll. */
		if (self->result != 0 &&
		    (terms->source == POLICY_SOURCE_UIO || self->fault.status != HWB_NOT_FOUND))
			return;
	}
	line->rate = line->uio_fd < 0 ? terms->rate : 0;
	self->result = make_fds(line, &self->fault);
}

/* The answer to what is open by now. */
static void reply(const struct request *request, const struct line_session *line)
{
	const struct hwb_line body = {
		.session = line->session.handle,
		.number = line->number,
		.source = line->rate != 0 ? HWB_LINE_POLLED : HWB_LINE_UIO,
		.rate = line->rate,
	};
	const int fds[] = { line->trigger_fd, line->unmask_fd };

	request_reply(request, body.session, &body, sizeof(body), fds, line->rate != 0 ? 1 : 2);
}

/* What may have changed while the job was under way, too. */
static int publish(struct open_job *self)
{
	struct line_session *line = self->line;
	struct peer *peer = self->request.peer;
	struct asker asker = asker_of(peer);
	struct policy_verdict verdict;

	if (!peer_connected(peer))
		return fault_set(&self->fault, HWB_GONE, "the connection is over");
	if (assess_line(&asker, line->number, &verdict, &self->fault) != 0 ||
	    assess_line_free(&asker, line->number, line->rate == 0, &self->fault) != 0 ||
	    session_publish(peer, &line->session, &self->fault) != 0)
		return -1;
	line->id = note_new_id();
	return 0;
}

static void done(struct job *job)
{
	struct open_job *self = (struct open_job *)job;
	struct line_session *line = self->line;

	self->line->broker->busy_devices--;
	if (self->result == 0)
		self->result = publish(self);
	if (self->result != 0) {
		bool number = self->fault.status == HWB_NOT_FOUND || self->fault.status == HWB_BUSY;
		request_refuse(&self->request, number ? REQUEST_FIELD(hwb_line_request, number) : 0,
		               &self->fault);
		line_discard(line);
	} else {
		line_start(line, false);
		keep_session(&line->session);
		reply(&self->request, line);
		happened(line->broker,
		         &(struct happening){ .kind = HAPPENED_LINE_OPENED,
		                              .peer = line->session.peer,
		                              .has_line = true,
		                              .line = line->number,
		                              .reason = line->rate != 0 ? "to be polled"
		                                                        : "by UIO" });
	}
	request_drop(&self->request);
	free(self);
}

void serve_irq_open_number(struct request *request)
{
	const struct hwb_line_request *wanted = request->body;
	struct peer *peer = request->peer;
	struct asker asker = asker_of(peer);
	struct policy_verdict verdict;
	struct fault fault;

	if (wanted->number >= HWB_LINES) {
		request_refuse_text(request, HWB_INVALID, REQUEST_FIELD(hwb_line_request, number),
		                    "there is no interrupt line %u; they are 0 to %u",
		                    wanted->number, HWB_LINES - 1);
		return;
	}
	if (assess_lines_of_host(&fault) != 0) {
		request_refuse(request, 0, &fault);
		return;
	}
	if (assess_line(&asker, wanted->number, &verdict, &fault) != 0 ||
	    assess_line_free(&asker, wanted->number, verdict.interrupt.source != POLICY_SOURCE_POLL,
	                     &fault) != 0) {
		request_refuse(request, REQUEST_FIELD(hwb_line_request, number), &fault);
		return;
	}
	struct open_job *self = calloc(1, sizeof(*self));
	struct line_session *line = line_new(peer->broker, wanted->number);
	if (self == NULL || line == NULL) {
		free(self);
		free(line);
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a session");
		return;
	}
	self->job.run = run;
	self->job.done = done;
	self->line = line;
	self->terms = verdict.interrupt;
	request_hold(&self->request, request);
	peer->broker->busy_devices++;
	strand_init(&self->strand, peer->broker->workers, &peer->account->lane);
	strand_submit(&self->strand, &self->job);
}

void serve_irq_list(struct request *request)
{
	const struct hwb_list_request *list = request->body;
	struct asker asker = asker_of(request->peer);
	struct {
		struct hwb_list_reply head;
		struct hwb_line_grant lines[HWB_LINES];
	} reply = { .head.record_size = sizeof(reply.lines[0]) };
	struct policy_verdict verdict;
	struct fault fault;

	if (assess_lines_of_host(&fault) != 0) {
		request_refuse(request, 0, &fault);
		return;
	}
	for (uint64_t number = list->cursor; number < HWB_LINES; number++) {
		if (assess_line(&asker, (uint32_t)number, &verdict, NULL) != 0)
			continue;
		reply.lines[reply.head.count++] = (struct hwb_line_grant){
			.number = (uint32_t)number,
			.rate = verdict.interrupt.source == POLICY_SOURCE_UIO
			                ? 0
			                : verdict.interrupt.rate,
		};
	}
	request_reply(request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(reply.lines[0]), NULL, 0);
}
