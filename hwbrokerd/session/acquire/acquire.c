/* SPDX-License-Identifier: MIT */
/* Requests for a device: whether they may be, and until when they wait. */
#include "session/acquire/acquire.h"
#include "server/peer.h"
#include "session/acquire/assess.h"
#include "session/bus/platform.h"
#include "session/memory/mediated.h"
#include "session/name.h"
#include "session/release/held.h"
#include "session/release/release.h"
#include "session/serve.h"
#include "util/cleanup.h"

#include <stdio.h>
#include <string.h>

/* Waits for the end of a reset. */
struct parked {
	struct waiter waiter;
	struct acquire *acquire;
};

void acquire_unplan(struct acquire *self)
{
	for (uint32_t i = 0; i < self->region_count; i++)
		close_fd(self->regions[i].fd);
	self->region_count = 0;
	if (self->irq != NULL)
		irq_release(self->irq);
	self->irq = NULL;
}

void acquire_free(struct acquire *self)
{
	acquire_unplan(self);
	free(self->passed);
	free(self->passed_why);
	free(self->session);
	request_drop(&self->request);
	free(self);
}

/* The request for any device has the name of a rule where that for a certain one has the
 * address, and then the same fields. */
static uint32_t field_of(const struct acquire *self)
{
	const uint32_t shift = REQUEST_FIELD(hwb_acquire_any_request, flags) -
	                       REQUEST_FIELD(hwb_acquire_request, flags);

	if (self->section[0] == '\0' || self->field < REQUEST_FIELD(hwb_acquire_request, flags))
		return self->field;
	return self->field + shift;
}

void acquire_refuse(struct acquire *self)
{
	struct broker *broker = self->broker;
	const struct device *device = self->device;

	request_refuse(&self->request, field_of(self), &self->fault);
	if (self->domain != NULL)
		domain_leave(self->domain);
	acquire_free(self);
	if (device != NULL)
		release_left_over(broker, device->group);
}

static void on_rest(struct waiter *waiter)
{
	struct parked *parked = (struct parked *)waiter;
	struct acquire *self = parked->acquire;

	free(parked);
	acquire_begin(self);
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

/* Having back what it had takes no time. */
bool acquire_wait(struct acquire *self, struct device *busy)
{
	bool former = held_to_former(busy, self->request.peer);
	bool wait = former || !busy->overdue;

	/* Its registers may be gone since they were last looked for. */
	if (!wait && !self->looked) {
		self->looked = true;
		wait = true;
		held_hurry(busy);
	}
	return wait && (former || (self->wanted.flags & HWB_ACQUIRE_NO_WAIT) == 0) &&
	       park(self, busy);
}

/* Its rule has one more for the client when `busy` is at rest, which is not the wanted one. */
static bool waits_for_share(struct acquire *self, struct device *busy)
{
	return busy != NULL && !busy->overdue && (self->wanted.flags & HWB_ACQUIRE_NO_WAIT) == 0 &&
	       park(self, busy);
}

static void begin(struct acquire *self)
{
	struct device *device = self->device;
	struct device *busy = acquire_in_transit(self->broker, device);
	const struct peer *peer = self->request.peer;
	struct asker asker = asker_of(peer);
	struct policy_verdict verdict;

	if (!peer_connected(peer) || acquire_still_given(self, &verdict, &self->fault) != 0) {
		acquire_refuse(self);
		return;
	}
	if (busy != NULL && acquire_wait(self, busy))
		return;
	if (acquire_may_begin(self, device, &self->fault) != 0) {
		acquire_refuse(self);
		return;
	}
	if (assess_device(&asker, device, ASSESS_SHARE, &verdict, &busy, &self->fault) != 0) {
		if (!waits_for_share(self, busy))
			acquire_refuse(self);
		return;
	}
	if (acquire_start(self, &self->fault) != 0)
		acquire_refuse(self);
}

void acquire_begin(struct acquire *self)
{
	if (self->section[0] != '\0')
		acquire_any_begin(self);
	else
		begin(self);
}

/* What no device could mend. */
static int check_values(struct acquire *self, struct fault *fault)
{
	const struct hwb_acquire_request *wanted = &self->wanted;
	const uint32_t all = (1u << HWB_BARS) - 1;

	self->field = REQUEST_FIELD(hwb_acquire_request, bars);
	if ((wanted->bars & ~all) != 0)
		return fault_set(fault, HWB_INVALID, "bars 0x%x names a BAR above 5", wanted->bars);
	self->field = REQUEST_FIELD(hwb_acquire_request, wc);
	if ((wanted->wc & ~all) != 0)
		return fault_set(fault, HWB_INVALID, "wc 0x%x names a BAR above 5", wanted->wc);
	self->field = REQUEST_FIELD(hwb_acquire_request, irq_type);
	if (wanted->irq_type > HWB_IRQ_MSIX)
		return fault_set(fault, HWB_INVALID,
		                 "interrupt type %u is none of INTx (1), MSI (2), MSI-X (3)",
		                 wanted->irq_type);
	if (wanted->irq_type == HWB_IRQ_NONE &&
	    (wanted->irq_count != 0 || (wanted->flags & HWB_ACQUIRE_IRQ_ENABLE) != 0))
		return fault_set(fault, HWB_INVALID, "irq_count or IRQ_ENABLE without an irq_type");
	return 0;
}

static int plan_regions(struct acquire *self, struct fault *fault)
{
	const struct hwb_acquire_request *wanted = &self->wanted;
	const struct peer *peer = self->request.peer;
	const struct device *device = self->device;

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

static int plan_irq(struct acquire *self, struct fault *fault)
{
	const struct hwb_acquire_request *wanted = &self->wanted;

	if (wanted->irq_type == HWB_IRQ_NONE)
		return 0;
	if (irq_check(self->request.peer, self->device, wanted->irq_type, wanted->irq_count,
	              self->domain != NULL, fault) != 0) {
		if (fault->status == HWB_INVALID)
			self->field = REQUEST_FIELD(hwb_acquire_request, irq_count);
		return -1;
	}
	self->irq = irq_prepare(self->device, (enum hwb_irq_type)wanted->irq_type,
	                        wanted->irq_count, fault);
	return self->irq != NULL ? 0 : -1;
}

int acquire_plan(struct acquire *self, struct fault *fault)
{
	const struct peer *peer = self->request.peer;

	self->field = REQUEST_FIELD(hwb_acquire_request, domain);
	if (self->domain != NULL && platform_may(peer, self->device, POLICY_DMA, fault) != 0)
		return -1;
	self->way = mediated_way(peer, self->device);
	self->field = REQUEST_FIELD(hwb_acquire_request, bars);
	if (plan_regions(self, fault) != 0)
		return -1;
	self->field = REQUEST_FIELD(hwb_acquire_request, irq_type);
	if (plan_irq(self, fault) != 0)
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

static int join_domain(struct acquire *self, struct fault *fault)
{
	struct peer *peer = self->request.peer;

	self->field = REQUEST_FIELD(hwb_acquire_request, domain);
	if (self->wanted.domain == 0)
		return 0;
	struct session *session =
	        session_table_need(&peer->sessions, self->wanted.domain, HWB_SESSION_DOMAIN, fault);
	if (session == NULL)
		return -1;
	self->domain = (struct domain *)session;
	self->domain->users++;
	return 0;
}

static int judge(struct acquire *self, struct fault *fault)
{
	bool any = self->section[0] != '\0';
	struct asker asker = asker_of(self->request.peer);

	self->field = REQUEST_FIELD(hwb_acquire_request, address);
	if (!any) {
		self->device =
		        platform_find(self->request.peer, &self->wanted.address, NULL, fault);
		if (self->device == NULL)
			return -1;
	}
	if (assess_device(&asker, self->device, ASSESS_HOST, NULL, NULL, fault) != 0 ||
	    check_values(self, fault) != 0 || join_domain(self, fault) != 0)
		return -1;
	return any ? 0 : acquire_plan(self, fault);
}

/* `rule` NULL: a certain device. */
static void serve(struct request *request, const struct hwb_acquire_request *wanted,
                  const char *rule)
{
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
	self->broker = request->peer->broker;
	self->wanted = *wanted;
	self->looks = ACQUIRE_LOOKS;
	if (rule != NULL)
		snprintf(self->section, sizeof(self->section), "device %s", rule);
	request_hold(&self->request, request);
	if (judge(self, &self->fault) != 0)
		acquire_refuse(self);
	else
		acquire_begin(self);
}

void serve_device_acquire(struct request *request)
{
	serve(request, request->body, NULL);
}

void serve_device_acquire_any(struct request *request)
{
	const struct hwb_acquire_any_request *any = request->body;
	const struct hwb_acquire_request wanted = {
		.flags = any->flags,
		.domain = any->domain,
		.bars = any->bars,
		.wc = any->wc,
		.irq_type = any->irq_type,
		.irq_count = any->irq_count,
	};

	if (!is_wire_name(any->rule) || any->rule[0] == '\0') {
		request_refuse_text(
		        request, HWB_INVALID, REQUEST_FIELD(hwb_acquire_any_request, rule),
		        "a rule's name has 1 to %u bytes and zeros behind it", HWB_NAME_SIZE - 1);
		return;
	}
	/* Not repeated to anybody: it is whatever bytes the client likes. */
	if (!is_section_name(any->rule)) {
		request_refuse_text(
		        request, HWB_NOT_FOUND, REQUEST_FIELD(hwb_acquire_any_request, rule),
		        "no section has such a name: they are of letters, digits, `-', `_' and "
		        "`.'");
		return;
	}
	serve(request, &wanted, any->rule);
}
