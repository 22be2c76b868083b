/* SPDX-License-Identifier: MIT */
#include "session/batch/batcher.h"

#include "server/peer.h"

#include <stdlib.h>
#include <string.h>

/* Accesses that the loop has time for: a port takes a microsecond on a real machine. */
enum { PROMPT_ACCESSES = HWB_PORT_OPS_MAX };

struct batch_job {
	struct job job;
	struct request request;
	struct batcher *batcher;
	int result;
	struct fault fault;
	struct batch batch;
};

void batcher_start(struct batcher *batcher, const struct peer *peer)
{
	strand_init(&batcher->strand, peer->broker->workers, &peer->account->lane);
	batcher->jobs = 0;
	batcher->closed = false;
	atomic_init(&batcher->cut, false);
}

static void answer(const struct request *request, const struct batch *batch)
{
	struct {
		struct hwb_mem_batch head;
		unsigned char records[sizeof(batch->records)];
	} reply;

	_Static_assert(sizeof(struct hwb_mem_batch) == sizeof(struct hwb_port_batch),
	               "both forms have one head");
	reply.head = (struct hwb_mem_batch){ .count = batch->count, .stopped = batch->stopped };
	memcpy(reply.records, &batch->records, batch_size(batch));
	request_reply(request, request->header.session, &reply,
	              sizeof(reply.head) + batch_size(batch), NULL, 0);
}

/* ---- as a job ---- */

static void run(struct job *job)
{
	struct batch_job *self = (struct batch_job *)job;
	struct batcher *batcher = self->batcher;

	self->result = batcher->enter != NULL ? batcher->enter(&batcher->window, &self->fault) : 0;
	if (self->result != 0)
		return;
	self->result = batch_run(&self->batch, &batcher->window, &batcher->cut, &self->fault);
	if (batcher->leave != NULL)
		batcher->leave(&batcher->window);
}

static void done(struct job *job)
{
	struct batch_job *self = (struct batch_job *)job;
	struct batcher *batcher = self->batcher;

	self->request.peer->broker->busy_devices--;
	if (self->result == 0)
		answer(&self->request, &self->batch);
	else
		request_refuse(&self->request, batch_field(&self->batch), &self->fault);
	/* The session needs its peer, which the request keeps. */
	if (--batcher->jobs == 0 && batcher->closed)
		batcher->gone(batcher);
	request_drop(&self->request);
	free(self);
}

static void submit(struct batcher *batcher, const struct request *request,
                   const struct batch *batch)
{
	struct batch_job *self = calloc(1, sizeof(*self));

	if (self == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a batch");
		return;
	}
	self->job.run = run;
	self->job.done = done;
	self->batcher = batcher;
	self->batch = *batch;
	request_hold(&self->request, request);
	batcher->jobs++;
	request->peer->broker->busy_devices++;
	strand_submit(&batcher->strand, &self->job);
}

/* ---- or at once ---- */

void batcher_serve(struct batcher *batcher, const struct request *request, uint32_t count,
                   const void *records)
{
	struct batch batch;
	struct fault fault;

	batch_read(&batch, batcher->form, count, records);
	if (batch_check(&batch, &batcher->window, &fault) != 0) {
		request_refuse(request, batch_field(&batch), &fault);
		return;
	}
	/* Behind another one it waits, as they are carried out in order. */
	if (!batcher->prompt || batch.polls || batch.accesses > PROMPT_ACCESSES ||
	    batcher->jobs != 0)
		submit(batcher, request, &batch);
	else if (batch_run(&batch, &batcher->window, NULL, &fault) == 0)
		answer(request, &batch);
	else
		request_refuse(request, batch_field(&batch), &fault);
}

void batcher_cut(struct batcher *batcher)
{
	atomic_store_explicit(&batcher->cut, true, memory_order_release);
}

void batcher_close(struct batcher *batcher)
{
	batcher_cut(batcher);
	batcher->closed = true;
	if (batcher->jobs == 0)
		batcher->gone(batcher);
}
