/* SPDX-License-Identifier: MIT */
#include "session/admin/query.h"

#include <stdlib.h>

void *query_new(const struct request *request, size_t size)
{
	void *self = calloc(1, size);

	if (self == NULL)
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for an answer");
	return self;
}

void query_start(struct query *self, const struct request *request, void (*run)(struct job *job),
                 void (*done)(struct job *job))
{
	struct broker *broker = request->peer->broker;

	self->job.run = run;
	self->job.done = done;
	request_hold(&self->request, request);
	broker->queries.max = 1;
	broker->busy_devices++; /* shutdown waits for it */
	strand_init(&self->strand, broker->workers, &broker->queries);
	strand_submit(&self->strand, &self->job);
}

void query_end(struct query *self)
{
	self->request.peer->broker->busy_devices--;
	request_drop(&self->request);
	free(self);
}
