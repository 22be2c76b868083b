/* SPDX-License-Identifier: MIT */
/* The way of a device back to rest, and to its host driver. */
#include "session/release.h"

#include "device/operate.h"
#include "util/log.h"

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
	release_wake(device);
}

bool release_group_in_use(const struct broker *broker, const struct device *device,
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

void release_start(struct broker *broker, struct peer *peer, struct device *device,
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
	if (!release_group_in_use(broker, device, NULL))
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
	release_start(peer->broker, peer, device, domain, handle);
}
