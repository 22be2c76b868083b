/* SPDX-License-Identifier: MIT */
#include "session/memory/rom.h"

#include "session/device_job.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "util/cleanup.h"

#include <inttypes.h>

struct rom_job {
	struct device_job base;
	uint64_t size;
	int fd;
};

static void run(struct job *job)
{
	struct rom_job *self = (struct rom_job *)job;
	struct device_job *base = &self->base;

	device_job_open(base);
	if (base->result == 0)
		base->result = base->kernel->rom(base->device->unit.opened, &self->fd, &self->size,
		                                 &base->fault);
}

static int publish(struct rom_job *self, struct hwb_region *region)
{
	struct device_job *base = &self->base;
	_cleanup_free_ struct region_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return fault_set(&base->fault, HWB_NO_MEMORY, "no memory for a session");
	session->session.kind = HWB_SESSION_IO_MEM;
	session->device = base->device;
	session->bar = HWB_BAR_ROM;
	if (session_publish(base->request.peer, &session->session, &base->fault) != 0)
		return -1;
	/* It has no address as long as the host does not need it at one. */
	session->region = (struct hwb_region){
		.session = session->session.handle,
		.flags = HWB_REGION_COPY | HWB_REGION_READ_ONLY,
		.size = self->size,
	};
	*region = session->region;
	keep_session(&session->session);
	steal_pointer(&session);
	return 0;
}

static void done(struct job *job)
{
	struct rom_job *self = (struct rom_job *)job;
	struct device_job *base = &self->base;
	struct hwb_region region = { 0 };

	if (device_job_held(base))
		base->result = publish(self, &region);
	if (base->result == 0)
		request_reply(&base->request, region.session, &region, sizeof(region), &self->fd,
		              1);
	else
		request_refuse(&base->request, REQUEST_FIELD(hwb_bar_request, bar), &base->fault);
	close_fd(self->fd);
	device_job_end(base);
}

void rom_open(struct request *request, struct device_session *owner)
{
	const struct hwb_bar_request *wanted = request->body;
	const struct kernel_backend *kernel = request->peer->broker->host.backend;

	if (wanted->offset != 0 || wanted->size != 0) {
		request_refuse_text(request, HWB_INVALID,
		                    wanted->offset != 0 ? REQUEST_FIELD(hwb_bar_request, offset)
		                                        : REQUEST_FIELD(hwb_bar_request, size),
		                    "the option ROM of %s comes as a whole: offset and size are 0",
		                    owner->device->name);
		return;
	}
	if (kernel == NULL || kernel->rom == NULL) {
		request_refuse_text(request, HWB_UNSUPPORTED, REQUEST_FIELD(hwb_bar_request, bar),
		                    "without VFIO there is no copy of the option ROM of %s",
		                    owner->device->name);
		return;
	}
	struct rom_job *self = device_job_new(request, sizeof(*self));
	if (self == NULL)
		return;
	self->fd = -1;
	device_job_start(&self->base, request, owner, run, done, false);
}
