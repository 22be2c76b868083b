/* SPDX-License-Identifier: MIT */
#include "session/device_job.h"

#include <stdlib.h>

void *device_job_new(const struct request *request, size_t size)
{
	void *self = calloc(1, size);

	if (self == NULL)
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
	return self;
}

void device_job_start(struct device_job *self, const struct request *request,
                      const struct device_session *owner, void (*run)(struct job *job),
                      void (*done)(struct job *job))
{
	self->job.run = run;
	self->job.done = done;
	self->kernel = request->peer->broker->host.backend;
	self->device = owner->device;
	self->owner = owner->session.handle;
	request_hold(&self->request, request);
	strand_submit(&owner->device->group->strand, &self->job);
}

bool device_job_held(struct device_job *self)
{
	if (self->result == 0 && session_table_find(&self->request.peer->sessions, self->owner,
	                                            HWB_SESSION_DEVICE) == NULL)
		self->result = fault_set(&self->fault, HWB_GONE, "the device was closed meanwhile");
	return self->result == 0;
}

void device_job_end(struct device_job *self)
{
	request_drop(&self->request);
	free(self);
}
