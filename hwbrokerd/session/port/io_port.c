/* SPDX-License-Identifier: MIT */
/* IO_PORT: legacy ports, and I/O BARs by port number, in ordered batches. */
#include "device/operate.h"
#include "kernel/ports.h"
#include "session/acquire/assess.h"
#include "session/bus/platform.h"
#include "session/device_job.h"
#include "session/memory/mediated.h"
#include "session/memory/vga.h"
#include "session/port/port_use.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "session/session.h"
#include "util/cleanup.h"

#include <stddef.h>

enum { PORTS = 0x10000 };

static void tell(enum happening_kind kind, const struct port_session *session)
{
	const struct peer *peer = session->session.peer;

	happened(peer->broker, &(struct happening){ .kind = kind,
	                                            .peer = peer,
	                                            .device = session->device,
	                                            .port = session->base,
	                                            .port_count = session->count });
}

/* Closes those ports from `base` up to `end` that no session has any more. */
static void forbid(const struct broker *broker, uint32_t base, uint32_t end)
{
	while (base < end) {
		bool used;
		uint32_t next = port_use_change(broker, base, end, &used);
		if (!used)
			ports_permit(base, next - base, false, NULL);
		base = next;
	}
}

static void forget(struct port_session *session)
{
	struct peer *peer = session->session.peer;

	port_use_end(peer->broker, session);
	if (session->kept)
		peer->kept_ports--;
	/* Sessions of one owner may overlap: what a session may reach is decided for each
	 * operation, and open to us is what any of them may. */
	if (!session->by_vfio)
		forbid(peer->broker, session->base, session->base + session->count);
	free(session);
}

/* Until a batch that is under way has ended they are nobody else's. */
static void gone(struct batcher *batcher)
{
	forget((struct port_session *)((char *)batcher - offsetof(struct port_session, batcher)));
}

void port_close(struct port_session *session)
{
	/* What was taken is told of already. */
	if (!session->session.taken)
		tell(HAPPENED_PORTS_RELEASED, session);
	session_withdraw(&session->session);
	batcher_close(&session->batcher);
}

void port_take(struct port_session *session)
{
	session->session.taken = true;
	if (!session->session.peer->has_ports) {
		port_close(session);
		return;
	}
	session_withdraw(&session->session);
	batcher_cut(&session->batcher);
	session->kept = true;
	session->session.peer->kept_ports++;
}

void port_forget(const struct peer *peer)
{
	struct port_session *next;

	for (struct port_session *session = peer->broker->port_sessions;
	     session != NULL && peer->kept_ports != 0; session = next) {
		next = session->next;
		if (session->kept && session->session.peer == peer)
			batcher_close(&session->batcher);
	}
}

/* Whether the policy gives the client these legacy ports. */
static int may(const struct peer *peer, uint32_t base, uint32_t count, struct fault *fault)
{
	struct asker asker = asker_of(peer);
	struct policy_verdict verdict;

	return assess_ports(&asker, base, count, &verdict, fault);
}

bool port_still_given(const struct port_session *session)
{
	return (session->device != NULL && !session->vga) ||
	       may(session->session.peer, session->base, session->count, NULL) == 0;
}

/* The session, and the answer. `vga`: they are in no BAR of the device. */
static void publish(const struct request *request, struct device *device, bool vga, uint32_t base,
                    uint32_t count)
{
	struct peer *peer = request->peer;
	struct broker *broker = peer->broker;
	_cleanup_free_ struct port_session *session = calloc(1, sizeof(*session));
	struct asker asker = asker_of(peer);
	struct fault fault;

	if (session == NULL) {
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a session");
		return;
	}
	session->session.kind = HWB_SESSION_IO_PORT;
	session->device = device;
	session->base = base;
	session->count = count;
	if (assess_ports_free(&asker, base, count, &fault) != 0) {
		request_refuse(request, REQUEST_FIELD(hwb_io_port_request, base), &fault);
		return;
	}
	if (session_publish(peer, &session->session, &fault) != 0) {
		request_refuse(request, 0, &fault);
		return;
	}
	session->vga = vga;
	session->by_vfio = vga || (device != NULL && device->way != WAY_SPLIT);
	if (!session->by_vfio && ports_permit(base, count, true, &fault) != 0) {
		session_withdraw(&session->session);
		request_refuse(request, 0, &fault);
		return;
	}
	if (port_use_begin(broker, session) != 0) {
		if (!session->by_vfio)
			ports_permit(base, count, false, NULL);
		session_withdraw(&session->session);
		request_refuse_text(request, HWB_NO_MEMORY, 0, "no memory for a session");
		return;
	}
	port_serve_batches(session);
	keep_session(&session->session);
	request_reply(request, session->session.handle, NULL, 0, NULL, 0);
	tell(HAPPENED_PORTS_GRANTED, session);
	steal_pointer(&session);
}

/* Whether this host has any to give; refuses the request if not. */
static bool may_have_ports(struct request *request)
{
	struct fault fault;

	if (assess_ports_of_host(request->peer->broker, &fault) == 0)
		return true;
	request_refuse(request, 0, &fault);
	return false;
}

/* ---- a device's I/O BAR, by port number ---- */

struct port_job {
	struct device_job base;
	struct hwb_io_port_request range;
	bool vga;    /* in no BAR of the device: memory/vga.h */
	bool no_vga; /* but it cannot be: the ports themselves */
};

/* The BAR answers only while the device is open. */
static void run(struct job *job)
{
	struct port_job *self = (struct port_job *)job;
	struct device_job *base = &self->base;

	device_job_open(base);
	if (base->result == 0 && self->vga)
		self->no_vga = operate_vga(base->kernel, base->device, NULL) != 0;
}

static void done(struct job *job)
{
	struct port_job *self = (struct port_job *)job;
	struct device_job *base = &self->base;
	const struct hwb_io_port_request *range = &self->range;

	if (device_job_held(base) && self->vga)
		base->result = may(base->request.peer, range->base, range->count, &base->fault);
	if (base->result != 0)
		request_refuse(&base->request, 0, &base->fault);
	else if (!self->no_vga)
		publish(&base->request, base->device, self->vga, range->base, range->count);
	else if (may_have_ports(&base->request))
		publish(&base->request, NULL, false, range->base, range->count);
	device_job_end(base);
}

static struct device_session *find_bar(const struct peer *peer, uint32_t base, uint32_t count)
{
	for (uint32_t i = 0; i < peer->sessions.count; i++) {
		struct device_session *owner = (struct device_session *)peer->sessions.items[i];
		if (owner->session.kind != HWB_SESSION_DEVICE)
			continue;
		for (uint32_t bar = 0; bar < HWB_BARS; bar++) {
			const struct hwb_bar *facts = &owner->device->facts.bars[bar];
			if ((facts->flags & HWB_BAR_IO) != 0 && base >= facts->address &&
			    base + count <= facts->address + facts->size)
				return owner;
		}
	}
	return NULL;
}

static void open_at(struct request *request, struct device_session *owner, bool vga,
                    const struct hwb_io_port_request *range)
{
	struct port_job *self = device_job_new(request, sizeof(*self));

	if (self == NULL)
		return;
	self->range = *range;
	self->vga = vga;
	device_job_start(&self->base, request, owner, run, done, false);
}

void serve_io_port_open(struct request *request)
{
	const struct hwb_io_port_request *range = request->body;
	struct peer *peer = request->peer;
	struct fault fault;

	if (range->count == 0 || range->base >= PORTS || range->count > PORTS - range->base) {
		request_refuse_text(
		        request, HWB_INVALID,
		        range->base >= PORTS ? REQUEST_FIELD(hwb_io_port_request, base)
		                             : REQUEST_FIELD(hwb_io_port_request, count),
		        "%u ports from 0x%x are not within 0x0-0xffff", range->count, range->base);
		return;
	}
	struct device_session *owner = find_bar(peer, range->base, range->count);
	struct device_session *card =
	        owner == NULL && vga_has_ports(range->base, range->count) ? vga_owner(peer) : NULL;
	/* What goes through VFIO needs no ports of ours. */
	if (card == NULL && (owner == NULL || owner->device->way == WAY_SPLIT) &&
	    !may_have_ports(request))
		return;
	if (owner != NULL)
		open_at(request, owner, false, range);
	else if (may(peer, range->base, range->count, &fault) != 0)
		request_refuse(request, REQUEST_FIELD(hwb_io_port_request, base), &fault);
	else if (card != NULL)
		open_at(request, card, true, range);
	else
		publish(request, NULL, false, range->base, range->count);
}

/* ---- what the policy gives ---- */

void serve_io_port_list(struct request *request)
{
	enum {
		ROOM = (HWB_MESSAGE_MAX - sizeof(struct hwb_header) -
		        sizeof(struct hwb_list_reply)) /
		       sizeof(struct hwb_port_range)
	};
	const struct hwb_list_request *list = request->body;
	const struct peer *peer = request->peer;
	struct {
		struct hwb_list_reply head;
		struct hwb_port_range ranges[ROOM];
	} reply = { .head.record_size = sizeof(struct hwb_port_range) };
	uint32_t port = list->cursor < PORTS ? (uint32_t)list->cursor : PORTS;
	uint32_t first, last;

	if (!may_have_ports(request))
		return;
	request->peer->has_ports = true;
	while (policy_ports_from(peer->broker->policy, peer->client, port, &first, &last)) {
		if (reply.head.count == ROOM) {
			reply.head.next = first;
			break;
		}
		reply.ranges[reply.head.count++] =
		        (struct hwb_port_range){ first, last - first + 1 };
		port = last + 1;
	}
	request_reply(request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(struct hwb_port_range), NULL,
	              0);
}

/* ---- batches ---- */

static int read_port(const struct batch_window *window, uint64_t place, uint32_t width,
                     uint64_t *value, struct fault *fault)
{
	(void)window;
	(void)fault;
	*value = ports_in((uint16_t)place, width);
	return 0;
}

static int write_port(const struct batch_window *window, uint64_t place, uint32_t width,
                      uint64_t value, struct fault *fault)
{
	(void)window;
	(void)fault;
	ports_out((uint16_t)place, width, (uint32_t)value);
	return 0;
}

/* The worker's own permission, which it has no longer than it needs it. */
static int enter(const struct batch_window *window, struct fault *fault)
{
	return ports_permit((uint32_t)window->base, (uint32_t)window->size, true, fault);
}

static void leave(const struct batch_window *window)
{
	ports_permit((uint32_t)window->base, (uint32_t)window->size, false, NULL);
}

void port_serve_batches(struct port_session *session)
{
	session->batcher.window = (struct batch_window){
		.base = session->base,
		.size = session->count,
		.widest = 4,
		.read = read_port,
		.write = write_port,
	};
	session->batcher.form = BATCH_PORTS;
	session->batcher.gone = gone;
	if (session->vga) {
		session->batcher.window =
		        vga_ports_window(&session->reach, session->session.peer, session->device,
		                         session->base, session->count);
	} else if (session->by_vfio) {
		session->batcher.window =
		        mediated_ports(&session->reach, session->session.peer, session->device,
		                       session->base, session->count);
	} else {
		session->batcher.prompt = true;
		session->batcher.enter = enter;
		session->batcher.leave = leave;
	}
	batcher_start(&session->batcher, session->session.peer);
}

void serve_io_port_batch(struct request *request)
{
	const struct hwb_port_batch *batch = request->body;
	struct session *session = request_session(request, HWB_SESSION_IO_PORT);

	if (session != NULL)
		batcher_serve(&((struct port_session *)session)->batcher, request, batch->count,
		              batch + 1);
}
