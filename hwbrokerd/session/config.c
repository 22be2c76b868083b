/* SPDX-License-Identifier: MIT */
/*
 * Config space by request: read freely, write what the policy's allow-list
 * names and what gives nothing away. A write needs the bits that it changes,
 * so it is two jobs: read and judge by structure; then, after the policy has
 * been asked on the loop, write.
 */
#include "device/config_space.h"
#include "device/operate.h"
#include "session/platform.h"
#include "session/serve.h"
#include "session/session.h"

#include <stdlib.h>

struct config_job {
	struct job job;
	struct request request;
	const struct kernel_backend *kernel;
	struct device *device;
	struct hwb_config_access access;
	uint32_t old;
	bool write;
	bool judged; /* the policy has agreed: do write */
	int result;
	struct fault fault;
};

static uint32_t config_size(const struct device *device)
{
	return (device->facts.flags & HWB_DEVICE_PCIE) != 0 ? HWB_CONFIG_SIZE : 256;
}

/* The whole layout, for finding capabilities. Only writes pay for it. */
static int judge_structure(struct config_job *self)
{
	uint32_t size = config_size(self->device);
	uint32_t *config = calloc(1, size);
	int result = config == NULL ? fault_set(&self->fault, HWB_NO_MEMORY,
	                                        "no memory for a copy of config space")
	                            : 0;

	for (uint32_t at = 0; at < size && result == 0; at += 4)
		result = self->kernel->config_read(self->device->unit.opened, at, 4,
		                                   &config[at / 4], &self->fault);
	if (result == 0) {
		const char *name =
		        config_space_forbidden((const uint8_t *)config, size, self->access.offset,
		                               self->access.width, self->old ^ self->access.value);
		if (name != NULL)
			result = fault_set(&self->fault, HWB_DENIED,
			                   "offset 0x%x of %s is its %s, which no client may write",
			                   self->access.offset, self->device->name, name);
	}
	free(config);
	return result;
}

static void run(struct job *job)
{
	struct config_job *self = (struct config_job *)job;
	struct device *device = self->device;
	struct hwb_config_access *access = &self->access;

	self->result = operate_open(self->kernel, device, NULL, &self->fault);
	if (self->result != 0)
		return;
	if (self->judged) {
		self->result =
		        self->kernel->config_write(device->unit.opened, access->offset,
		                                   access->width, access->value, &self->fault);
		return;
	}
	self->result = self->kernel->config_read(device->unit.opened, access->offset, access->width,
	                                         &self->old, &self->fault);
	if (self->result == 0 && self->write)
		self->result = judge_structure(self);
}

/* Whether another job is needed, or the answer is known. */
static bool goes_on(struct config_job *self)
{
	const struct peer *peer = self->request.peer;
	struct policy_device about = device_for_policy(self->device);
	struct policy_resource resource = {
		.kind = POLICY_CONFIG_WRITE,
		.device = &about,
		.offset = self->access.offset,
		.count = self->access.width,
		.changed = self->old ^ self->access.value,
	};
	struct policy_verdict verdict;

	if (!self->write || self->judged || self->result != 0)
		return false;
	if (!peer_connected(peer) || peer->client == NULL ||
	    session_table_find(&peer->sessions, self->request.header.session, HWB_SESSION_DEVICE) ==
	            NULL) {
		self->result = fault_set(&self->fault, HWB_GONE, "the device was closed meanwhile");
		return false;
	}
	policy_decide(peer->broker->policy, peer->client, &resource, &verdict);
	if (!verdict.granted) {
		self->fault = verdict.why;
		self->result = -1;
		return false;
	}
	self->judged = true;
	return true;
}

static void done(struct job *job)
{
	struct config_job *self = (struct config_job *)job;

	if (goes_on(self)) {
		strand_submit(&self->device->group->strand, &self->job);
		return;
	}
	if (!self->write)
		self->access.value = self->old;
	if (self->result == 0)
		request_reply(&self->request, self->request.header.session, &self->access,
		              sizeof(self->access), NULL, 0);
	else
		request_refuse(&self->request, REQUEST_FIELD(hwb_config_access, offset),
		               &self->fault);
	request_drop(&self->request);
	free(self);
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
	struct config_job *self = calloc(1, sizeof(*self));
	if (self == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
		return;
	}
	self->job.run = run;
	self->job.done = done;
	self->kernel = request->peer->broker->host.backend;
	self->device = device;
	self->access = *access;
	self->write = write;
	request_hold(&self->request, request);
	strand_submit(&device->group->strand, &self->job);
}

void serve_config_read(struct request *request)
{
	serve(request, false);
}

void serve_config_write(struct request *request)
{
	serve(request, true);
}
