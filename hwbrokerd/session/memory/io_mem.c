/* SPDX-License-Identifier: MIT */
/* IO_MEM: registers and framebuffers, a descriptor per BAR. */
#include "session/memory/region.h"

#include "device/operate.h"
#include "kernel/host_now.h"
#include "kernel/memory/memory.h"
#include "kernel/resource.h"
#include "session/bus/platform.h"
#include "session/device_job.h"
#include "session/memory/mediated.h"
#include "session/memory/memory.h"
#include "session/memory/rom.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "util/cleanup.h"

#include <inttypes.h>

enum { WIDEST = 8 };

static int refuse_locked_down(const struct peer *peer, const struct device *device, uint32_t bar,
                              struct fault *fault)
{
	struct policy_verdict verdict;
	const char *rule = "";

	if (platform_find(peer, &device->facts.address, &verdict, NULL) != NULL)
		rule = verdict.section;
	return fault_set(
	        fault, HWB_UNSUPPORTED,
	        "the kernel is locked down, as with Secure Boot, and lets nobody use a "
	        "descriptor of BAR %u of %s: set `grant = mediated' or `grant = device' in "
	        "[%s] (%s:%u), or switch Secure Boot off",
	        bar, device->name, rule, verdict.file, verdict.line);
}

int region_check(const struct peer *peer, const struct device *device, uint32_t bar, bool io,
                 uint64_t offset, uint64_t size, bool wc, struct region_plan *plan,
                 struct fault *fault)
{
	if (bar >= HWB_BARS || device->facts.bars[bar].size == 0)
		return fault_set(fault, HWB_NOT_FOUND, "%s has no BAR %u", device->name, bar);
	const struct hwb_bar *facts = &device->facts.bars[bar];
	bool is_io = (facts->flags & HWB_BAR_IO) != 0;
	if (is_io != io)
		return fault_set(fault, HWB_INVALID, "BAR %u of %s holds %s: use %s", bar,
		                 device->name, is_io ? "ports" : "memory",
		                 is_io ? "IO_PORT_OPEN_BAR" : "IO_MEM_OPEN_BAR");
	if (size == 0 && offset < facts->size)
		size = facts->size - offset;
	if (size == 0 || offset >= facts->size || size > facts->size - offset)
		return fault_set(fault, HWB_INVALID,
		                 "0x%" PRIx64 " bytes from 0x%" PRIx64
		                 " are not within BAR %u of %s, which has 0x%" PRIx64,
		                 size, offset, bar, device->name, facts->size);
	enum policy_way way = mediated_way(peer, device);
	if (way == WAY_MEDIATED && offset % WIDEST != 0)
		return fault_set(fault, HWB_INVALID,
		                 "0x%" PRIx64 " is no multiple of %u, at which a part of a BAR "
		                 "begins that has no descriptor",
		                 offset, WIDEST);
	if (way == WAY_MEDIATED && peer->broker->host.backend != NULL &&
	    peer->broker->host.backend->bar_read == NULL)
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "without VFIO (backend %s) there are no registers by request: "
		                 "`grant = split' in the rule of %s gives descriptors of them",
		                 peer->broker->host.backend->name, device->name);
	if (way == WAY_SPLIT && host_is_locked_down(&peer->broker->host))
		return refuse_locked_down(peer, device, bar, fault);
	*plan = (struct region_plan){
		.bar = bar,
		.wc = wc && way == WAY_SPLIT,
		.offset = offset,
		.size = size,
		.way = way,
		.fd = -1,
	};
	/* VFIO lets nobody have the rest of a page, or the table. */
	if (way == WAY_MEDIATED)
		return 0;
	if (way == WAY_SPLIT && (facts->flags & HWB_BAR_PARTIAL_PAGE) != 0 &&
	    platform_may(peer, device, POLICY_PARTIAL_PAGE, fault) != 0)
		return -1;
	if ((facts->flags & HWB_BAR_MSIX_TABLE) != 0 && !peer->broker->host.interrupt_remapping &&
	    platform_may(peer, device, POLICY_MSIX_TABLE, fault) != 0)
		return -1;
	return 0;
}

int region_open(const struct kernel_backend *kernel, struct device *device,
                struct region_plan *plan, struct fault *fault)
{
	uint32_t flags = device->facts.bars[plan->bar].flags;
	bool io = (flags & HWB_BAR_IO) != 0;
	uint32_t unknown = 0;

	if (plan->way == WAY_MEDIATED)
		return 0;
	if (plan->way == WAY_DEVICE && kernel->bar_offset != NULL &&
	    kernel->bar_offset(device->unit.opened, plan->bar, io, &plan->fd_offset, fault) != 0)
		return -1;
	if (plan->way == WAY_DEVICE)
		return operate_lend(kernel, device, &plan->fd, fault);
	/* Others come and go in a page that it shares. */
	return resource_open(device->unit.witness.directory, device->name, plan->bar, &plan->wc,
	                     (flags & HWB_BAR_PARTIAL_PAGE) != 0 ? &unknown : &device->unit.mapped,
	                     &plan->fd, fault);
}

static uint32_t flags_of(enum policy_way way, bool io, const struct host *host)
{
	if (way == WAY_MEDIATED)
		return HWB_REGION_MEDIATED | HWB_REGION_REVOCABLE;
	return way == WAY_SPLIT && !io && host_can_revoke(host) ? HWB_REGION_REVOCABLE : 0;
}

static uint64_t offset_of(const struct region_plan *plan, const struct hwb_bar *facts, bool io)
{
	switch (plan->way) {
	case WAY_MEDIATED:
		return 0;
	case WAY_DEVICE:
		return plan->fd_offset + plan->offset;
	case WAY_SPLIT:
		break;
	}
	/* sysfs maps from the start of the page that a BAR begins in. */
	return plan->offset + (io ? 0 : facts->address % MEMORY_PAGE);
}

int region_publish(struct peer *peer, struct device *device, const struct region_plan *plan,
                   struct hwb_region *region, struct fault *fault)
{
	const struct hwb_bar *facts = &device->facts.bars[plan->bar];
	bool io = (facts->flags & HWB_BAR_IO) != 0;
	_cleanup_free_ struct region_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory for a session");
	session->session.kind = HWB_SESSION_IO_MEM;
	session->device = device;
	session->bar = plan->bar;
	if (plan->way == WAY_MEDIATED) {
		session->batcher = mediated_new(peer, device, plan->bar, plan->offset, plan->size);
		if (session->batcher == NULL)
			return fault_set(fault, HWB_NO_MEMORY, "no memory for a session");
	}
	if (session_publish(peer, &session->session, fault) != 0) {
		if (session->batcher != NULL)
			batcher_close(session->batcher);
		return -1;
	}
	session->region = (struct hwb_region){
		.session = session->session.handle,
		.flags = (plan->wc ? HWB_REGION_WC : 0) | (io ? HWB_REGION_IO : 0) |
		         flags_of(plan->way, io, &peer->broker->host),
		.base = facts->address + plan->offset,
		.size = plan->size,
		.fd_offset = offset_of(plan, facts, io),
	};
	*region = session->region;
	keep_session(&session->session);
	steal_pointer(&session);
	return 0;
}

void region_close(struct region_session *session)
{
	if (region_is_memory(session)) {
		memory_close((struct memory_session *)session);
		return;
	}
	session_withdraw(&session->session);
	if (session->batcher != NULL)
		batcher_close(session->batcher);
	free(session);
}

void serve_io_mem_batch(struct request *request)
{
	const struct hwb_mem_batch *batch = request->body;
	struct session *session = request_session(request, HWB_SESSION_IO_MEM);

	if (session == NULL)
		return;
	struct batcher *batcher = ((struct region_session *)session)->batcher;
	if (batcher != NULL)
		batcher_serve(batcher, request, batch->count, batch + 1);
	else
		request_refuse_text(request, HWB_INVALID, offsetof(struct hwb_header, session),
		                    "this region has a descriptor: map that, it needs no request");
}

/* ---- the job of one region ---- */

struct region_job {
	struct device_job base;
	struct region_plan plan;
};

static void run(struct job *job)
{
	struct region_job *self = (struct region_job *)job;
	struct device_job *base = &self->base;

	device_job_open(base);
	if (base->result == 0)
		base->result = region_open(base->kernel, base->device, &self->plan, &base->fault);
}

static void done(struct job *job)
{
	struct region_job *self = (struct region_job *)job;
	struct device_job *base = &self->base;
	struct hwb_region region = { 0 };

	if (device_job_held(base))
		base->result = region_publish(base->request.peer, base->device, &self->plan,
		                              &region, &base->fault);
	if (base->result == 0)
		request_reply(&base->request, region.session, &region, sizeof(region),
		              &self->plan.fd, region_fds(&self->plan));
	else
		request_refuse(&base->request, 0, &base->fault);
	close_fd(self->plan.fd);
	device_job_end(base);
}

static void start(struct request *request, struct device_session *owner,
                  const struct region_plan *plan)
{
	struct region_job *self = device_job_new(request, sizeof(*self));

	if (self == NULL)
		return;
	self->plan = *plan;
	device_job_start(&self->base, request, owner, run, done, true);
}

/* The field to which a refusal of region_check() is due. */
static uint32_t blame(const struct device *device, const struct hwb_bar_request *wanted, bool io,
                      const struct fault *fault)
{
	if (wanted->bar >= HWB_BARS || device->facts.bars[wanted->bar].size == 0)
		return REQUEST_FIELD(hwb_bar_request, bar);
	uint64_t size = device->facts.bars[wanted->bar].size;
	if (wanted->offset >= size)
		return REQUEST_FIELD(hwb_bar_request, offset);
	if (wanted->size > size - wanted->offset)
		return REQUEST_FIELD(hwb_bar_request, size);
	/* Of a BAR of the right kind, only where the part begins can be wrong. */
	if (fault->status == HWB_INVALID &&
	    io == ((device->facts.bars[wanted->bar].flags & HWB_BAR_IO) != 0))
		return REQUEST_FIELD(hwb_bar_request, offset);
	return REQUEST_FIELD(hwb_bar_request, bar);
}

static void open_bar(struct request *request, bool io)
{
	const struct hwb_bar_request *wanted = request->body;
	struct session *session = request_session(request, HWB_SESSION_DEVICE);
	struct region_plan plan;
	struct fault fault;

	if (session == NULL)
		return;
	struct device_session *owner = (struct device_session *)session;
	if (!io && wanted->bar == HWB_BAR_ROM) {
		rom_open(request, owner);
		return;
	}
	if (region_check(request->peer, owner->device, wanted->bar, io, wanted->offset,
	                 wanted->size, (wanted->flags & HWB_IO_MEM_WC) != 0, &plan, &fault) != 0)
		request_refuse(request, blame(owner->device, wanted, io, &fault), &fault);
	else
		start(request, owner, &plan);
}

void serve_io_mem_open_bar(struct request *request)
{
	open_bar(request, false);
}

void serve_io_port_open_bar(struct request *request)
{
	open_bar(request, true);
}

/* The connection's device with a memory BAR that holds the whole range. */
static struct device_session *find_range(const struct peer *peer, uint64_t base, uint64_t size,
                                         uint32_t *bar)
{
	for (uint32_t i = 0; i < peer->sessions.count; i++) {
		struct device_session *owner = (struct device_session *)peer->sessions.items[i];
		if (owner->session.kind != HWB_SESSION_DEVICE)
			continue;
		for (*bar = 0; *bar < HWB_BARS; ++*bar) {
			const struct hwb_bar *facts = &owner->device->facts.bars[*bar];
			if (facts->size != 0 && (facts->flags & HWB_BAR_IO) == 0 &&
			    base >= facts->address && base - facts->address < facts->size &&
			    size <= facts->size - (base - facts->address))
				return owner;
		}
	}
	return NULL;
}

void serve_io_mem_open(struct request *request)
{
	const struct hwb_io_mem_request *wanted = request->body;
	struct region_plan plan;
	struct fault fault;
	uint32_t bar = 0;

	if (wanted->size == 0 || wanted->base > UINT64_MAX - (wanted->size - 1)) {
		request_refuse_text(request, HWB_INVALID, REQUEST_FIELD(hwb_io_mem_request, size),
		                    "a range of %" PRIu64 " bytes from 0x%" PRIx64
		                    " is empty or wraps around",
		                    wanted->size, wanted->base);
		return;
	}
	struct device_session *owner = find_range(request->peer, wanted->base, wanted->size, &bar);
	if (owner == NULL) {
		memory_open(request);
		return;
	}
	if (region_check(request->peer, owner->device, bar, false,
	                 wanted->base - owner->device->facts.bars[bar].address, wanted->size,
	                 (wanted->flags & HWB_IO_MEM_WC) != 0, &plan, &fault) != 0)
		request_refuse(request, REQUEST_FIELD(hwb_io_mem_request, base), &fault);
	else
		start(request, owner, &plan);
}
