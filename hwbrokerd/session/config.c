/* SPDX-License-Identifier: MIT */
/*
 * Config space by request: read freely, write what the policy's allow-list
 * names and what gives nothing away. Which bits a write changes is known only on
 * the strand, so the policy is asked before for all that it may change.
 */
#include "device/config_space.h"
#include "device/operate.h"
#include "session/bus/platform.h"
#include "session/device_job.h"
#include "session/serve.h"
#include "session/session.h"

#include <stdlib.h>

struct config_job {
	struct device_job base;
	struct hwb_config_access access;
	uint32_t old;
	bool write;
	bool named;       /* policy: it speaks of each byte */
	uint32_t allowed; /* policy: bits that may change */
	bool excess;      /* refused for one of the two */
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
	struct device_job *base = &self->base;
	const struct hwb_config_access *access = &self->access;
	struct device *device = base->device;

	device_job_open(base);
	if (base->result == 0)
		base->result = base->kernel->config_read(device->unit.opened, access->offset,
		                                         access->width, &self->old, &base->fault);
	if (base->result != 0 || !self->write)
		return;
	base->result = judge_structure(self);
	if (base->result != 0)
		return;
	self->excess = !self->named || ((self->old ^ access->value) & ~self->allowed) != 0;
	base->result =
	        self->excess
	                ? fault_set(&base->fault, HWB_DENIED,
	                            "the policy does not allow writing 0x%x at 0x%x of %s",
	                            access->value, access->offset, device->name)
	                : base->kernel->config_write(device->unit.opened, access->offset,
	                                             access->width, access->value, &base->fault);
}

/* Whether the policy lets these bits change; `why` receives its sentence if not. */
static bool may_change(const struct config_job *self, const struct peer *peer, uint32_t changed,
                       struct fault *why)
{
	struct policy_device about = device_for_policy(self->base.device);
	struct policy_resource resource = {
		.kind = POLICY_CONFIG_WRITE,
		.device = &about,
		.offset = self->access.offset,
		.count = self->access.width,
		.changed = changed,
	};

	return policy_may(peer->broker->policy, peer->client, &resource, why) == 0;
}

static void done(struct job *job)
{
	struct config_job *self = (struct config_job *)job;
	struct device_job *base = &self->base;

	/* The rule's own words, with its place, unless it has just been replaced. */
	if (self->excess)
		may_change(self, base->request.peer, self->old ^ self->access.value, &base->fault);
	if (!self->write)
		self->access.value = self->old;
	if (base->result == 0)
		request_reply(&base->request, base->request.header.session, &self->access,
		              sizeof(self->access), NULL, 0);
	else
		request_refuse(&base->request, REQUEST_FIELD(hwb_config_access, offset),
		               &base->fault);
	device_job_end(base);
}

static void ask_policy(struct config_job *self, const struct peer *peer)
{
	self->named = may_change(self, peer, 0, NULL);
	for (uint32_t bit = 0; self->named && bit < 8u * self->access.width; bit++)
		if (may_change(self, peer, 1u << bit, NULL))
			self->allowed |= 1u << bit;
}

static void serve(struct request *request, bool write)
{
	const struct hwb_config_access *access = request->body;
	struct session *session = request_session(request, HWB_SESSION_DEVICE);

	if (session == NULL)
		return;
	struct device *device = ((struct device_session *)session)->device;
	uint32_t width = access->width;
	bool known = width == 1 || width == 2 || width == 4;
	if (!known || access->offset % width != 0 || access->offset + width > config_size(device)) {
		request_refuse_text(request, HWB_INVALID,
		                    known ? REQUEST_FIELD(hwb_config_access, offset)
		                          : REQUEST_FIELD(hwb_config_access, width),
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
	self->base.device = device;
	if (write)
		ask_policy(self, request->peer);
	device_job_start(&self->base, request, (struct device_session *)session, run, done, false);
}

void serve_config_read(struct request *request)
{
	serve(request, false);
}

void serve_config_write(struct request *request)
{
	serve(request, true);
}
