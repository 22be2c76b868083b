/* SPDX-License-Identifier: MIT */
/*
 * Acquiring a device, in one request with all its resources if so wished, and
 * giving it back. The two ends of a device's life with a client.
 */
#include "device/operate.h"
#include "server/peer.h"
#include "session/irq_plan.h"
#include "session/platform.h"
#include "session/region.h"
#include "session/serve.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <stdio.h>
#include <string.h>

enum { GROUP_MAX = 64 };

struct acquire {
	struct job job;
	struct request request;
	struct broker *broker;
	struct device *device;
	struct domain *domain; /* NULL: none */
	uint32_t flags;
	bool restore; /* policy: back to the host driver after use */
	struct region_plan regions[HWB_BARS];
	uint32_t region_count;
	enum hwb_irq_type irq_type;
	uint32_t irq_count;
	struct irq_session *irq;
	struct operate_target targets[GROUP_MAX];
	uint32_t target_count;
	int result;
	uint32_t field; /* of the request, that a refusal blames */
	struct fault fault;
};

/* Somebody who waits for a device that is just being reset. */
struct waiter {
	struct waiter *next;
	struct acquire *acquire;
};

static void begin(struct acquire *self);

static void free_acquire(struct acquire *self)
{
	for (uint32_t i = 0; i < self->region_count; i++)
		close_fd(self->regions[i].fd);
	if (self->irq != NULL)
		irq_release(self->irq);
	request_drop(&self->request);
	free(self);
}

static void refuse(struct acquire *self)
{
	request_refuse(&self->request, self->field, &self->fault);
	if (self->domain != NULL)
		domain_leave(self->domain);
	free_acquire(self);
}

static void wake_waiters(struct device *device)
{
	struct waiter *waiter = device->waiters;

	device->waiters = NULL;
	while (waiter != NULL) {
		struct waiter *next = waiter->next;
		begin(waiter->acquire);
		free(waiter);
		waiter = next;
	}
}

/* ---- giving back ---- */

struct release_job {
	struct job job;
	struct broker *broker;
	struct peer *peer; /* a reference, to tell it of the end */
	struct device *device;
	struct domain *domain; /* that the device leaves, or NULL */
	uint32_t handle;
	struct device *restore[GROUP_MAX]; /* to their host drivers, afterwards */
	uint32_t restore_count;
	int result;
	bool restored;
	struct fault fault;
};

static void run_release(struct job *job)
{
	struct release_job *self = (struct release_job *)job;
	struct fault fault;

	self->result = operate_close(self->broker->host.backend, self->device, &self->fault);
	for (uint32_t i = 0; self->result == 0 && i < self->restore_count; i++) {
		bool own = self->restore[i] == self->device;
		int result = operate_restore(self->restore[i], &fault);
		if (result != 0)
			log_warning("%s: cannot give it back to its host driver: %s",
			            self->restore[i]->name, fault.reason);
		if (own)
			self->restored = result == 0;
	}
}

static void done_release(struct job *job)
{
	struct release_job *self = (struct release_job *)job;
	struct device *device = self->device;
	bool rest = self->result == 0;

	lifecycle_step(&device->state, rest ? LIFE_DID_RESET : LIFE_RESET_FAILED, device->name);
	if (rest) {
		lifecycle_step(&device->state, self->restored ? LIFE_DID_RESTORE : LIFE_DID_FREE,
		               device->name);
		log_info("%s: released by `%s', %s", device->name, self->peer->name,
		         lifecycle_state_name(device->state));
	} else {
		snprintf(device->note, sizeof(device->note), "%.127s", self->fault.reason);
		log_error("%s: could not be brought to rest and is quarantined: %s", device->name,
		          self->fault.reason);
	}
	device->owner = NULL;
	if (self->domain != NULL)
		domain_leave(self->domain);
	peer_event(self->peer, &device->facts.address, self->handle,
	           rest ? HWB_CHANGE_FREED : HWB_CHANGE_QUARANTINED);
	peer_release(self->peer);
	self->broker->busy_devices--;
	free(self);
	wake_waiters(device);
}

/* Whether some other device of the group is in a client's hands. */
static bool group_in_use(const struct broker *broker, const struct device *device,
                         const void *by_other_than)
{
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		const struct device *mate = broker->inventory.devices[i];
		if (mate != device && mate->group == device->group && mate->owner != NULL &&
		    mate->owner != by_other_than)
			return true;
	}
	return false;
}

/* Moves the device towards rest. What it had open is withdrawn already. */
static void start_release(struct broker *broker, struct peer *peer, struct device *device,
                          struct domain *domain, uint32_t handle)
{
	struct release_job *self = calloc(1, sizeof(*self));

	lifecycle_step(&device->state, LIFE_RELEASE, device->name);
	if (self == NULL) {
		/* It keeps its owner's name, so nobody else gets it. */
		snprintf(device->note, sizeof(device->note), "no memory to release it");
		log_error("%s: no memory to release it; it stays as it is", device->name);
		return;
	}
	self->job.run = run_release;
	self->job.done = done_release;
	self->broker = broker;
	self->peer = peer;
	self->device = device;
	self->domain = domain;
	self->handle = handle;
	if (!group_in_use(broker, device, NULL))
		for (uint32_t i = 0; i < broker->inventory.count; i++) {
			struct device *mate = broker->inventory.devices[i];
			if (mate->group == device->group && mate->restore &&
			    self->restore_count < GROUP_MAX)
				self->restore[self->restore_count++] = mate;
		}
	/* Cutting off registers that the client still holds is to come between
	 * these two; the job does the rest in the order that lifecycle.h draws. */
	lifecycle_step(&device->state, LIFE_DID_CUT, device->name);
	peer_reference(peer);
	broker->busy_devices++;
	strand_submit(&device->group->strand, &self->job);
}

static void close_children(struct peer *peer, const struct device *device)
{
	struct session_table *table = &peer->sessions;

	for (uint32_t i = table->count; i-- > 0;) {
		struct session *session = table->items[i];
		if ((session->kind == HWB_SESSION_IO_MEM &&
		     ((struct region_session *)session)->device == device) ||
		    (session->kind == HWB_SESSION_IO_PORT &&
		     ((struct port_session *)session)->device == device))
			session_close(session);
	}
}

void device_session_close(struct device_session *session)
{
	struct peer *peer = session->session.peer;
	struct device *device = session->device;
	struct domain *domain = session->domain;
	uint32_t handle = session->session.handle;

	close_children(peer, device);
	if (session->irq != NULL) {
		if (session->irq->session.handle != 0)
			irq_close(session->irq);
		else
			irq_release(session->irq); /* its job finds nobody waiting */
	}
	session_withdraw(&session->session);
	device->session = NULL;
	free(session);
	start_release(peer->broker, peer, device, domain, handle);
}

/* ---- acquiring ---- */

static void run_acquire(struct job *job)
{
	struct acquire *self = (struct acquire *)job;
	const struct kernel_backend *kernel = self->broker->host.backend;
	struct device *device = self->device;
	struct fault *fault = &self->fault;

	self->result = operate_claim(self->targets, self->target_count, fault);
	if (self->result != 0)
		return;
	/* A device that nothing is asked of yet stays closed, so that a domain
	 * can still be chosen without another reset. */
	if (self->domain != NULL || self->region_count != 0 || self->irq != NULL)
		self->result = operate_open(
		        kernel, device, self->domain != NULL ? self->domain->kernel : NULL, fault);
	if (self->result == 0 && self->domain != NULL)
		self->result = kernel->set_bus_master(device->unit.opened, true, fault);
	for (uint32_t i = 0; i < self->region_count && self->result == 0; i++)
		self->result = region_open(device, &self->regions[i], fault);
	if (self->result == 0 && self->irq != NULL && (self->flags & HWB_ACQUIRE_IRQ_ENABLE) != 0)
		self->result = irq_arm(kernel, self->irq, fault);
	if (self->result == 0)
		return;
	operate_close(kernel, device, NULL);
	if (device->restore)
		operate_restore(device, NULL);
}

/* Makes the sessions and sends the answer; on failure nothing is left of them,
 * but for the device's own, which the caller closes. */
static int publish(struct acquire *self, struct device_session *session)
{
	struct peer *peer = self->request.peer;
	struct device *device = self->device;
	struct hwb_acquire_reply reply = { 0 };
	int fds[HWB_BARS + IRQ_FDS_FIRST + 1];
	uint32_t fd_count = 0;

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

static void granted(struct acquire *self)
{
	struct peer *peer = self->request.peer;
	struct device *device = self->device;
	struct device_session *session = calloc(1, sizeof(*session));
	bool dead = !peer_connected(peer) || (self->domain != NULL && self->domain->closed);

	lifecycle_step(&device->state, LIFE_DID_GRANT, device->name);
	if (session != NULL) {
		session->session.kind = HWB_SESSION_DEVICE;
		session->device = device;
	}
	if (dead)
		fault_set(&self->fault, HWB_GONE, "the domain was closed meanwhile");
	else if (session == NULL)
		fault_set(&self->fault, HWB_NO_MEMORY, "no memory for a session");
	if (dead || session == NULL ||
	    session_publish(peer, &session->session, &self->fault) != 0) {
		free(session);
		request_refuse(&self->request, 0, &self->fault);
		start_release(self->broker, peer, device, self->domain, 0);
		free_acquire(self);
		return;
	}
	session->domain = self->domain;
	device->session = session;
	if (publish(self, session) != 0) {
		request_refuse(&self->request, 0, &self->fault);
		device_session_close(session);
	} else {
		log_info("%s: granted to `%s' (pid %u)%s", device->name, peer->name, peer->pid,
		         self->domain != NULL ? " with DMA" : "");
	}
	free_acquire(self);
}

static void done_acquire(struct job *job)
{
	struct acquire *self = (struct acquire *)job;
	struct device *device = self->device;

	self->broker->busy_devices--;
	if (self->result == 0) {
		granted(self);
		return;
	}
	/* The job has ended, so its strand's data may be read here. */
	lifecycle_step(&device->state, device->unit.claimed ? LIFE_NOT_OPENED : LIFE_NOT_CLAIMED,
	               device->name);
	device->owner = NULL;
	refuse(self);
	wake_waiters(device);
}

/* Which functions have to be with vfio-pci, and whether they may be taken. */
static void list_targets(struct acquire *self)
{
	const struct broker *broker = self->broker;
	const struct peer *peer = self->request.peer;

	self->target_count = 0;
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *mate = broker->inventory.devices[i];
		if (mate->group != self->device->group || self->target_count == GROUP_MAX)
			continue;
		struct operate_target target = {
			.device = mate,
			.may_take = platform_may(peer, mate, POLICY_TAKE, NULL) == 0,
			.may_force = platform_may(peer, mate, POLICY_FORCE, NULL) == 0,
		};
		/* The device itself comes first. */
		if (mate == self->device && self->target_count != 0) {
			self->targets[self->target_count] = self->targets[0];
			self->targets[0] = target;
		} else {
			self->targets[self->target_count] = target;
		}
		self->target_count++;
	}
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
		return fault_set(fault, HWB_BUSY, "%s is in use", device->name);
	}
	if (group_in_use(self->broker, device, self->request.peer))
		return fault_set(fault, HWB_BUSY,
		                 "another function of IOMMU group %u, to which %s belongs, is in "
		                 "use by another owner",
		                 device->group->id, device->name);
	if (self->domain != NULL && self->domain->closed)
		return fault_set(fault, HWB_NO_SESSION, "the domain was closed meanwhile");
	return 0;
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

static bool park(struct acquire *self, struct device *busy)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	struct waiter **end = &busy->waiters;

	if (waiter == NULL)
		return false;
	while (*end != NULL)
		end = &(*end)->next;
	waiter->acquire = self;
	*end = waiter;
	return true;
}

/* Starts the job, or parks the request, or refuses it. */
static void begin(struct acquire *self)
{
	struct device *device = self->device;
	struct device *busy = in_transit(self->broker, device);

	if (busy != NULL && peer_connected(self->request.peer) &&
	    (self->flags & HWB_ACQUIRE_NO_WAIT) == 0 && park(self, busy))
		return;
	if (!peer_connected(self->request.peer) || may_begin(self, &self->fault) != 0) {
		refuse(self);
		return;
	}
	lifecycle_step(&device->state, LIFE_CLAIM, device->name);
	device->owner = self->request.peer;
	device->restore = self->restore;
	list_targets(self);
	self->broker->busy_devices++;
	strand_submit(&device->group->strand, &self->job);
}

static int plan_regions(struct acquire *self, const struct hwb_acquire_request *wanted,
                        struct fault *fault)
{
	const struct peer *peer = self->request.peer;
	const struct device *device = self->device;
	const uint32_t all = (1u << HWB_BARS) - 1;

	if ((wanted->bars & ~all) != 0 || (wanted->wc & ~all) != 0)
		return fault_set(fault, HWB_INVALID, "bars 0x%x or wc 0x%x names a BAR above 5",
		                 wanted->bars, wanted->wc);
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
	              self->domain != NULL, fault) != 0)
		return -1;
	self->irq = irq_prepare(self->device, (enum hwb_irq_type)wanted->irq_type,
	                        wanted->irq_count, fault);
	return self->irq != NULL ? 0 : -1;
}

static int plan(struct acquire *self, const struct hwb_acquire_request *wanted, struct fault *fault)
{
	struct peer *peer = self->request.peer;
	struct policy_verdict verdict;

	self->field = REQUEST_FIELD(hwb_acquire_request, address);
	self->device = platform_find(peer, &wanted->address, &verdict, fault);
	if (self->device == NULL)
		return -1;
	self->field = REQUEST_FIELD(hwb_acquire_request, domain);
	if (wanted->domain != 0) {
		struct session *session =
		        session_table_find(&peer->sessions, wanted->domain, HWB_SESSION_DOMAIN);
		if (session == NULL)
			return fault_set(fault, HWB_NO_SESSION,
			                 "handle %u is not a domain of this connection",
			                 wanted->domain);
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
	self->restore = verdict.grant.restore;
	return 0;
}

void serve_device_acquire(struct request *request)
{
	const struct hwb_acquire_request *wanted = request->body;
	struct acquire *self = calloc(1, sizeof(*self));

	if (self == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
		return;
	}
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
