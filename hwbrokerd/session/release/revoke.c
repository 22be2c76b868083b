/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* eventfd_read */
#include "session/release/revoke.h"

#include "session/bus/platform.h"
#include "session/irq/line.h"
#include "session/memory/memory.h"
#include "session/restart/keep.h"
#include "util/log.h"

#include <sys/eventfd.h>

#define LOOK_SECONDS 1.0

/* ---- by force ---- */

/* Marks the session itself and all that hang on its device. */
static void mark_taken(struct device_session *owner)
{
	const struct session_table *table = &owner->session.peer->sessions;
	const struct device *device = owner->device;

	owner->session.taken = true;
	if (owner->irq != NULL)
		owner->irq->session.taken = true;
	for (uint32_t i = 0; i < table->count; i++) {
		struct session *session = table->items[i];
		if (session_hangs_on(session, device))
			session->taken = true;
	}
}

void revoke_take(struct device_session *session, enum hwb_device_change how, enum hwb_status status,
                 const char *why)
{
	const struct peer *peer = session->session.peer;

	happened(peer->broker, &(struct happening){ .kind = HAPPENED_REVOKED,
	                                            .peer = peer,
	                                            .device = session->device,
	                                            .rule = session->rule,
	                                            .status = status,
	                                            .reason = why });
	mark_taken(session);
	session->ending = how;
	device_session_close(session);
}

/* ---- asking ---- */

static const char host_wants_it[] = "the host unplugs it, or unbinds it from vfio-pci";

static bool still_given(const struct device_session *session)
{
	const struct peer *peer = session->session.peer;

	return platform_find(peer, &session->device->facts.address, NULL, NULL) != NULL &&
	       (session->domain == NULL ||
	        platform_may(peer, session->device, POLICY_DMA, NULL) == 0);
}

static void on_grace_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct device_session *session = timer->data;
	(void)loop;
	(void)revents;

	/* The policy may have changed its mind. */
	if (session->asked == REVOKE_ASKED_BY_POLICY && still_given(session)) {
		session->asked = REVOKE_NOT_ASKED;
		keep_session(&session->session);
		return;
	}
	revoke_take(session, HWB_CHANGE_REVOKED, HWB_DENIED, "it was not given back in time");
}

static void ask(struct device_session *session, enum revoke_asked by, const char *why)
{
	struct device *device = session->device;
	struct peer *peer = session->session.peer;

	if (session->asked != REVOKE_NOT_ASKED) {
		/* Only the policy changes its mind. */
		if (by == REVOKE_ASKED && session->asked != by) {
			session->asked = by;
			keep_session(&session->session);
		}
		return;
	}
	session->asked = by;
	happened(peer->broker, &(struct happening){ .kind = HAPPENED_ASKED_BACK,
	                                            .peer = peer,
	                                            .device = device,
	                                            .rule = session->rule,
	                                            .reason = why });
	peer_event(peer, &device->facts.address, session->session.handle, HWB_CHANGE_ASKED_BACK,
	           device->grace * 1000);
	ev_timer_set(&session->grace, device->grace, 0.0);
	ev_timer_start(peer->broker->loop, &session->grace);
	keep_session(&session->session);
}

void revoke_resume(struct device_session *session, enum revoke_asked by, double seconds)
{
	if (by == REVOKE_NOT_ASKED)
		return;
	session->asked = by;
	/* No longer than it would have had, whatever the note says. */
	if (!(seconds > 0.0))
		seconds = 0.0;
	else if (seconds > session->device->grace)
		seconds = session->device->grace;
	ev_timer_set(&session->grace, seconds, 0.0);
	ev_timer_start(session->session.peer->broker->loop, &session->grace);
}

void revoke_ask(struct device_session *session, const char *why)
{
	ask(session, REVOKE_ASKED, why);
}

void revoke_at_once(struct device_session *session, const char *why)
{
	revoke_take(session, HWB_CHANGE_REVOKED, HWB_DENIED, why);
}

/* There is nothing to bring to rest: without asking. */
static void take_ports(struct broker *broker)
{
	struct port_session *next;

	for (struct port_session *session = broker->port_sessions; session != NULL;
	     session = next) {
		const struct peer *peer = session->session.peer;
		next = session->next;
		/* A batch of one that was closed may still be under way. */
		if (session->kept || session->batcher.closed || port_still_given(session))
			continue;
		happened(broker, &(struct happening){ .kind = HAPPENED_REVOKED,
		                                      .peer = peer,
		                                      .port = session->base,
		                                      .port_count = session->count,
		                                      .status = HWB_DENIED,
		                                      .reason = "the policy gives them no more" });
		port_take(session);
	}
}

static void take_lines(struct broker *broker)
{
	struct line_session *next;

	for (struct line_session *line = broker->line_sessions; line != NULL; line = next) {
		next = line->next;
		if (!line_still_given(line))
			line_take(line, HWB_DENIED, "the policy gives it no more");
	}
}

void revoke_by_policy(struct broker *broker)
{
	take_ports(broker);
	take_lines(broker);
	memory_take_back(broker);
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device_session *session = broker->inventory.devices[i]->session;
		if (session != NULL && !still_given(session))
			ask(session, REVOKE_ASKED_BY_POLICY, "the policy gives it no more");
	}
}

/* Without memory the kernel does not say any more what it would by this watcher. */
static bool is_deaf(struct device_session *session, int revents)
{
	if ((revents & EV_ERROR) == 0)
		return false;
	ask(session, REVOKE_ASKED, "the host could not ask for it any more");
	return true;
}

static void on_wanted(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct device_session *session = watcher->data;
	eventfd_t count;
	(void)loop;

	if (is_deaf(session, revents))
		return;
	/* It is signalled again and again, until the device is closed. */
	eventfd_read(watcher->fd, &count);
	session->release.let_go = true;
	ask(session, REVOKE_ASKED, host_wants_it);
}

/* Who has VFIO's descriptor may have told it to say nothing. A driver that is to let go of a device
 * is none of it any more in sysfs before it begins to wait for that. */
static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct device_session *session = timer->data;
	char driver[HWB_NAME_SIZE];
	(void)revents;

	bind_driver(&session->device->facts.address, driver);
	if (driver[0] != '\0')
		return;
	ev_timer_stop(loop, timer);
	session->release.let_go = true;
	ask(session, REVOKE_ASKED, host_wants_it);
}

static void on_failed(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct device_session *session = watcher->data;
	(void)loop;

	if (is_deaf(session, revents))
		return;
	revoke_take(session, HWB_CHANGE_REVOKED, HWB_HOST_ERROR,
	            "its PCIe port reports an error that cannot be corrected, and it is reset");
}

void revoke_watch(struct device_session *session)
{
	session->since = ev_now(session->session.peer->broker->loop);
	ev_init(&session->grace, on_grace_over);
	ev_io_init(&session->wanted, on_wanted, session->device->wanted_fd, EV_READ);
	ev_io_init(&session->failed, on_failed, session->device->failed_fd, EV_READ);
	ev_timer_init(&session->look, on_look, LOOK_SECONDS, LOOK_SECONDS);
	session->look.data = session;
	if (session->device->way == WAY_DEVICE)
		ev_timer_start(session->session.peer->broker->loop, &session->look);
	session->grace.data = session;
	session->wanted.data = session;
	session->failed.data = session;
	ev_io_start(session->session.peer->broker->loop, &session->wanted);
	ev_io_start(session->session.peer->broker->loop, &session->failed);
}

void revoke_unwatch(struct device_session *session)
{
	struct ev_loop *loop = session->session.peer->broker->loop;

	ev_io_stop(loop, &session->wanted);
	ev_io_stop(loop, &session->failed);
	ev_timer_stop(loop, &session->grace);
	ev_timer_stop(loop, &session->look);
}
