/* SPDX-License-Identifier: MIT */
/*
 * IRQ: eventfds that the kernel signals. The broker makes and connects them and
 * is on no interrupt's path, but without VFIO (kernel/bare/irq.c).
 */
#include "session/irq/irq_plan.h"

#include "device/operate.h"
#include "resume/note.h"
#include "session/irq/line.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "util/cleanup.h"

#include <errno.h>
#include <sys/eventfd.h>

int irq_check(const struct peer *peer, const struct device *device, uint32_t type, uint32_t count,
              bool with_dma, struct fault *fault)
{
	static const char *const names[] = { "", "INTx", "MSI", "MSI-X" };
	uint32_t available;

	switch (type) {
	case HWB_IRQ_INTX:
		available = device->facts.intx_pin != 0;
		break;
	case HWB_IRQ_MSI:
		available = device->facts.msi_vectors;
		break;
	case HWB_IRQ_MSIX:
		available = device->facts.msix_vectors;
		break;
	default:
		return fault_set(fault, HWB_INVALID,
		                 "interrupt type %u is none of INTx (1), MSI "
		                 "(2), MSI-X (3)",
		                 type);
	}
	if (available == 0)
		return fault_set(fault, HWB_UNSUPPORTED, "%s has no %s", device->name, names[type]);
	if (type != HWB_IRQ_INTX && host_is_intx_only(&peer->broker->host))
		return fault_set(fault, HWB_UNSUPPORTED,
		                 "this host has no VFIO for its devices, and so INTx only: %s of "
		                 "%s cannot be had (`hwbroker-ctl status' says why)",
		                 names[type], device->name);
	if (count == 0 || count > available)
		return fault_set(fault, HWB_INVALID, "%s has %u %s vector%s; %u were asked for",
		                 device->name, available, names[type], available == 1 ? "" : "s",
		                 count);
	if (count > peer->limits.irq_vectors)
		return fault_set(fault, HWB_QUOTA,
		                 "%u vectors are more than the limit of client `%s' "
		                 "(irq_vectors = %u)",
		                 count, peer->name, peer->limits.irq_vectors);
	if (type != HWB_IRQ_INTX && !with_dma)
		return fault_set(fault, HWB_WRONG_STATE,
		                 "%s is a write by the device: assign %s to a domain first",
		                 names[type], device->name);
	return 0;
}

struct irq_session *irq_prepare(struct device *device, enum hwb_irq_type type, uint32_t count,
                                struct fault *fault)
{
	struct irq_session *irq = calloc(1, sizeof(*irq) + count * sizeof(int));

	if (irq == NULL) {
		fault_set(fault, HWB_NO_MEMORY, "no memory for a session");
		return NULL;
	}
	irq->session.kind = HWB_SESSION_IRQ;
	irq->device = device;
	irq->references = 1;
	irq->id = note_new_id();
	irq->type = type;
	irq->count = count;
	irq->unmask_fd = -1;
	for (uint32_t i = 0; i < count; i++)
		irq->fds[i] = -1;
	return irq;
}

int irq_make_fds(struct irq_session *irq, struct fault *fault)
{
	for (uint32_t i = 0; i < irq->count; i++) {
		irq->fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (irq->fds[i] < 0)
			return fault_errno(fault, errno, "cannot make %u eventfds", irq->count);
	}
	if (irq->type == HWB_IRQ_INTX) {
		irq->unmask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (irq->unmask_fd < 0)
			return fault_errno(fault, errno, "cannot make an eventfd");
	}
	return 0;
}

void irq_release(struct irq_session *irq)
{
	if (--irq->references != 0)
		return;
	for (uint32_t i = 0; i < irq->count; i++)
		close_fd(irq->fds[i]);
	close_fd(irq->unmask_fd);
	free(irq);
}

int irq_arm(const struct kernel_backend *kernel, struct irq_session *irq, struct fault *fault)
{
	if (irq->armed)
		return 0;
	int result = kernel->irq_enable(irq->device->unit.opened, irq->type, irq->fds, irq->count,
	                                irq->unmask_fd, fault);
	irq->armed = result == 0;
	return result;
}

uint32_t irq_reply(const struct irq_session *irq, struct hwb_interrupt *reply, int *fds)
{
	uint32_t count = irq->count < IRQ_FDS_FIRST ? irq->count : IRQ_FDS_FIRST;

	*reply = (struct hwb_interrupt){
		.session = irq->session.handle,
		.type = irq->type,
		.vectors = irq->count,
		.fds = count,
	};
	for (uint32_t i = 0; i < count; i++)
		fds[i] = irq->fds[i];
	if (irq->unmask_fd >= 0)
		fds[count++] = irq->unmask_fd;
	return count;
}

/* ---- jobs: opening, enabling, unmasking, disabling ---- */

enum irq_step { IRQ_STEP_OPEN, IRQ_STEP_ENABLE, IRQ_STEP_UNMASK, IRQ_STEP_DISABLE };

struct irq_job {
	struct job job;
	struct request request; /* peer NULL: nobody waits */
	const struct kernel_backend *kernel;
	struct irq_session *irq; /* a reference */
	uint32_t owner;          /* handle of the device session */
	enum irq_step step;
	bool arm;
	bool opened; /* the device, by this job */
	int result;
	struct fault fault;
};

static void run(struct job *job)
{
	struct irq_job *self = (struct irq_job *)job;
	struct irq_session *irq = self->irq;
	struct unit *unit = &irq->device->unit;

	switch (self->step) {
	case IRQ_STEP_OPEN:
		self->opened = unit->opened == NULL;
		self->result = irq_make_fds(irq, &self->fault);
		if (self->result == 0)
			self->result = operate_open(self->kernel, irq->device, NULL, &self->fault);
		if (self->result == 0 && self->arm)
			self->result = irq_arm(self->kernel, irq, &self->fault);
		break;
	case IRQ_STEP_ENABLE:
		self->result = unit->opened == NULL
		                       ? fault_set(&self->fault, HWB_GONE, "the device was closed")
		                       : irq_arm(self->kernel, irq, &self->fault);
		break;
	case IRQ_STEP_UNMASK:
		/* Nothing to unmask on one that was not enabled. */
		if (unit->opened != NULL && irq->armed)
			self->result = self->kernel->irq_unmask(unit->opened, &self->fault);
		break;
	case IRQ_STEP_DISABLE:
		if (unit->opened != NULL && irq->armed)
			self->kernel->irq_disable(unit->opened, irq->type, NULL);
		irq->armed = false;
		break;
	}
}

/* The device session that waits for this interrupt, unless it was closed. */
static struct device_session *owner_of(const struct irq_job *self)
{
	struct session *owner =
	        session_table_find(&self->request.peer->sessions, self->owner, HWB_SESSION_DEVICE);
	return owner != NULL && ((struct device_session *)owner)->irq == self->irq
	               ? (struct device_session *)owner
	               : NULL;
}

/* Whether it is to be disarmed again. */
static bool finish_open(struct irq_job *self)
{
	bool armed = self->result == 0 && self->arm;
	struct device_session *owner = owner_of(self);
	struct irq_session *irq = self->irq;
	struct hwb_interrupt reply;
	int fds[IRQ_FDS_FIRST + 1];

	if (self->opened && owner != NULL)
		keep_opened(owner);
	if (self->result == 0 && owner == NULL)
		self->result = fault_set(&self->fault, HWB_GONE,
		                         "%s was closed, or left its domain, meanwhile",
		                         irq->device->name);
	if (self->result == 0)
		self->result = session_publish(self->request.peer, &irq->session, &self->fault);
	if (self->result != 0) {
		request_refuse(&self->request, 0, &self->fault);
		if (owner != NULL) {
			owner->irq = NULL;
			irq_release(irq);
		}
		return armed && owner != NULL;
	}
	irq->enabled = self->arm;
	keep_session(&irq->session);
	uint32_t count = irq_reply(irq, &reply, fds);
	request_reply(&self->request, irq->session.handle, &reply, sizeof(reply), fds, count);
	return false;
}

static void done(struct job *job)
{
	struct irq_job *self = (struct irq_job *)job;
	bool disarm = false;

	if (self->step == IRQ_STEP_OPEN) {
		disarm = finish_open(self);
	} else if (self->request.peer != NULL) {
		if (self->result == 0 && self->step == IRQ_STEP_ENABLE) {
			self->irq->enabled = true;
			if (self->irq->session.note != 0)
				keep_session(&self->irq->session);
		}
		if (self->result == 0)
			request_reply(&self->request, self->request.header.session, NULL, 0, NULL,
			              0);
		else
			request_refuse(&self->request, 0, &self->fault);
	}
	if (self->request.peer != NULL)
		request_drop(&self->request);
	if (disarm) {
		/* Once more: that needs no memory. */
		self->step = IRQ_STEP_DISABLE;
		strand_submit(&self->irq->device->group->strand, &self->job);
		return;
	}
	irq_release(self->irq);
	free(self);
}

/* Takes a reference to `irq`. Returns false if there is no memory. */
static bool submit(const struct request *request, struct broker *broker, struct irq_session *irq,
                   uint32_t owner, enum irq_step step, bool arm)
{
	struct irq_job *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return false;
	self->job.run = run;
	self->job.done = done;
	self->kernel = broker->host.backend;
	self->irq = irq;
	self->owner = owner;
	self->step = step;
	self->arm = arm;
	irq->references++;
	if (request != NULL)
		request_hold(&self->request, request);
	strand_submit(&irq->device->group->strand, &self->job);
	return true;
}

static void refuse_memory(const struct request *request)
{
	request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a job");
}

void irq_close(struct irq_session *irq, const struct request *request)
{
	struct peer *peer = irq->session.peer;

	/* Without memory for the job the interrupt stays as it is; closing the
	 * device ends it. */
	if (!submit(request, peer->broker, irq, 0, IRQ_STEP_DISABLE, false) && request != NULL) {
		refuse_memory(request);
		return;
	}
	if (irq->device->session != NULL)
		irq->device->session->irq = NULL;
	session_withdraw(&irq->session);
	irq_release(irq);
}

void irq_close_of(struct device_session *owner)
{
	struct irq_session *irq = owner->irq;

	if (irq->session.handle != 0) {
		irq_close(irq, NULL);
		return;
	}
	/* Its job finds nobody waiting. */
	owner->irq = NULL;
	irq_release(irq);
}

/* ---- requests ---- */

static struct device_session *find_number(const struct peer *peer, uint32_t number)
{
	for (uint32_t i = 0; i < peer->sessions.count; i++) {
		struct device_session *owner = (struct device_session *)peer->sessions.items[i];
		if (owner->session.kind == HWB_SESSION_DEVICE &&
		    owner->device->facts.irq_number == number)
			return owner;
	}
	return NULL;
}

/* The device that the request is about, or NULL with the refusal sent. */
static struct device_session *target(const struct request *request,
                                     const struct hwb_irq_request *wanted)
{
	if (request->header.session != 0) {
		if (wanted->number == 0)
			return (struct device_session *)request_session(request,
			                                                HWB_SESSION_DEVICE);
		request_refuse_text(request, HWB_INVALID, REQUEST_FIELD(hwb_irq_request, number),
		                    "a device handle and a number: one of them, please");
		return NULL;
	}
	struct device_session *owner =
	        wanted->number == 0 ? NULL : find_number(request->peer, wanted->number);
	if (owner == NULL)
		request_refuse_text(request, HWB_NOT_FOUND, REQUEST_FIELD(hwb_irq_request, number),
		                    "no device of this connection has interrupt number %u",
		                    wanted->number);
	return owner;
}

/* PCI fixes both: INTx is level and low, messages are edges without polarity. */
static int check_shape(const struct hwb_irq_request *wanted, uint32_t *field, struct fault *fault)
{
	bool level = wanted->type == HWB_IRQ_INTX;

	*field = REQUEST_FIELD(hwb_irq_request, trigger);
	if (wanted->trigger > HWB_TRIGGER_LEVEL)
		return fault_set(fault, HWB_INVALID, "trigger %u does not exist", wanted->trigger);
	if (wanted->trigger == (level ? HWB_TRIGGER_EDGE : HWB_TRIGGER_LEVEL))
		return fault_set(fault, HWB_INVALID,
		                 "PCI INTx is level-triggered, MSI and MSI-X are edge-triggered");
	*field = REQUEST_FIELD(hwb_irq_request, polarity);
	if (wanted->polarity > HWB_POLARITY_LOW)
		return fault_set(fault, HWB_INVALID, "polarity %u does not exist",
		                 wanted->polarity);
	if (level && wanted->polarity == HWB_POLARITY_HIGH)
		return fault_set(fault, HWB_INVALID, "PCI INTx is active low");
	return 0;
}

void serve_irq_open(struct request *request)
{
	const struct hwb_irq_request *wanted = request->body;
	struct peer *peer = request->peer;
	struct device_session *owner = target(request, wanted);
	uint32_t field;
	struct fault fault;

	if (owner == NULL)
		return;
	if (check_shape(wanted, &field, &fault) != 0) {
		request_refuse(request, field, &fault);
		return;
	}
	if (irq_check(peer, owner->device, wanted->type, wanted->count, owner->domain != NULL,
	              &fault) != 0) {
		bool known = wanted->type >= HWB_IRQ_INTX && wanted->type <= HWB_IRQ_MSIX;
		request_refuse(request,
		               known && (fault.status == HWB_INVALID || fault.status == HWB_QUOTA)
		                       ? REQUEST_FIELD(hwb_irq_request, count)
		                       : REQUEST_FIELD(hwb_irq_request, type),
		               &fault);
		return;
	}
	if (owner->irq != NULL) {
		request_refuse_text(request, HWB_BUSY, 0,
		                    "%s has an IRQ session already; close it first",
		                    owner->device->name);
		return;
	}
	owner->irq = irq_prepare(owner->device, wanted->type, wanted->count, &fault);
	if (owner->irq == NULL) {
		request_refuse(request, 0, &fault);
		return;
	}
	if (!submit(request, peer->broker, owner->irq, owner->session.handle, IRQ_STEP_OPEN,
	            (wanted->flags & HWB_IRQ_OPEN_ENABLE) != 0)) {
		irq_release(owner->irq);
		owner->irq = NULL;
		refuse_memory(request);
	}
}

void serve_irq_enable(struct request *request)
{
	struct irq_session *irq = (struct irq_session *)request_session(request, HWB_SESSION_IRQ);

	if (irq == NULL)
		return;
	if (!submit(request, request->peer->broker, irq, 0, IRQ_STEP_ENABLE, true))
		refuse_memory(request);
}

void serve_irq_ack(struct request *request)
{
	struct session *line = session_table_find(&request->peer->sessions, request->header.session,
	                                          HWB_SESSION_LINE);

	if (line != NULL) {
		line_ack(request, (struct line_session *)line);
		return;
	}
	struct irq_session *irq = (struct irq_session *)request_session(request, HWB_SESSION_IRQ);

	if (irq == NULL)
		return;
	/* Through the kernel's own call, not by a write to the unmask eventfd: the
	 * client has that descriptor too and could have filled its counter, and
	 * the write would block. */
	if (irq->type != HWB_IRQ_INTX)
		request_reply(request, request->header.session, NULL, 0, NULL, 0);
	else if (!submit(request, request->peer->broker, irq, 0, IRQ_STEP_UNMASK, false))
		refuse_memory(request);
}

void serve_irq_fds(struct request *request)
{
	const struct hwb_irq_fds *wanted = request->body;
	struct irq_session *irq = (struct irq_session *)request_session(request, HWB_SESSION_IRQ);

	if (irq == NULL)
		return;
	if (wanted->count == 0 || wanted->count > HWB_FDS_MAX || wanted->first >= irq->count ||
	    wanted->count > irq->count - wanted->first) {
		request_refuse_text(request, HWB_INVALID,
		                    wanted->count == 0 || wanted->count > HWB_FDS_MAX
		                            ? REQUEST_FIELD(hwb_irq_fds, count)
		                            : REQUEST_FIELD(hwb_irq_fds, first),
		                    "%u vectors from %u on are not 1 to 64 of this session's %u",
		                    wanted->count, wanted->first, irq->count);
		return;
	}
	request_reply(request, request->header.session, wanted, sizeof(*wanted),
	              irq->fds + wanted->first, wanted->count);
}
