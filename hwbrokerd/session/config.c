/* SPDX-License-Identifier: MIT */
/*
 * Config space by request: read freely, write what the policy's allow-list
 * names and what gives nothing away. A write needs the bits that it changes,
 * so it is two jobs: read and judge by structure; then, after the policy has
 * been asked on the loop, write.
 */
#include "device/config_space.h"
#include "device/operate.h"
#include "session/device_job.h"
#include "session/platform.h"
#include "session/serve.h"
#include "session/session.h"

#include <stdlib.h>

struct config_job {
	struct device_job base;
	struct hwb_config_access access;
	uint32_t old;
	bool write;
	bool judged; /* the policy has agreed: do write */
};

static uint32_t config_size(const struct device *device)
{
	return (device->facts.flags & HWB_DEVICE_PCIE) != 0 ? HWB_CONFIG_SIZE : 256;
}

/* The whole layout, for finding capabilities. Only writes pay for it. */
static int judge_structure(struct config_job *self)
{
	uint32_t size = config_size(self->base.device);
	uint32_t *config = calloc(1, size);
	int result = config == NULL ? fault_set(&self->base.fault, HWB_NO_MEMORY,
	                                        "no memory for a copy of config space")
	                            : 0;

	for (uint32_t at = 0; at < size && result == 0; at += 4)
		result = self->base.kernel->config_read(self->base.device->unit.opened, at, 4,
		                                        &config[at / 4], &self->base.fault);
	if (result == 0) {
		const char *name =
		        config_space_forbidden((const uint8_t *)config, size, self->access.offset,
		                               self->access.width, self->old ^ self->access.value);
		if (name != NULL)
			result = fault_set(&self->base.fault, HWB_DENIED,
			                   "offset 0x%x of %s is its %s, which no client may write",
			                   self->access.offset, self->base.device->name, name);
	}
	free(config);
	return result;
}

static void run(struct job *job)
{
	struct config_job *self = (struct config_job *)job;
	struct device *device = self->base.device;
	struct hwb_config_access *access = &self->access;

	self->base.result = operate_open(self->base.kernel, device, NULL, &self->base.fault);
	if (self->base.result != 0)
		return;
	if (self->judged) {
		self->base.result = self->base.kernel->config_write(
		        device->unit.opened, access->offset, access->width, access->value,
		        &self->base.fault);
		return;
	}
	self->base.result = self->base.kernel->config_read(
	        device->unit.opened, access->offset, access->width, &self->old, &self->base.fault);
	if (self->base.result == 0 && self->write)
		self->base.result = judge_structure(self);
}

/* Whether another job is needed, or the answer is known. */
static bool goes_on(struct config_job *self)
{
	const struct peer *peer = self->base.request.peer;
	struct policy_device about = device_for_policy(self->base.device);
	struct policy_resource resource = {
		.kind = POLICY_CONFIG_WRITE,
		.device = &about,
		.offset = self->access.offset,
		.count = self->access.width,
		.changed = self->old ^ self->access.value,
	};
	struct policy_verdict verdict;

	if (!self->write || self->judged || !device_job_held(&self->base))
		return false;
	policy_decide(peer->broker->policy, peer->client, &resource, &verdict);
	if (!verdict.granted) {
		self->base.fault = verdict.why;
		self->base.result = -1;
		return false;
	}
	self->judged = true;
	return true;
}

static void done(struct job *job)
{
	struct config_job *self = (struct config_job *)job;

	if (goes_on(self)) {
		strand_submit(&self->base.device->group->strand, job);
		return;
	}
	if (!self->write)
		self->access.value = self->old;
	if (self->base.result == 0)
		request_reply(&self->base.request, self->base.request.header.session, &self->access,
		              sizeof(self->access), NULL, 0);
	else
		request_refuse(&self->base.request, REQUEST_FIELD(hwb_config_access, offset),
		               &self->base.fault);
	device_job_end(&self->base);
}

static void serve(struct request *request, bool write)
{
	const struct hwb_config_access *access = request->body;
	struct session *session = request_session(request, HWB_SESSION_DEVICE);

	if (session == NULL)
		return;
	struct device *device = ((struct device_session *)session)->device;
	uint32_t width = access->width;
	if ((width != 1 && width != 2 && width != 4) || access->offset % width != 0 ||
	    access->offset + width > config_size(device)) {
		request_refuse_text(request, HWB_INVALID, REQUEST_FIELD(hwb_config_access, offset),
		                    "offset 0x%x, width %u: the width is 1, 2 or 4, the offset a "
		                    "multiple of it and below %u",
		                    access->offset, width, config_size(device));
		return;
	}
	if (write && width < 4 && access->value >> 8 * width != 0) {
		request_refuse_text(request, HWB_INVALID, REQUEST_FIELD(hwb_config_access, value),
		                    "value 0x%x does not fit %u bytes", access->value, width);
		return;
	}
	struct config_job *self = device_job_new(request, sizeof(*self));
	if (self == NULL)
		return;
	self->access = *access;
	self->write = write;
	device_job_start(&self->base, request, (struct device_session *)session, run, done);
}

void serve_config_read(struct request *request)
{
	serve(request, false);
}

void serve_config_write(struct request *request)
{
	serve(request, true);
}
