/* SPDX-License-Identifier: MIT */
/* DMA domains: an I/O address space, and the devices that are in it. */
#include "device/operate.h"
#include "session/bus/platform.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "session/session.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <stddef.h>
#include <string.h>

/* ---- end ---- */

static struct domain *domain_of(struct job *job)
{
	return (struct domain *)((char *)job - offsetof(struct domain, free_job));
}

static void run_free(struct job *job)
{
	struct domain *domain = domain_of(job);

	domain->broker->host.backend->domain_free(domain->kernel);
}

static void done_free(struct job *job)
{
	struct domain *domain = domain_of(job);

	account_refund(domain->account, domain->ledger.count, domain->ledger.bytes);
	ledger_free(&domain->ledger);
	domain->broker->busy_devices--;
	if (domain->end.peer != NULL) {
		request_reply(&domain->end, domain->end.header.session, NULL, 0, NULL, 0);
		request_drop(&domain->end);
	}
	free(domain);
}

/* Nothing refers to it any more but jobs on its own strand, and this one comes
 * after those. */
static void destroy(struct domain *domain)
{
	domain->free_job.run = run_free;
	domain->free_job.done = done_free;
	domain->broker->busy_devices++;
	strand_submit(&domain->strand, &domain->free_job);
}

void domain_leave(struct domain *domain)
{
	domain->users--;
	if (domain->closed && domain->users == 0)
		destroy(domain);
}

/* ---- assigning ---- */

struct assign_job {
	struct job job;
	struct request request; /* peer NULL: nobody waits */
	struct broker *broker;
	struct device *device;
	struct domain *domain;
	uint32_t owner;      /* handle of the device session */
	uint32_t assignment; /* its number; 0: one before has done it, or this is a leave */
	bool enter;          /* or leave */
	int result;
	struct hwb_iova_range windows[LEDGER_WINDOWS];
	uint32_t window_count;
	struct fault fault;
};

static void run_enter(struct assign_job *self)
{
	const struct kernel_backend *kernel = self->broker->host.backend;
	struct device *device = self->device;
	const struct unit *unit = &device->unit;
	bool was_open = unit->opened != NULL;

	self->result = operate_open(kernel, device, self->domain->kernel, &self->fault);
	if (self->result == 0) {
		self->result = kernel->set_bus_master(unit->opened, true, &self->fault);
		if (self->result != 0)
			operate_close(kernel, device, NULL);
	}
	if (self->result == 0)
		self->window_count =
		        kernel->windows(self->domain->kernel, self->windows, LEDGER_WINDOWS);
	else if (was_open && unit->opened == NULL)
		/* The client may have its registers mapped: keep it awake. */
		operate_open(kernel, device, NULL, NULL);
}

static void run_assign(struct job *job)
{
	struct assign_job *self = (struct assign_job *)job;
	const struct kernel_backend *kernel = self->broker->host.backend;
	struct device *device = self->device;

	if (self->enter && self->assignment != 0) {
		run_enter(self);
	} else if (self->enter) {
		if (device->unit.domain != self->domain->kernel)
			self->result = fault_set(&self->fault, HWB_WRONG_STATE,
			                         "the DOMAIN_ASSIGN of %s before this one failed",
			                         device->name);
	} else {
		self->result = operate_close(kernel, device, &self->fault);
		if (self->result == 0)
			self->result = operate_open(kernel, device, NULL, &self->fault);
	}
}

/* After a DOMAIN_ASSIGN that failed: the device is as before, unless a later request
 * has moved it, whose job then leaves for us. */
static void undo_assign(struct assign_job *self)
{
	struct session *session =
	        session_table_find(&self->request.peer->sessions, self->owner, HWB_SESSION_DEVICE);
	struct device_session *owner = (struct device_session *)session;

	if (owner == NULL || self->assignment == 0 || owner->assignments != self->assignment ||
	    owner->domain != self->domain)
		return;
	owner->domain = NULL;
	keep_session(&owner->session);
	domain_leave(self->domain);
}

static void done_assign(struct job *job)
{
	struct assign_job *self = (struct assign_job *)job;

	/* What was open is not any more. */
	if (self->device->session != NULL)
		keep_opened(self->device->session);
	if (self->enter && self->result == 0 && self->window_count != 0)
		ledger_set_windows(&self->domain->ledger, self->windows, self->window_count);
	if (self->enter && self->result != 0)
		undo_assign(self);
	if (self->request.peer != NULL && self->result == 0)
		request_reply(&self->request, self->request.header.session, NULL, 0, NULL, 0);
	else if (self->request.peer != NULL)
		request_refuse(&self->request, 0, &self->fault);
	if (!self->enter)
		domain_leave(self->domain);
	if (self->request.peer != NULL)
		request_drop(&self->request);
	self->broker->busy_devices--;
	free(self);
}

static void start(struct assign_job *self, const struct request *request,
                  struct device_session *owner, struct domain *domain, bool enter,
                  uint32_t assignment)
{
	self->job.run = run_assign;
	self->job.done = done_assign;
	self->broker = domain->broker;
	self->device = owner->device;
	self->domain = domain;
	self->owner = owner->session.handle;
	self->enter = enter;
	self->assignment = assignment;
	self->broker->busy_devices++;
	if (request != NULL)
		request_hold(&self->request, request);
	strand_submit(&owner->device->group->strand, &self->job);
}

/* `assignment`: as in struct assign_job. Returns false if there is no memory. */
static bool submit(const struct request *request, struct device_session *owner,
                   struct domain *domain, bool enter, uint32_t assignment)
{
	struct assign_job *self = calloc(1, sizeof(*self));

	if (self != NULL)
		start(self, request, owner, domain, enter, assignment);
	return self != NULL;
}

/* ---- requests ---- */

/* Without an IOMMU they are known before there is a device. */
static void set_windows(struct domain *domain)
{
	const struct kernel_backend *kernel = domain->broker->host.backend;
	struct hwb_iova_range windows[LEDGER_WINDOWS];

	if (!kernel->unsafe)
		return;
	uint32_t count = kernel->windows(domain->kernel, windows, LEDGER_WINDOWS);
	if (count != 0)
		ledger_set_windows(&domain->ledger, windows, count);
}

void serve_domain_open(struct request *request)
{
	struct peer *peer = request->peer;
	struct broker *broker = peer->broker;
	_cleanup_free_ struct domain *domain = calloc(1, sizeof(*domain));
	struct fault fault = { .status = HWB_OK };

	if (broker->host.backend == NULL)
		fault_set(
		        &fault, HWB_UNSUPPORTED,
		        "this host offers no DMA through an IOMMU; `hwbroker-ctl status' says why");
	else if (host_is_unsafe(&broker->host) && !platform_gives_unsafe_dma(peer))
		/* Who has no such device needs no memory that is scarce, nor its address. */
		fault_set(&fault, HWB_UNSAFE,
		          "this host has no IOMMU, so that DMA reaches all of memory, and there is "
		          "no device for client `%s' whose rule says `dma = unsafe'",
		          peer->name);
	else if (domain == NULL)
		fault_set(&fault, HWB_NO_MEMORY, "no memory for a domain");
	else if (broker->host.backend->domain_new(&domain->kernel, &fault) == 0) {
		domain->session.kind = HWB_SESSION_DOMAIN;
		domain->broker = broker;
		domain->account = peer->account;
		strand_init(&domain->strand, broker->workers, &peer->account->lane);
		ledger_init(&domain->ledger);
		set_windows(domain);
		if (session_publish(peer, &domain->session, &fault) != 0)
			broker->host.backend->domain_free(domain->kernel);
	}
	if (domain == NULL || fault.status != HWB_OK) {
		request_refuse(request, 0, &fault);
		return;
	}
	keep_session(&domain->session);
	request_reply(request, domain->session.handle, NULL, 0, NULL, 0);
	steal_pointer(&domain);
}

static bool is_in(const struct session *session, const struct domain *domain)
{
	return session->kind == HWB_SESSION_DEVICE &&
	       ((const struct device_session *)session)->domain == domain;
}

/* A job for each device that is in the domain, in a list; or, without memory, none and
 * false. */
static bool make_leaves(const struct domain *domain, struct job **leaves)
{
	const struct session_table *table = &domain->session.peer->sessions;

	for (uint32_t i = 0; i < table->count; i++) {
		if (!is_in(table->items[i], domain))
			continue;
		struct assign_job *leave = calloc(1, sizeof(*leave));
		if (leave == NULL) {
			while (*leaves != NULL) {
				struct job *next = (*leaves)->next;
				free(*leaves);
				*leaves = next;
			}
			return false;
		}
		leave->job.next = *leaves;
		*leaves = &leave->job;
	}
	return true;
}

void domain_close(struct domain *domain, const struct request *request)
{
	struct session_table *table = &domain->session.peer->sessions;
	struct job *leaves = NULL;

	/* If everything is being closed, a device leaves when it is. */
	if (!make_leaves(domain, &leaves) && request != NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
		return;
	}
	session_withdraw(&domain->session);
	domain->closed = true;
	if (request != NULL)
		request_hold(&domain->end, request);
	for (uint32_t i = 0; i < table->count && leaves != NULL; i++) {
		struct device_session *owner = (struct device_session *)table->items[i];
		if (!is_in(&owner->session, domain))
			continue;
		struct assign_job *leave = (struct assign_job *)leaves;
		leaves = leaves->next;
		start(leave, NULL, owner, domain, false, 0);
		owner->domain = NULL;
		keep_session(&owner->session);
		if (owner->irq != NULL)
			irq_close_of(owner);
		i = UINT32_MAX; /* from 0 again: closing the interrupt moved the table */
	}
	if (domain->users == 0)
		destroy(domain);
}

void serve_domain_info(struct request *request)
{
	const struct hwb_list_request *list = request->body;
	struct domain *domain = (struct domain *)request_session(request, HWB_SESSION_DOMAIN);
	struct {
		struct hwb_list_reply head;
		struct hwb_iova_range windows[LEDGER_WINDOWS];
	} reply = { .head.record_size = sizeof(struct hwb_iova_range) };

	if (domain == NULL)
		return;
	/* All of them fit into one page; any other cursor is past the end. */
	if (list->cursor == 0)
		reply.head.count = domain->ledger.window_count;
	memcpy(reply.windows, domain->ledger.windows, reply.head.count * sizeof(reply.windows[0]));
	request_reply(request, request->header.session, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(reply.windows[0]), NULL, 0);
}

/* Both sessions that the request names; NULL: refused. */
static struct device_session *named_device(const struct request *request)
{
	const struct hwb_assign_request *assign = request->body;
	struct fault fault;
	struct session *owner = session_table_need(&request->peer->sessions, assign->device,
	                                           HWB_SESSION_DEVICE, &fault);

	if (owner == NULL)
		request_refuse(request, REQUEST_FIELD(hwb_assign_request, device), &fault);
	return (struct device_session *)owner;
}

void serve_domain_assign(struct request *request)
{
	struct domain *domain = (struct domain *)request_session(request, HWB_SESSION_DOMAIN);
	struct device_session *owner = domain == NULL ? NULL : named_device(request);
	struct fault fault;

	if (owner == NULL)
		return;
	if (platform_may(request->peer, owner->device, POLICY_DMA, &fault) != 0) {
		request_refuse(request, REQUEST_FIELD(hwb_assign_request, device), &fault);
		return;
	}
	/* Again: the answer is that of the kernel, as the first may still fail. */
	bool again = owner->domain == domain;
	if (!again && (owner->domain != NULL || owner->irq != NULL)) {
		request_refuse_text(
		        request, HWB_WRONG_STATE, REQUEST_FIELD(hwb_assign_request, device),
		        owner->domain != NULL
		                ? "%s is in another domain: deassign it there first"
		                : "%s has an IRQ session: close it, assign, open it again",
		        owner->device->name);
		return;
	}
	if (!submit(request, owner, domain, true, again ? 0 : owner->assignments + 1)) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
		return;
	}
	if (again)
		return;
	owner->assignments++;
	owner->domain = domain;
	domain->users++;
	keep_session(&owner->session);
}

void serve_domain_deassign(struct request *request)
{
	struct domain *domain = (struct domain *)request_session(request, HWB_SESSION_DOMAIN);
	struct device_session *owner = domain == NULL ? NULL : named_device(request);

	if (owner == NULL)
		return;
	if (owner->domain != domain) {
		request_refuse_text(request, HWB_WRONG_STATE,
		                    REQUEST_FIELD(hwb_assign_request, device),
		                    "%s is not in this domain", owner->device->name);
		return;
	}
	/* Closed by us it would not be: as long as a client has VFIO's descriptor of it, its group
	 * stays open, and in this domain, and nobody can open it anew. */
	if (owner->device->way == WAY_DEVICE) {
		request_refuse_text(request, HWB_WRONG_STATE,
		                    REQUEST_FIELD(hwb_assign_request, device),
		                    "the rule of %s says `grant = device': it stays in its domain "
		                    "until it is closed, and its descriptor as well",
		                    owner->device->name);
		return;
	}
	if (!submit(request, owner, domain, false, 0)) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
		return;
	}
	if (owner->irq != NULL)
		irq_close_of(owner);
	owner->domain = NULL;
	keep_session(&owner->session);
}
