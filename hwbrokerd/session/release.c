/* SPDX-License-Identifier: MIT */
/* The way of a device back to rest, and to its host driver. */
#include "session/release.h"

#include "session/revoke.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void release_wait(struct device *device, struct waiter *waiter)
{
	struct waiter **end = &device->waiters;

	while (*end != NULL)
		end = &(*end)->next;
	waiter->next = NULL;
	*end = waiter;
}

void release_wake(struct device *device)
{
	struct waiter *waiter = device->waiters;

	device->waiters = NULL;
	while (waiter != NULL) {
		struct waiter *next = waiter->next;
		waiter->wake(waiter);
		waiter = next;
	}
}

static struct device_session *session_of(struct job *job)
{
	return (struct device_session *)((char *)job - offsetof(struct device_session, release));
}

/* Whether one of those that were to go back did not come to rest in the meantime; one
 * that left the bus is in nobody's way. */
static bool any_unfit(const struct release_job *release)
{
	for (uint32_t i = 0; i < release->restore_count; i++)
		if (release->restore[i]->unit.unfit && !release->restore[i]->unit.gone)
			return true;
	return false;
}

static void run_release(struct job *job)
{
	struct device_session *self = session_of(job);
	struct release_job *release = &self->release;
	struct fault fault;

	release->result = operate_close(self->session.peer->broker->host.backend, self->device,
	                                &release->fault);
	if ((release->result != 0 && !self->device->unit.gone) || any_unfit(release))
		return;
	for (uint32_t i = 0; i < release->restore_count; i++) {
		if (release->restore[i]->unit.gone)
			continue;
		if (operate_restore(release->restore[i], &fault) == 0)
			release->restored |= 1ull << i;
		else
			log_warning("%s: cannot give it back to its host driver: %s",
			            release->restore[i]->name, fault.reason);
	}
}

/* Whether this device is with its host driver again; of the others that are, the
 * state follows. */
static bool restored(const struct device_session *self)
{
	bool own = false;

	for (uint32_t i = 0; i < self->release.restore_count; i++) {
		struct device *device = self->release.restore[i];
		if ((self->release.restored >> i & 1) == 0)
			continue;
		if (device == self->device)
			own = true;
		else if (device->state == LIFE_FREE)
			lifecycle_step(&device->state, LIFE_DID_RESTORE, device->name);
	}
	return own;
}

static void done_release(struct job *job)
{
	struct device_session *self = session_of(job);
	struct device *device = self->device;
	struct peer *peer = self->session.peer;
	struct broker *broker = peer->broker;
	bool rest = self->release.result == 0;
	bool back = restored(self);

	/* Seen here first: the list follows. */
	if (!rest && self->release.fault.status == HWB_GONE)
		device->left = true;
	if (device->left) {
		self->ending = HWB_CHANGE_REMOVED;
	} else if (rest) {
		lifecycle_step(&device->state, LIFE_DID_RESET, device->name);
		lifecycle_step(&device->state, back ? LIFE_DID_RESTORE : LIFE_DID_FREE,
		               device->name);
		log_info("%s: released by `%s', %s", device->name, peer->name,
		         lifecycle_state_name(device->state));
	} else {
		release_quarantine(device, &self->release.fault);
		self->ending = HWB_CHANGE_QUARANTINED;
	}
	release_disown(device);
	if (self->domain != NULL)
		domain_leave(self->domain);
	if (self->session.handle != 0)
		peer_event(peer, &device->facts.address, self->session.handle, self->ending, 0);
	free(self);
	peer_release(peer);
	broker->busy_devices--;
	if (device->left)
		release_gone(device);
	else
		release_wake(device);
}

void release_disown(struct device *device)
{
	device->owner = NULL;
	device->wanted_fd = close_fd(device->wanted_fd);
}

void release_gone(struct device *device)
{
	lifecycle_step(&device->state, LIFE_REMOVED, device->name);
	device->unit = (struct unit){ 0 };
	device->note[0] = '\0';
	device->left = false;
	release_wake(device);
}

void release_quarantine(struct device *device, const struct fault *fault)
{
	lifecycle_step(&device->state, LIFE_RESET_FAILED, device->name);
	snprintf(device->note, sizeof(device->note), "%.127s", fault->reason);
	log_error("%s: could not be brought to rest and is quarantined: %s", device->name,
	          fault->reason);
}

/* The functions that go back to their host drivers with this one, if it is the
 * last: those that are on their way to rest already are there before it. */
static void list_restore(const struct broker *broker, struct device_session *self)
{
	struct release_job *release = &self->release;

	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *mate = broker->inventory.devices[i];
		if (mate->group != self->device->group)
			continue;
		if (mate->state == LIFE_QUARANTINED || mate->state == LIFE_GRANTED ||
		    mate->state == LIFE_CLAIMING) {
			/* What shares the group with these stays with us. */
			release->restore_count = 0;
			return;
		}
		if (mate->restore && release->restore_count < OPERATE_GROUP_MAX)
			release->restore[release->restore_count++] = mate;
	}
}

void release_start(struct device_session *session)
{
	struct device *device = session->device;
	struct peer *peer = session->session.peer;
	struct broker *broker = peer->broker;

	revoke_unwatch(session);
	device->session = NULL;
	lifecycle_step(&device->state, LIFE_RELEASE, device->name);
	list_restore(broker, session);
	/* Cutting off registers that the client still holds is to come between
	 * these two; the job does the rest in the order that lifecycle.h draws. */
	lifecycle_step(&device->state, LIFE_DID_CUT, device->name);
	session->release.job.run = run_release;
	session->release.job.done = done_release;
	peer_reference(peer);
	broker->busy_devices++;
	strand_submit(&device->group->strand, &session->release.job);
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
			session_close(session, NULL);
	}
}

void device_session_close(struct device_session *session)
{
	close_children(session->session.peer, session->device);
	if (session->irq != NULL)
		irq_close_of(session);
	if (session->session.handle != 0)
		session_withdraw(&session->session);
	release_start(session);
}
