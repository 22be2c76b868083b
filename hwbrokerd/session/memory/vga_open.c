/* SPDX-License-Identifier: MIT */
/* IO_MEM_OPEN of the VGA window, of a connection that has a VGA card. */
#include "session/device_job.h"
#include "session/memory/memory.h"
#include "session/memory/vga.h"
#include "session/serve.h"
#include "util/cleanup.h"

struct vga_job {
	struct device_job base;
	struct memory_session *session; /* not published yet */
	struct policy_verdict verdict;
	bool no_vga; /* the card cannot be reached so */
	char rule[HAPPENING_RULE_SIZE];
};

static void run(struct job *job)
{
	struct vga_job *self = (struct vga_job *)job;
	struct device_job *base = &self->base;

	device_job_open(base);
	if (base->result == 0)
		self->no_vga = operate_vga(base->kernel, base->device, NULL) != 0;
}

static void done(struct job *job)
{
	struct vga_job *self = (struct vga_job *)job;
	struct device_job *base = &self->base;
	const struct hwb_region *region = &self->session->region.region;

	if (device_job_held(base) && !self->no_vga)
		base->result = memory_publish(base->request.peer, self->session,
		                              &self->verdict.memory, &base->fault);
	if (base->result != 0) {
		request_refuse(&base->request, REQUEST_FIELD(hwb_io_mem_request, base),
		               &base->fault);
	} else if (self->no_vga) {
		memory_start(&base->request, region, &self->verdict);
	} else {
		request_reply(&base->request, region->session, region, sizeof(*region), NULL, 0);
		memory_tell(HAPPENED_MEMORY_GRANTED, steal_pointer(&self->session), self->rule, "");
	}
	if (self->session != NULL)
		memory_discard(self->session);
	device_job_end(base);
}

void memory_open_vga(const struct request *request, const struct device_session *owner,
                     const struct hwb_region *region, const struct policy_verdict *verdict)
{
	_cleanup_free_ struct memory_session *session = calloc(1, sizeof(*session));

	if (session == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a session");
		return;
	}
	struct vga_job *self = device_job_new(request, sizeof(*self));
	if (self == NULL)
		return;
	session->region.device = owner->device;
	session->region.bar = KERNEL_VGA;
	session->region.region = *region;
	self->session = steal_pointer(&session);
	self->verdict = *verdict;
	happening_cite(verdict, self->rule);
	device_job_start(&self->base, request, owner, run, done, false);
}
