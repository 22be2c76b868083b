/* SPDX-License-Identifier: MIT */
/* What is done to acquire a device, and what comes of it. */
#include "server/peer.h"
#include "server/process.h"
#include "session/acquire/acquire.h"
#include "session/acquire/assess.h"
#include "session/admin/happening.h"
#include "session/bus/platform.h"
#include "session/release/held.h"
#include "session/release/release.h"
#include "session/release/revoke.h"
#include "session/restart/keep.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <string.h>

static int open_and_arm(struct acquire *self)
{
	const struct kernel_backend *kernel = self->broker->host.backend;
	struct device *device = self->device;
	struct fault *fault = &self->fault;
	int result = 0;

	if (self->targets.opens)
		result = operate_open(kernel, device,
		                      self->domain != NULL ? self->domain->kernel : NULL, fault);
	/* Who is in the way has a name. */
	if (result != 0 && device->group->id != UINT32_MAX)
		bind_group_viable(device->group->id, fault);
	if (result == 0 && self->domain != NULL)
		result = kernel->set_bus_master(device->unit.opened, true, fault);
	for (uint32_t i = 0; i < self->region_count && result == 0; i++)
		result = region_open(kernel, device, &self->regions[i], fault);
	if (result == 0 && self->irq != NULL)
		result = irq_make_fds(self->irq, fault);
	if (result == 0 && self->irq != NULL && (self->wanted.flags & HWB_ACQUIRE_IRQ_ENABLE) != 0)
		result = irq_arm(kernel, self->irq, fault);
	return result;
}

/* What fails leaves the device as it was: with its host driver, or closed with us. */
static void run_acquire(struct job *job)
{
	struct acquire *self = (struct acquire *)job;
	struct unit *unit = &self->device->unit;

	unit->haunted = self->haunted;
	/* A device that nothing is asked of yet stays closed, so that a domain
	 * can still be chosen without another reset. */
	self->targets.opens = self->domain != NULL || self->region_count != 0 || self->irq != NULL;
	self->result = operate_claim(self->broker->host.backend, &self->targets, &self->fault);
	if (self->result == 0) {
		self->result = open_and_arm(self);
		if (self->result != 0) {
			operate_close(self->broker->host.backend, self->device, NULL);
			operate_unclaim(&self->targets);
		}
	}
	self->claimed = unit->claimed;
	self->unfit = unit->unfit;
}

/* Makes the sessions and sends the answer. On failure some of them may be there:
 * the caller closes the device's, and with it all. */
static int publish(struct acquire *self, struct device_session *session)
{
	struct peer *peer = self->request.peer;
	struct device *device = self->device;
	struct hwb_acquire_reply reply = { 0 };
	int fds[HWB_BARS + IRQ_FDS_FIRST + 1];
	uint32_t fd_count = 0;

	if (session_publish(peer, &session->session, &self->fault) != 0)
		return -1;
	for (uint32_t i = 0; i < self->region_count; i++) {
		const struct region_plan *plan = &self->regions[i];
		if (region_publish(peer, device, plan, &reply.regions[plan->bar], &self->fault) !=
		    0)
			return -1;
		if (region_fds(plan) != 0)
			fds[fd_count++] = plan->fd;
	}
	if (self->irq != NULL) {
		if (session_publish(peer, &self->irq->session, &self->fault) != 0)
			return -1;
		self->irq->enabled = (self->wanted.flags & HWB_ACQUIRE_IRQ_ENABLE) != 0;
		fd_count += irq_reply(self->irq, &reply.interrupt, fds + fd_count);
		session->irq = self->irq;
		self->irq = NULL;
		keep_session(&session->irq->session);
	}
	keep_session(&session->session);
	keep_opened(session);
	platform_describe(peer, device, &reply.device);
	request_reply(&self->request, session->session.handle, &reply, sizeof(reply), fds,
	              fd_count);
	return 0;
}

static void say_how(const struct acquire *self, char *text, size_t size)
{
	static const char *const ways[] = {
		[WAY_SPLIT] = "",
		[WAY_MEDIATED] = "by request (grant = mediated)",
		[WAY_DEVICE] = "by its descriptor (grant = device)",
	};
	const char *way = ways[self->device->way];
	const char *dma = "";

	if (self->domain != NULL)
		dma = host_is_unsafe(&self->broker->host)
		              ? "with DMA to all of memory (dma = unsafe, no IOMMU)"
		              : "with DMA";
	snprintf(text, size, "%s%s%s", dma, dma[0] != '\0' && way[0] != '\0' ? ", " : "", way);
}

static void granted(struct acquire *self)
{
	struct peer *peer = self->request.peer;
	struct device *device = self->device;
	struct device_session *session = steal_pointer(&self->session);
	struct policy_verdict verdict;
	int result = 0;

	lifecycle_step(&device->state, LIFE_DID_GRANT, device->name);
	device->reclaimed = false;
	device->tried = false;
	device->session = session;
	session->device = device;
	session->domain = self->domain;
	session->ending = HWB_CHANGE_FREED;
	session->release.process =
	        (device->end || device->way == WAY_DEVICE) && peer_connected(peer)
	                ? process_of(peer->fd, (pid_t)peer->pid, peer->subject.uid)
	                : -1;
	revoke_watch(session);
	if (!peer_connected(peer) || (self->domain != NULL && self->domain->closed))
		result = fault_set(&self->fault, HWB_GONE, "the domain was closed meanwhile");
	else if (acquire_still_given(self, &verdict, &self->fault) != 0)
		result = -1;
	else
		result = publish(self, session);
	if (result == 0) {
		char how[128];
		happening_cite(&verdict, session->rule);
		say_how(self, how, sizeof(how));
		happened(self->broker, &(struct happening){ .kind = HAPPENED_GRANTED,
		                                            .peer = peer,
		                                            .device = device,
		                                            .rule = session->rule,
		                                            .reason = how });
		if (!device->resets && device->reset[0] == '\0')
			log_notice("%s: the kernel has no way to reset it: after `%s' it is for "
			           "nobody (`reset = none' in its rule does without)",
			           device->name, peer->name);
	} else {
		request_refuse(&self->request, 0, &self->fault);
		if (session->session.handle != 0)
			session_withdraw(&session->session);
		session->session.handle = 0; /* it was not told */
		device_session_close(session);
	}
	acquire_free(self);
}

static void not_granted(struct acquire *self)
{
	struct device *device = self->device;
	struct broker *broker = self->broker;

	if (self->unfit)
		release_quarantine(broker, device, &self->fault);
	else
		lifecycle_step(&device->state, self->claimed ? LIFE_NOT_OPENED : LIFE_NOT_CLAIMED,
		               device->name);
	release_disown(device);
	if (device->left)
		release_gone(broker, device);
	else
		release_wake(device);
	if (self->section[0] != '\0' && peer_connected(self->request.peer))
		acquire_any_next(self);
	else
		acquire_refuse(self);
}

static void done_acquire(struct job *job)
{
	struct acquire *self = (struct acquire *)job;

	self->broker->busy_devices--;
	for (uint32_t i = 1; i < self->targets.count; i++) {
		struct device *mate = self->targets.items[i].device;
		if (!self->targets.items[i].fresh || mate->state != LIFE_HOST)
			continue;
		mate->tried = false;
		lifecycle_step(&mate->state, LIFE_TAKEN_ALONG, mate->name);
	}
	if (self->result == 0)
		granted(self);
	else
		not_granted(self);
}

/* Which functions have to be with vfio-pci, the wanted one first, whether they may
 * be taken, and whether they go back afterwards. */
static int list_targets(struct acquire *self, struct fault *fault)
{
	const struct peer *peer = self->request.peer;
	struct asker asker = asker_of(peer);
	struct operate_targets *targets = &self->targets;

	if (assess_targets(&asker, self->device, targets, fault) != 0)
		return -1;
	for (uint32_t i = 0; i < targets->count; i++) {
		struct operate_target *target = &targets->items[i];
		struct policy_verdict verdict;
		bool ours =
		        platform_find(peer, &target->device->facts.address, &verdict, NULL) != NULL;
		target->client = peer->name;
		target->uid = peer->subject.uid;
		if (ours && target->device->owner == NULL) {
			target->device->restore = verdict.grant.restore;
			target->device->grace = verdict.grant.revoke;
			target->device->end = verdict.grant.end;
			/* As it was planned. */
			target->device->way = i == 0 ? self->way : verdict.grant.way;
			memcpy(target->device->reset, verdict.grant.reset,
			       sizeof(target->device->reset));
		}
		target->restore = target->device->restore;
		target->reset = target->device->reset;
	}
	return 0;
}

int acquire_start(struct acquire *self, struct fault *fault)
{
	struct device *device = self->device;

	if (list_targets(self, fault) != 0 || release_listen(device, fault) != 0)
		return -1;
	self->targets.items[0].former = held_was_its(device, self->request.peer);
	self->haunted = estates_touch(&self->broker->estates, device);
	self->job.run = run_acquire;
	self->job.done = done_acquire;
	lifecycle_step(&device->state, LIFE_CLAIM, device->name);
	device->owner = self->request.peer;
	self->broker->busy_devices++;
	strand_submit(&device->group->strand, &self->job);
	return 0;
}
