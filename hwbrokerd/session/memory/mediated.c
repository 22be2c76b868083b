/* SPDX-License-Identifier: MIT */
#include "session/memory/mediated.h"

#include "session/bus/platform.h"
#include "session/device_job.h"
#include "session/serve.h"
#include "util/cleanup.h"

#include <stdlib.h>

enum policy_way mediated_way(const struct peer *peer, const struct device *device)
{
	struct policy_verdict verdict;

	/* What it was granted by stays, whatever the policy says of it now. */
	if (device->owner == peer && device->state == LIFE_GRANTED)
		return device->way;
	return platform_find(peer, &device->facts.address, &verdict, NULL) != NULL
	               ? verdict.grant.way
	               : WAY_SPLIT;
}

/* ---- register by register ---- */

struct mediated {
	struct batcher batcher;
	struct mediated_reach reach;
};

/* `window->start` is where its base is in the BAR. */
static int read_bar(const struct batch_window *window, uint64_t place, uint32_t width,
                    uint64_t *value, struct fault *fault)
{
	const struct mediated_reach *reach = window->context;

	return operate_bar_read(reach->kernel, reach->device, reach->bar,
	                        window->start + (place - window->base), width, value, fault);
}

static int write_bar(const struct batch_window *window, uint64_t place, uint32_t width,
                     uint64_t value, struct fault *fault)
{
	const struct mediated_reach *reach = window->context;

	return operate_bar_write(reach->kernel, reach->device, reach->bar,
	                         window->start + (place - window->base), width, value, fault);
}

static struct batch_window window_of(struct mediated_reach *reach, uint64_t base, uint64_t size,
                                     uint64_t start)
{
	bool io = (reach->device->facts.bars[reach->bar].flags & HWB_BAR_IO) != 0;

	return (struct batch_window){
		.base = base,
		.size = size,
		.widest = io ? 4 : 8,
		.aligned = true,
		.read = read_bar,
		.write = write_bar,
		.context = reach,
		.start = start,
	};
}

static void gone(struct batcher *batcher)
{
	free(batcher);
}

struct batcher *mediated_new(const struct peer *peer, struct device *device, uint32_t bar,
                             uint64_t offset, uint64_t size)
{
	struct mediated *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return NULL;
	self->reach = (struct mediated_reach){ peer->broker->host.backend, device, bar };
	self->batcher.window = window_of(&self->reach, 0, size, offset);
	self->batcher.form = BATCH_MEMORY;
	self->batcher.gone = gone;
	batcher_start(&self->batcher, peer);
	return &self->batcher;
}

struct batch_window mediated_ports(struct mediated_reach *reach, const struct peer *peer,
                                   struct device *device, uint32_t base, uint32_t count)
{
	uint32_t bar = 0;

	while (bar + 1 < HWB_BARS &&
	       ((device->facts.bars[bar].flags & HWB_BAR_IO) == 0 ||
	        base < device->facts.bars[bar].address ||
	        base - device->facts.bars[bar].address >= device->facts.bars[bar].size))
		bar++;
	*reach = (struct mediated_reach){ peer->broker->host.backend, device, bar };
	return window_of(reach, base, count, base - device->facts.bars[bar].address);
}

/* ---- VFIO's descriptor ---- */

struct lend_job {
	struct device_job base;
	int fd;
};

static void run_lend(struct job *job)
{
	struct lend_job *self = (struct lend_job *)job;
	struct device_job *base = &self->base;

	device_job_open(base);
	if (base->result == 0)
		base->result = operate_lend(base->kernel, base->device, &self->fd, &base->fault);
}

static void done_lend(struct job *job)
{
	struct lend_job *self = (struct lend_job *)job;
	struct device_job *base = &self->base;

	if (device_job_held(base))
		request_reply(&base->request, base->request.header.session, NULL, 0, &self->fd, 1);
	else
		request_refuse(&base->request, 0, &base->fault);
	close_fd(self->fd);
	device_job_end(base);
}

void serve_device_fd(struct request *request)
{
	struct session *session = request_session(request, HWB_SESSION_DEVICE);

	if (session == NULL)
		return;
	struct device_session *owner = (struct device_session *)session;
	if (owner->device->way != WAY_DEVICE) {
		request_refuse_text(request, HWB_DENIED, 0,
		                    "%s is granted as `%s': its descriptor is passed on only if "
		                    "its rule says `grant = device'",
		                    owner->device->name, policy_way_name(owner->device->way));
		return;
	}
	struct lend_job *self = device_job_new(request, sizeof(*self));
	if (self == NULL)
		return;
	self->fd = -1;
	device_job_start(&self->base, request, owner, run_lend, done_lend, false);
}
