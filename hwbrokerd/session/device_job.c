/* SPDX-License-Identifier: MIT */
#include "session/device_job.h"

#include "session/restart/keep.h"

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
                      void (*done)(struct job *job), bool prompt)
{
	struct strand *strand = &owner->device->group->strand;

	self->job.run = run;
	self->job.done = done;
	self->kernel = request->peer->broker->host.backend;
	self->device = owner->device;
	self->owner = owner->session.handle;
	request_hold(&self->request, request);
	/* One that is not open yet is opened first, which takes its time. */
	if (!prompt || !strand_is_free(strand) || owner->device->unit.opened == NULL) {
		strand_submit(strand, &self->job);
		return;
	}
	run(&self->job);
	done(&self->job);
}

void device_job_open(struct device_job *self)
{
	const struct kernel_device *before = self->device->unit.opened;

	self->result = operate_open(self->kernel, self->device, NULL, &self->fault);
	self->opened = self->device->unit.opened != before;
}

static struct device_session *owner_of(const struct device_job *self)
{
	return (struct device_session *)session_table_find(&self->request.peer->sessions,
	                                                   self->owner, HWB_SESSION_DEVICE);
}

bool device_job_held(struct device_job *self)
{
	if (self->result == 0 && owner_of(self) == NULL)
		self->result = fault_set(&self->fault, HWB_GONE, "the device was closed meanwhile");
	return self->result == 0;
}

void device_job_end(struct device_job *self)
{
	struct device_session *owner = self->opened ? owner_of(self) : NULL;

	if (owner != NULL)
		keep_opened(owner);
	request_drop(&self->request);
	free(self);
}
