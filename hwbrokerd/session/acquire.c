/* SPDX-License-Identifier: MIT */
/* Acquiring a device, in one request with all its resources if so wished. */
#include "device/operate.h"
#include "server/peer.h"
#include "server/process.h"
#include "session/held.h"
#include "session/irq_plan.h"
#include "session/platform.h"
#include "session/region.h"
#include "session/release.h"
#include "session/revoke.h"
#include "session/serve.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <stdio.h>
#include <string.h>

struct acquire {
	struct job job;
	struct request request;
	struct broker *broker;
	struct device *device;
	struct domain *domain; /* NULL: none */
	uint32_t flags;
	struct region_plan regions[HWB_BARS];
	uint32_t region_count;
	struct irq_session *irq;
	struct device_session *session; /* to be */
	struct operate_targets targets;
	int result;
	bool haunted;   /* estate.h */
	bool looked;    /* whether a device that is held still is */
	bool claimed;   /* after a failure: it is with us all the same */
	bool unfit;     /* and could not be brought to rest */
	uint32_t field; /* of the request, that a refusal blames */
	struct fault fault;
};

/* Waits for the end of a reset. */
struct parked {
	struct waiter waiter;
	struct acquire *acquire;
};

static void begin(struct acquire *self);

static void free_acquire(struct acquire *self)
{
	for (uint32_t i = 0; i < self->region_count; i++)
		close_fd(self->regions[i].fd);
	if (self->irq != NULL)
		irq_release(self->irq);
	free(self->session);
	request_drop(&self->request);
	free(self);
}

static void refuse(struct acquire *self)
{
	struct broker *broker = self->broker;
	const struct device *device = self->device;

	request_refuse(&self->request, self->field, &self->fault);
	if (self->domain != NULL)
		domain_leave(self->domain);
	free_acquire(self);
	if (device != NULL)
		release_left_over(broker, device->group);
}

static int open_and_arm(struct acquire *self)
{
	const struct kernel_backend *kernel = self->broker->host.backend;
	struct device *device = self->device;
	struct fault *fault = &self->fault;
	int result = 0;

	/* A device that nothing is asked of yet stays closed, so that a domain
	 * can still be chosen without another reset. */
	if (self->domain != NULL || self->region_count != 0 || self->irq != NULL)
		result = operate_open(kernel, device,
		                      self->domain != NULL ? self->domain->kernel : NULL, fault);
	if (result == 0 && self->domain != NULL)
		result = kernel->set_bus_master(device->unit.opened, true, fault);
	for (uint32_t i = 0; i < self->region_count && result == 0; i++)
		result = region_open(device, &self->regions[i], fault);
	if (result == 0 && self->irq != NULL)
		result = irq_make_fds(self->irq, fault);
	if (result == 0 && self->irq != NULL && (self->flags & HWB_ACQUIRE_IRQ_ENABLE) != 0)
		result = irq_arm(kernel, self->irq, fault);
	return result;
}

/* What fails leaves the device as it was: with its host driver, or closed with us. */
static void run_acquire(struct job *job)
{
	struct acquire *self = (struct acquire *)job;
	struct unit *unit = &self->device->unit;

	unit->haunted = unit->haunted || self->haunted;
	self->result = operate_claim(&self->targets, &self->fault);
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
		fds[fd_count++] = plan->fd;
	}
	if (self->irq != NULL) {
		if (session_publish(peer, &self->irq->session, &self->fault) != 0)
			return -1;
		self->irq->enabled = (self->flags & HWB_ACQUIRE_IRQ_ENABLE) != 0;
		fd_count += irq_reply(self->irq, &reply.interrupt, fds + fd_count);
		session->irq = self->irq;
		self->irq = NULL;
	}
	platform_describe(peer, device, &reply.device);
	request_reply(&self->request, session->session.handle, &reply, sizeof(reply), fds,
	              fd_count);
	return 0;
}

/* The policy may have been replaced since the request was judged. `verdict` may be NULL. */
static int still_given(struct acquire *self, struct policy_verdict *verdict, struct fault *fault)
{
	const struct peer *peer = self->request.peer;

	if (platform_find(peer, &self->device->facts.address, verdict, fault) == NULL)
		return -1;
	return self->domain != NULL ? platform_may(peer, self->device, POLICY_DMA, fault) : 0;
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
	        device->end && peer_connected(peer)
	                ? process_of(peer->fd, (pid_t)peer->pid, peer->subject.uid)
	                : -1;
	revoke_watch(session);
	if (!peer_connected(peer) || (self->domain != NULL && self->domain->closed))
		result = fault_set(&self->fault, HWB_GONE, "the domain was closed meanwhile");
	else if (still_given(self, &verdict, &self->fault) != 0)
		result = -1;
	else
		result = publish(self, session);
	if (result == 0) {
		happening_cite(&verdict, session->rule);
		happened(self->broker,
		         &(struct happening){ .kind = HAPPENED_GRANTED,
		                              .peer = peer,
		                              .device = device,
		                              .rule = session->rule,
		                              .reason = self->domain != NULL ? "with DMA" : "" });
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
	free_acquire(self);
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
	refuse(self);
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
	const struct broker *broker = self->broker;
	const struct peer *peer = self->request.peer;
	struct operate_targets *targets = &self->targets;

	targets->items[0].device = self->device;
	targets->count = 1;
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *mate = broker->inventory.devices[i];
		if (mate->group != self->device->group || mate == self->device)
			continue;
		if (targets->count == OPERATE_GROUP_MAX)
			return fault_set(fault, HWB_UNSUPPORTED,
			                 "IOMMU group %u has more than %u functions",
			                 self->device->group->id, OPERATE_GROUP_MAX);
		targets->items[targets->count++].device = mate;
	}
	for (uint32_t i = 0; i < targets->count; i++) {
		struct operate_target *target = &targets->items[i];
		struct policy_verdict verdict;
		bool ours =
		        platform_find(peer, &target->device->facts.address, &verdict, NULL) != NULL;
		target->may_take = platform_may(peer, target->device, POLICY_TAKE, NULL) == 0;
		target->may_force = platform_may(peer, target->device, POLICY_FORCE, NULL) == 0;
		target->client = peer->name;
		target->uid = peer->subject.uid;
		if (ours && target->device->owner == NULL) {
			target->device->restore = verdict.grant.restore;
			target->device->grace = verdict.grant.revoke;
			target->device->end = verdict.grant.end;
			memcpy(target->device->reset, verdict.grant.reset,
			       sizeof(target->device->reset));
		}
		target->restore = target->device->restore;
		target->reset = target->device->reset;
	}
	return 0;
}

/* Whose they are is for operators to know. */
static int refuse_held(const struct device *device, struct fault *fault)
{
	return fault_set(fault, HWB_BUSY,
	                 "%s was given back, but somebody still has registers of it mapped, or "
	                 "a descriptor of them",
	                 device->name);
}

/* Whether another function of the group stands in the way. */
static int may_use_group(const struct acquire *self, struct fault *fault)
{
	const struct device *device = self->device;

	for (uint32_t i = 0; i < self->broker->inventory.count; i++) {
		const struct device *mate = self->broker->inventory.devices[i];
		if (mate == device || mate->group != device->group)
			continue;
		if (mate->owner != NULL && mate->owner != self->request.peer)
			return fault_set(fault, HWB_BUSY,
			                 "another function of IOMMU group %u, to which %s belongs, "
			                 "is in use by another owner",
			                 device->group->id, device->name);
		if (mate->held != NULL)
			return refuse_held(mate, fault);
		if (mate->state == LIFE_QUARANTINED)
			return fault_set(fault, HWB_UNSAFE,
			                 "%s shares IOMMU group %u with %s, which is quarantined: "
			                 "%s",
			                 device->name, device->group->id, mate->name, mate->note);
	}
	return 0;
}

static int may_begin(const struct acquire *self, struct fault *fault)
{
	const struct device *device = self->device;

	switch (device->state) {
	case LIFE_HOST:
	case LIFE_FREE:
		break;
	case LIFE_GONE:
		return fault_set(fault, HWB_GONE, "%s has left the bus", device->name);
	case LIFE_QUARANTINED:
		return fault_set(fault, HWB_UNSAFE, "%s is quarantined: %s", device->name,
		                 device->note);
	default:
		return device->held != NULL
		               ? refuse_held(device, fault)
		               : fault_set(fault, HWB_BUSY, "%s is in use", device->name);
	}
	if (self->domain != NULL && self->domain->closed)
		return fault_set(fault, HWB_NO_SESSION, "the domain was closed meanwhile");
	return may_use_group(self, fault);
}

/* A function of the group that is on its way to rest, the device first; NULL:
 * nothing to wait for. */
static struct device *in_transit(const struct broker *broker, struct device *device)
{
	if (lifecycle_in_transit(device->state))
		return device;
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *mate = broker->inventory.devices[i];
		if (mate->group == device->group && lifecycle_in_transit(mate->state))
			return mate;
	}
	return NULL;
}

static void on_rest(struct waiter *waiter)
{
	struct parked *parked = (struct parked *)waiter;
	struct acquire *self = parked->acquire;

	free(parked);
	begin(self);
}

static bool park(struct acquire *self, struct device *busy)
{
	struct parked *parked = calloc(1, sizeof(*parked));

	if (parked == NULL)
		return false;
	parked->waiter.wake = on_rest;
	parked->acquire = self;
	release_wait(busy, &parked->waiter);
	return true;
}

/* Whether the state of `busy` will change by itself, and the client wants to wait for that.
 * Having back what it had takes no time. */
static bool waits(struct acquire *self, struct device *busy)
{
	bool former = held_to_former(busy, self->request.peer);
	bool wait = former || !busy->overdue;

	/* Its registers may be gone since they were last looked for. */
	if (!wait && !self->looked) {
		self->looked = true;
		wait = true;
		held_hurry(busy);
	}
	return wait && (former || (self->flags & HWB_ACQUIRE_NO_WAIT) == 0) && park(self, busy);
}

/* Starts the job, or parks the request, or refuses it. */
static void begin(struct acquire *self)
{
	struct device *device = self->device;
	struct device *busy = in_transit(self->broker, device);

	if (!peer_connected(self->request.peer) || still_given(self, NULL, &self->fault) != 0) {
		refuse(self);
		return;
	}
	if (busy != NULL && waits(self, busy))
		return;
	if (may_begin(self, &self->fault) != 0 || list_targets(self, &self->fault) != 0 ||
	    release_listen(device, &self->fault) != 0) {
		refuse(self);
		return;
	}
	self->targets.items[0].former = held_was_its(device, self->request.peer);
	self->haunted = estates_touch(&self->broker->estates, device);
	lifecycle_step(&device->state, LIFE_CLAIM, device->name);
	device->owner = self->request.peer;
	self->broker->busy_devices++;
	strand_submit(&device->group->strand, &self->job);
}

static int plan_regions(struct acquire *self, const struct hwb_acquire_request *wanted,
                        struct fault *fault)
{
	const struct peer *peer = self->request.peer;
	const struct device *device = self->device;
	const uint32_t all = (1u << HWB_BARS) - 1;

	if ((wanted->bars & ~all) != 0)
		return fault_set(fault, HWB_INVALID, "bars 0x%x names a BAR above 5", wanted->bars);
	if ((wanted->wc & ~all) != 0) {
		self->field = REQUEST_FIELD(hwb_acquire_request, wc);
		return fault_set(fault, HWB_INVALID, "wc 0x%x names a BAR above 5", wanted->wc);
	}
	for (uint32_t bar = 0; bar < HWB_BARS; bar++) {
		bool must = (wanted->bars >> bar & 1) != 0;
		bool io = (device->facts.bars[bar].flags & HWB_BAR_IO) != 0;
		if (!must && (wanted->flags & HWB_ACQUIRE_ALL_BARS) == 0)
			continue;
		if (region_check(peer, device, bar, io, 0, 0, (wanted->wc >> bar & 1) != 0,
		                 &self->regions[self->region_count], fault) == 0)
			self->region_count++;
		else if (must)
			return -1;
	}
	return 0;
}

static int plan_irq(struct acquire *self, const struct hwb_acquire_request *wanted,
                    struct fault *fault)
{
	if (wanted->irq_type == HWB_IRQ_NONE) {
		if (wanted->irq_count != 0 || (wanted->flags & HWB_ACQUIRE_IRQ_ENABLE) != 0)
			return fault_set(fault, HWB_INVALID,
			                 "irq_count or IRQ_ENABLE without an irq_type");
		return 0;
	}
	if (irq_check(self->request.peer, self->device, wanted->irq_type, wanted->irq_count,
	              self->domain != NULL, fault) != 0) {
		if (fault->status == HWB_INVALID && wanted->irq_type <= HWB_IRQ_MSIX)
			self->field = REQUEST_FIELD(hwb_acquire_request, irq_count);
		return -1;
	}
	self->irq = irq_prepare(self->device, (enum hwb_irq_type)wanted->irq_type,
	                        wanted->irq_count, fault);
	return self->irq != NULL ? 0 : -1;
}

/* Known before the device is torn from its host driver. */
static int host_gives_devices(const struct host *host, struct fault *fault)
{
	if (host->backend != NULL)
		return 0;
	return fault_set(fault, HWB_UNSUPPORTED, "this host can give no device away: %s",
	                 host->problem_count != 0 ? host->problems[0]
	                                          : "`hwbroker-ctl status' says why");
}

static int plan(struct acquire *self, const struct hwb_acquire_request *wanted, struct fault *fault)
{
	struct peer *peer = self->request.peer;

	self->field = REQUEST_FIELD(hwb_acquire_request, address);
	self->device = platform_find(peer, &wanted->address, NULL, fault);
	if (self->device == NULL || host_gives_devices(&self->broker->host, fault) != 0)
		return -1;
	self->field = REQUEST_FIELD(hwb_acquire_request, domain);
	if (wanted->domain != 0) {
		struct session *session = session_table_need(&peer->sessions, wanted->domain,
		                                             HWB_SESSION_DOMAIN, fault);
		if (session == NULL)
			return -1;
		if (platform_may(peer, self->device, POLICY_DMA, fault) != 0)
			return -1;
		self->domain = (struct domain *)session;
		self->domain->users++;
	}
	self->field = REQUEST_FIELD(hwb_acquire_request, bars);
	if (plan_regions(self, wanted, fault) != 0)
		return -1;
	self->field = REQUEST_FIELD(hwb_acquire_request, irq_type);
	if (plan_irq(self, wanted, fault) != 0)
		return -1;
	self->field = REQUEST_FIELD(hwb_acquire_request, address);
	uint32_t needed = 1 + self->region_count + (self->irq != NULL ? 1 : 0);
	if (peer->sessions.count + needed > peer->limits.sessions)
		return fault_set(fault, HWB_QUOTA,
		                 "%u more handles are more than the limit of client `%s' "
		                 "(sessions = %u)",
		                 needed, peer->name, peer->limits.sessions);
	return 0;
}

void serve_device_acquire(struct request *request)
{
	const struct hwb_acquire_request *wanted = request->body;
	_cleanup_free_ struct device_session *session = calloc(1, sizeof(*session));
	struct acquire *self = calloc(1, sizeof(*self));

	if (self == NULL || session == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a device");
		free(self);
		return;
	}
	session->session.kind = HWB_SESSION_DEVICE;
	session->session.peer = request->peer;
	self->session = steal_pointer(&session);
	self->job.run = run_acquire;
	self->job.done = done_acquire;
	self->broker = request->peer->broker;
	self->flags = wanted->flags;
	request_hold(&self->request, request);
	if (plan(self, wanted, &self->fault) != 0)
		refuse(self);
	else
		begin(self);
}
