/* SPDX-License-Identifier: MIT */
#include "session/restart/keep.h"

#include "resume/note.h"
#include "resume/store.h"
#include "server/whence.h"
#include "session/restart/keep_device.h"
#include "session/restart/keep_line.h"
#include "session/restart/kept.h"
#include "util/log.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A connection's note has room for so many handles more, before it is written anew. */
enum { HANDLES = 256 };

/* ---- notes ---- */

static void note_peer(struct peer *peer)
{
	struct kept_peer body = { .id = peer->id,
		                  .requests = peer->requests,
		                  .monitors = peer->monitors };

	peer->handles = peer->sessions.last_handle + HANDLES;
	body.handles = peer->handles < HANDLES ? UINT32_MAX : peer->handles;
	memcpy(body.name, peer->name, sizeof(body.name));
	peer->note = note_put(peer->note, NOTE_PEER, kept_id(peer->id, 0), &body, sizeof(body));
	peer_note_live(peer);
}

void keep_peer_changed(struct peer *peer)
{
	if (peer->note != 0)
		note_peer(peer);
}

/* A record of that session, which ends with the connection's if there is no room. */
static void put(struct session *session, enum note_kind kind, const void *body, size_t size)
{
	struct peer *peer = session->peer;

	session->note =
	        note_put(session->note, kind, kept_id(peer->id, session->handle), body, size);
	if (session->note == 0 && !session->unnoted) {
		session->unnoted = true;
		peer->unkept++;
	}
}

static void note_device(struct device_session *self)
{
	const struct device *device = self->device;
	struct kept_device body = {
		.peer = self->session.peer->id,
		.handle = self->session.handle,
		.domain = self->domain != NULL ? self->domain->session.handle : 0,
		.grace = device->grace,
		.address = device->facts.address,
		.instance = device->instance,
		.restore = device->restore,
		.end = device->end,
		.way = device->way,
		.asked = self->asked,
	};

	if (self->asked != REVOKE_NOT_ASKED)
		body.asked_end = whence_now() +
		                 ev_timer_remaining(self->session.peer->broker->loop, &self->grace);
	memcpy(body.reset, device->reset, sizeof(body.reset));
	put(&self->session, NOTE_DEVICE, &body, sizeof(body));
}

static void note_region(struct region_session *self)
{
	struct kept_region body = {
		.peer = self->session.peer->id,
		.bar = self->device != NULL ? self->bar : KEPT_NO_BAR,
		.region = self->region,
	};

	if (self->device != NULL)
		body.address = self->device->facts.address;

	put(&self->session, NOTE_REGION, &body, sizeof(body));
}

static void note_ports(struct port_session *self)
{
	struct kept_ports body = {
		.peer = self->session.peer->id,
		.handle = self->session.handle,
		.base = self->base,
		.count = self->count,
		.of_device = self->vga              ? KEPT_OF_VGA
		             : self->device != NULL ? KEPT_OF_BAR
		                                    : KEPT_OF_NONE,
	};

	if (self->device != NULL)
		body.address = self->device->facts.address;
	put(&self->session, NOTE_PORTS, &body, sizeof(body));
}

static void note_irq(struct irq_session *self)
{
	const struct kept_irq body = {
		.peer = self->session.peer->id,
		.handle = self->session.handle,
		.address = self->device->facts.address,
		.id = self->id,
		.type = self->type,
		.count = self->count,
		.enabled = self->enabled,
	};

	put(&self->session, NOTE_IRQ, &body, sizeof(body));
}

static void note_domain(struct domain *self)
{
	const struct kernel_backend *kernel = self->broker->host.backend;
	const struct kept_domain body = {
		.peer = self->session.peer->id,
		.handle = self->session.handle,
		.id = kernel->fleeting ? 0 : kernel->domain_id(self->kernel),
	};

	put(&self->session, NOTE_DOMAIN, &body, sizeof(body));
}

static void note_line(struct line_session *self)
{
	struct kept_line body = {
		.peer = self->session.peer->id,
		.handle = self->session.handle,
		.number = self->number,
		.rate = self->rate,
		.id = self->id,
	};

	memcpy(body.uio, self->uio, sizeof(body.uio));
	put(&self->session, NOTE_LINE, &body, sizeof(body));
	keep_line_soon(self);
}

static void note_taken(struct session *self)
{
	const struct kept_taken body = { .peer = self->peer->id, .handle = self->handle };

	put(self, NOTE_TAKEN, &body, sizeof(body));
}

void keep_session(struct session *session)
{
	struct peer *peer = session->peer;

	if (!note_works() || session->handle == 0)
		return;
	if (session->kind == SESSION_TAKEN)
		note_taken(session);
	switch (session->kind) {
	case HWB_SESSION_DEVICE:
		note_device((struct device_session *)session);
		break;
	case HWB_SESSION_IO_MEM:
		note_region((struct region_session *)session);
		break;
	case HWB_SESSION_IO_PORT:
		note_ports((struct port_session *)session);
		break;
	case HWB_SESSION_IRQ:
		note_irq((struct irq_session *)session);
		break;
	case HWB_SESSION_DOMAIN:
		note_domain((struct domain *)session);
		break;
	case HWB_SESSION_LINE:
		note_line((struct line_session *)session);
		break;
	}
	if (session->kind == HWB_SESSION_IRQ && !((struct irq_session *)session)->unkept &&
	    !((struct irq_session *)session)->kept) {
		((struct irq_session *)session)->unkept = true;
		peer->unkept++;
		peer->dirty = true;
	}
	if (peer->note != 0 && peer->sessions.last_handle > peer->handles)
		note_peer(peer);
	peer_note_live(peer);
	broker_keep_soon(peer->broker);
}

static uint32_t irq_fd_count(const struct irq_session *irq)
{
	return irq->count + (irq->unmask_fd >= 0 ? 1 : 0);
}

static void name_irq(const struct irq_session *irq, uint32_t at, char name[STORE_NAME])
{
	keep_name_irq(irq->id, at < irq->count ? at : KEEP_UNMASK, name, STORE_NAME);
}

static void forget_irq(struct irq_session *irq)
{
	char name[STORE_NAME];

	for (uint32_t i = 0; i < irq->put; i++) {
		name_irq(irq, i, name);
		store_drop_of(&irq->session.peer->account->share, name, false);
	}
	irq->put = 0;
	if (irq->unkept)
		irq->session.peer->unkept--;
	irq->unkept = false;
	irq->kept = false;
}

static void forget_mappings(struct domain *domain)
{
	const struct sorted *entries = &domain->ledger.entries;
	struct sorted_place place = sorted_from(entries, 0);
	struct ledger_entry *entry;

	for (; (entry = sorted_at(entries, place)) != NULL; place = sorted_next(entries, place)) {
		note_drop(entry->note);
		entry->note = 0;
	}
}

void keep_forget(struct session *session)
{
	if (!note_works())
		return;
	note_drop(session->note);
	session->note = 0;
	if (session->unnoted)
		session->peer->unkept--;
	session->unnoted = false;
	if (session->kind == HWB_SESSION_DEVICE)
		keep_device_forget((struct device_session *)session);
	if (session->kind == HWB_SESSION_IRQ)
		forget_irq((struct irq_session *)session);
	if (session->kind == HWB_SESSION_LINE)
		keep_line_forget((struct line_session *)session);
	if (session->kind == HWB_SESSION_DOMAIN)
		forget_mappings((struct domain *)session);
	peer_note_live(session->peer);
}

void keep_mapping(struct domain *domain, const struct kernel_mapping *mapping)
{
	struct peer *peer = domain->session.peer;
	const struct kept_mapping body = {
		.peer = peer->id,
		.domain = domain->session.handle,
		.id = mapping->id,
		.flags = (mapping->device_reads ? KEPT_READS : 0u) |
		         (mapping->device_writes ? KEPT_WRITES : 0u) |
		         (mapping->ours ? KEPT_OURS : 0u),
		.offset = mapping->offset,
		.iova = mapping->iova,
		.size = mapping->size,
	};
	uint32_t *note = note_works() ? ledger_note(&domain->ledger, mapping->iova) : NULL;

	if (note == NULL || domain->closed || domain->broker->host.backend->fleeting)
		return;
	*note = note_put(0, NOTE_MAPPING, mapping->id, &body, sizeof(body));
	/* One that is not noted is not taken up, so neither is its domain's owner. */
	if (*note == 0 && !domain->session.unnoted) {
		domain->session.unnoted = true;
		peer->unkept++;
		peer_note_live(peer);
	}
	domain->unkept = true;
	peer->dirty = true;
	broker_keep_soon(domain->broker);
}

void keep_unmapped(struct domain *domain, uint64_t iova)
{
	uint32_t *note = note_works() ? ledger_note(&domain->ledger, iova) : NULL;

	if (note != NULL) {
		note_drop(*note);
		*note = 0;
	}
}

/* ---- descriptors ---- */

void keep_name_irq(uint32_t id, uint32_t vector, char *name, size_t size)
{
	if (vector == KEEP_UNMASK)
		snprintf(name, size, "i%" PRIu32 ".u", id);
	else if (vector == KEEP_UIO)
		snprintf(name, size, "i%" PRIu32 ".d", id);
	else
		snprintf(name, size, "i%" PRIu32 ".%" PRIu32, id, vector);
}

static void run_keep(struct job *job)
{
	const struct domain *domain =
	        (struct domain *)((char *)job - offsetof(struct domain, keep_job));

	domain->broker->host.backend->keep(domain->kernel, &domain->account->share);
}

static void done_keep(struct job *job)
{
	struct domain *domain = (struct domain *)((char *)job - offsetof(struct domain, keep_job));

	domain->keeping = false;
	domain->broker->busy_devices--;
}

/* On its strand: a mapping may be under way. */
static bool keep_domain(struct domain *domain)
{
	if (domain->keeping)
		return false;
	domain->unkept = false;
	domain->keeping = true;
	domain->keep_job = (struct job){ .run = run_keep, .done = done_keep };
	domain->broker->busy_devices++;
	strand_submit(&domain->strand, &domain->keep_job);
	return true;
}

static bool keep_irq(struct irq_session *irq)
{
	struct store_share *share = &irq->session.peer->account->share;
	char name[STORE_NAME];

	/* Its connection ends with this process, then; there is nothing to wait for. */
	if (irq->put == 0 && !store_has_room(share, irq_fd_count(irq)))
		return true;
	while (irq->put < irq_fd_count(irq)) {
		name_irq(irq, irq->put, name);
		if (!store_put_of(share, name,
		                  irq->put < irq->count ? irq->fds[irq->put] : irq->unmask_fd,
		                  false))
			return false;
		irq->put++;
	}
	irq->kept = true;
	irq->unkept = false;
	irq->session.peer->unkept--;
	return true;
}

/* False: something is left to do. */
static bool keep_sessions(struct peer *peer)
{
	bool all = true, later = false;

	for (uint32_t i = 0; i < peer->sessions.count && all; i++) {
		struct session *session = peer->sessions.items[i];
		struct device_session *owner = (struct device_session *)session;
		if (session->kind == HWB_SESSION_DEVICE && owner->unkept && !owner->full) {
			keep_device(owner);
			/* Whether it is kept is seen the next time. */
			later = true;
		} else if (session->kind == HWB_SESSION_IRQ &&
		           ((struct irq_session *)session)->unkept)
			all = keep_irq((struct irq_session *)session);
		else if (session->kind == HWB_SESSION_DOMAIN && ((struct domain *)session)->unkept)
			all = keep_domain((struct domain *)session);
		else if (session->kind == HWB_SESSION_LINE &&
		         ((struct line_session *)session)->unkept)
			all = keep_line((struct line_session *)session);
	}
	peer->dirty = !all || later;
	return all;
}

static bool keep_peer(struct peer *peer)
{
	char name[STORE_NAME];

	if (!peer->greeted || peer->account == NULL)
		return true;
	if (!peer->kept) {
		snprintf(name, sizeof(name), "p%" PRIu32, peer->id);
		peer->kept = store_put(name, peer->fd, false);
		if (!peer->kept)
			return false;
	}
	if (peer->note == 0)
		note_peer(peer);
	if (peer->dirty && !keep_sessions(peer))
		return false;
	peer_note_live(peer);
	return true;
}

/* What is only not kept yet does not count. */
uint32_t keep_lost(const struct broker *broker)
{
	uint32_t lost = 0, count, max;

	store_use(&count, &max);
	for (const struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		if (peer->greeted && peer->account != NULL)
			lost += (!peer->kept && count >= max) ||
			        (peer->unkept != 0 && !peer->dirty);
	return lost;
}

static bool keep_all(struct broker *broker)
{
	bool all = store_flush();

	/* Of one that has too much the others are kept all the same. */
	for (struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		all = keep_peer(peer) && all;
	return all;
}

static void on_keep(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct broker *broker = timer->data;
	(void)loop;
	(void)revents;

	uint32_t before, after, max;
	store_use(&before, &max);
	bool all = keep_all(broker);
	store_use(&after, &max);
	/* Only who takes nothing at all is asked less and less often: the manager's queue may be
	 * shorter than what there is for it. */
	if (all || after != before)
		broker->keep_wait = KEEP_SECONDS;
	else if (broker->keep_wait < KEEP_SECONDS_MAX / 2.0)
		broker->keep_wait *= 2.0;
	else
		broker->keep_wait = KEEP_SECONDS_MAX;
	if (all)
		return;
	ev_timer_set(&broker->keep, broker->keep_wait, 0.0);
	ev_timer_start(broker->loop, &broker->keep);
}

void keep_start(struct broker *broker)
{
	ev_timer_init(&broker->keep, on_keep, KEEP_SECONDS, 0.0);
	broker->keep.data = broker;
	broker->keep_wait = KEEP_SECONDS;
}

void keep_stop(struct broker *broker)
{
	ev_timer_stop(broker->loop, &broker->keep);
}

/* ---- leaving ---- */

void keep_leave(struct broker *broker)
{
	broker->leaving = true;
	for (struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		peer_update(peer);
}

bool keep_is_ready(struct broker *broker)
{
	for (const struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		if (!peer_is_idle(peer))
			return false;
	return keep_all(broker) && broker->busy_devices == 0 && !broker->reloading;
}
