/* SPDX-License-Identifier: MIT */
/* DMA domains: an I/O address space, and the devices that are in it. */
#include "device/operate.h"
#include "session/platform.h"
#include "session/serve.h"
#include "session/session.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <string.h>

/* ---- end ---- */

struct free_job {
	struct job job;
	struct domain *domain;
};

static void run_free(struct job *job)
{
	struct domain *domain = ((struct free_job *)job)->domain;
	domain->broker->host.backend->domain_free(domain->kernel);
}

static void done_free(struct job *job)
{
	struct domain *domain = ((struct free_job *)job)->domain;

	account_refund(domain->account, domain->ledger.count, domain->ledger.bytes);
	ledger_free(&domain->ledger);
	domain->broker->busy_devices--;
	free(domain);
	free(job);
}

/* Nothing refers to it any more but jobs on its own strand, and this one comes
 * after those. */
static void destroy(struct domain *domain)
{
	struct free_job *self = calloc(1, sizeof(*self));

	if (self == NULL) {
		/* Stays pinned and charged rather than half undone. */
		log_error("no memory to free a DMA domain of client `%s'", domain->account->client);
		return;
	}
	self->job.run = run_free;
	self->job.done = done_free;
	self->domain = domain;
	domain->broker->busy_devices++;
	strand_submit(&domain->strand, &self->job);
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
	uint32_t owner; /* handle of the device session */
	bool enter;     /* or leave */
	int result;
	struct hwb_iova_range windows[LEDGER_WINDOWS];
	uint32_t window_count;
	struct fault fault;
};

static void run_assign(struct job *job)
{
	struct assign_job *self = (struct assign_job *)job;
	const struct kernel_backend *kernel = self->broker->host.backend;
	struct device *device = self->device;

	if (!self->enter) {
		self->result = operate_close(kernel, device, &self->fault);
		if (self->result == 0)
			self->result = operate_open(kernel, device, NULL, &self->fault);
		return;
	}
	self->result = operate_open(kernel, device, self->domain->kernel, &self->fault);
	if (self->result == 0)
		self->result = kernel->set_bus_master(device->unit.opened, true, &self->fault);
	if (self->result == 0)
		self->window_count =
		        kernel->windows(self->domain->kernel, self->windows, LEDGER_WINDOWS);
	else if (operate_close(kernel, device, NULL) == 0)
		/* Its registers may be mapped by the client: keep it awake. */
		operate_open(kernel, device, NULL, NULL);
}

static void done_assign(struct job *job)
{
	struct assign_job *self = (struct assign_job *)job;
	bool entered = self->enter && self->result == 0;

	if (entered && self->window_count != 0)
		ledger_set_windows(&self->domain->ledger, self->windows, self->window_count);
	if (self->request.peer != NULL) {
		struct session *owner = session_table_find(&self->request.peer->sessions,
		                                           self->owner, HWB_SESSION_DEVICE);
		if (self->enter && !entered && owner != NULL &&
		    ((struct device_session *)owner)->domain == self->domain)
			((struct device_session *)owner)->domain = NULL;
		else if (self->enter && !entered)
			self->domain = NULL; /* the release that came between left for us */
		if (self->result == 0)
			request_reply(&self->request, self->request.header.session, NULL, 0, NULL,
			              0);
		else
			request_refuse(&self->request, 0, &self->fault);
	}
	if (!entered && self->domain != NULL)
		domain_leave(self->domain);
	if (self->request.peer != NULL)
		request_drop(&self->request);
	self->broker->busy_devices--;
	free(self);
}

static bool submit(const struct request *request, struct device_session *owner,
                   struct domain *domain, bool enter)
{
	struct assign_job *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return false;
	self->job.run = run_assign;
	self->job.done = done_assign;
	self->broker = domain->broker;
	self->device = owner->device;
	self->domain = domain;
	self->owner = owner->session.handle;
	self->enter = enter;
	self->broker->busy_devices++;
	if (request != NULL)
		request_hold(&self->request, request);
	strand_submit(&owner->device->group->strand, &self->job);
	return true;
}

/* ---- requests ---- */

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
	else if (domain == NULL)
		fault_set(&fault, HWB_NO_MEMORY, "no memory for a domain");
	else if (broker->host.backend->domain_new(&domain->kernel, &fault) == 0) {
		domain->session.kind = HWB_SESSION_DOMAIN;
		domain->broker = broker;
		domain->account = peer->account;
		strand_init(&domain->strand, broker->workers);
		ledger_init(&domain->ledger);
		if (session_publish(peer, &domain->session, &fault) != 0)
			broker->host.backend->domain_free(domain->kernel);
	}
	if (domain == NULL || fault.status != HWB_OK) {
		request_refuse(request, 0, &fault);
		return;
	}
	request_reply(request, domain->session.handle, NULL, 0, NULL, 0);
	steal_pointer(&domain);
}

void domain_close(struct domain *domain)
{
	struct session_table *table = &domain->session.peer->sessions;

	session_withdraw(&domain->session);
	domain->closed = true;
	for (uint32_t i = 0; i < table->count; i++) {
		struct device_session *owner = (struct device_session *)table->items[i];
		if (owner->session.kind != HWB_SESSION_DEVICE || owner->domain != domain)
			continue;
		/* Without memory for the job, the device leaves when it is closed. */
		if (!submit(NULL, owner, domain, false))
			continue;
		owner->domain = NULL;
		if (owner->irq != NULL && owner->irq->session.handle != 0)
			irq_close(owner->irq);
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
	struct session *owner =
	        session_table_find(&request->peer->sessions, assign->device, HWB_SESSION_DEVICE);
	if (owner == NULL)
		request_refuse_text(request, HWB_NO_SESSION,
		                    REQUEST_FIELD(hwb_assign_request, device),
		                    "handle %u is not a device of this connection", assign->device);
	return (struct device_session *)owner;
}

void serve_domain_assign(struct request *request)
{
	struct domain *domain = (struct domain *)request_session(request, HWB_SESSION_DOMAIN);
	struct device_session *owner = domain == NULL ? NULL : named_device(request);
	struct fault fault;

	if (owner == NULL)
		return;
	if (owner->domain == domain) {
		request_reply(request, request->header.session, NULL, 0, NULL, 0);
		return;
	}
	if (platform_may(request->peer, owner->device, POLICY_DMA, &fault) != 0) {
		request_refuse(request, REQUEST_FIELD(hwb_assign_request, device), &fault);
		return;
	}
	if (owner->domain != NULL || owner->irq != NULL) {
		request_refuse_text(
		        request, HWB_WRONG_STATE, REQUEST_FIELD(hwb_assign_request, device),
		        owner->domain != NULL
		                ? "%s is in another domain: deassign it there first"
		                : "%s has an IRQ session: close it, assign, open it again",
		        owner->device->name);
		return;
	}
	if (!submit(request, owner, domain, true)) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
		return;
	}
	owner->domain = domain;
	domain->users++;
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
	/* An interrupt that is just being opened keeps the device where it is. */
	if (owner->irq != NULL && owner->irq->session.handle == 0) {
		request_refuse_text(
		        request, HWB_WRONG_STATE, REQUEST_FIELD(hwb_assign_request, device),
		        "%s has an IRQ_OPEN in flight: wait for its answer", owner->device->name);
		return;
	}
	if (!submit(request, owner, domain, false)) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
		return;
	}
	if (owner->irq != NULL)
		irq_close(owner->irq);
	owner->domain = NULL;
}
