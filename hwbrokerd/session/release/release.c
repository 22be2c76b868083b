/* SPDX-License-Identifier: MIT */
/* The way of a device back to rest, and to its host driver. */
#include "session/release/release.h"

#include "session/bus/platform.h"
#include "session/bus/virtual.h"
#include "session/release/held.h"
#include "session/release/job.h"
#include "session/release/revoke.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

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

/* Those that went back with this one, or did not. */
static void note_restored(const struct device_session *self)
{
	for (uint32_t i = 0; i < self->release.restore_count; i++) {
		struct device *device = self->release.restore[i];
		device->tried = device->tried || self->release.tried;
		if ((self->release.restored >> i & 1) != 0 && device != self->device &&
		    device->state == LIFE_FREE)
			lifecycle_step(&device->state, LIFE_DID_RESTORE, device->name);
	}
}

/* The functions that go back to their host drivers with this one, if it is the
 * last: those that are on their way to rest already are there before it. */
static void list_restore(const struct broker *broker, struct device_session *self)
{
	struct release_job *release = &self->release;

	release->restore_count = 0;
	release->restored = 0;
	release->tried = false;
	if (release->reclaimed)
		return;
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *mate = broker->inventory.devices[i];
		if (mate->group != self->device->group)
			continue;
		bool wanted_back =
		        mate->reclaimed || (mate->held != NULL && mate->held->release.reclaimed);
		if (mate->state == LIFE_QUARANTINED || mate->state == LIFE_GRANTED ||
		    mate->state == LIFE_CLAIMING || mate->found || wanted_back) {
			/* What shares the group with these stays with us. */
			release->restore_count = 0;
			return;
		}
		if (mate->restore && release->restore_count < OPERATE_GROUP_MAX)
			release->restore[release->restore_count++] = mate;
	}
}

void release_leave_domain(struct device_session *self)
{
	if (self->domain != NULL)
		domain_leave(self->domain);
	self->domain = NULL;
}

void release_tell(struct device_session *self)
{
	if (self->session.handle != 0)
		peer_event(self->session.peer, &self->device->facts.address, self->session.handle,
		           self->ending, 0);
	self->session.handle = 0;
}

struct log_limit *release_log_limit(const struct device_session *self)
{
	return self->session.peer != NULL ? peer_use_limit(self->session.peer) : NULL;
}

void release_happened(const struct device_session *self, enum happening_kind kind,
                      const char *reason)
{
	const struct release_job *release = &self->release;

	happened(release->broker, &(struct happening){ .kind = kind,
	                                               .peer = self->session.peer,
	                                               .client = release->client,
	                                               .uid = release->uid,
	                                               .pid = release->pid,
	                                               .device = self->device,
	                                               .rule = self->rule,
	                                               .reason = reason });
}

void release_submit(struct device_session *self)
{
	struct broker *broker = self->release.broker;

	self->release.last = self->release.last || broker->stopping;
	self->release.let_go = self->release.let_go || self->device->left || broker->stopping;
	list_restore(broker, self);
	if (self->device->wanted_fd < 0)
		release_listen(self->device, &self->release.fault);
	broker->busy_devices++;
	strand_submit(&self->device->group->strand, &self->release.job);
}

static void done_release(struct job *job)
{
	struct device_session *self = release_session(job);
	struct device *device = self->device;
	struct peer *peer = self->session.peer;
	struct broker *broker = self->release.broker;
	bool rest = self->release.result == 0;

	broker->busy_devices--;
	if (self->release.result == OPERATE_SHORT) {
		release_wait_for_descriptor(self);
		return;
	}
	release_end_waiting(self);
	if (self->release.result == OPERATE_HELD && !(device->left && self->release.let_go)) {
		held_look(self);
		return;
	}
	/* Seen here first: the list follows. */
	if (!rest && self->release.fault.status == HWB_GONE)
		release_left(broker, device);
	held_end(self);
	note_restored(self);
	if (!device->left && device->state == LIFE_REVOKING)
		lifecycle_step(&device->state, LIFE_DID_CUT, device->name);
	if (device->left) {
		self->ending = HWB_CHANGE_REMOVED;
	} else if (rest) {
		lifecycle_step(&device->state, LIFE_DID_RESET, device->name);
		lifecycle_step(&device->state,
		               self->release.claimed ? LIFE_DID_FREE : LIFE_DID_RESTORE,
		               device->name);
		device->reclaimed = self->release.reclaimed && self->release.claimed;
		release_happened(self, HAPPENED_RELEASED, lifecycle_state_name(device->state));
	} else {
		held_note_former(self);
		release_quarantine(broker, device, &self->release.fault);
		self->ending = HWB_CHANGE_QUARANTINED;
	}
	release_disown(device);
	release_leave_domain(self);
	release_tell(self);
	close_fd(self->release.process);
	free(self);
	if (peer != NULL)
		peer_release(peer);
	if (device->left) {
		release_gone(broker, device);
		return;
	}
	release_wake(device);
	release_left_over(broker, device->group);
}

int release_listen(struct device *device, struct fault *fault)
{
	device->wanted_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	device->failed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (device->wanted_fd >= 0 && device->failed_fd >= 0)
		return 0;
	fault_errno(fault, errno, "cannot make an eventfd");
	release_disown(device);
	return -1;
}

void release_disown(struct device *device)
{
	device->owner = NULL;
	device->wanted_fd = close_fd(device->wanted_fd);
	device->failed_fd = close_fd(device->failed_fd);
}

void release_left(struct broker *broker, struct device *device)
{
	if (device->left)
		return;
	happened(broker, &(struct happening){ .kind = HAPPENED_DEVICE_LEFT, .device = device });
	device->left = true;
	platform_tell(broker, device, HWB_CHANGE_REMOVED);
}

void release_gone(struct broker *broker, struct device *device)
{
	lifecycle_step(&device->state, LIFE_REMOVED, device->name);
	estates_add(&broker->estates, broker->loop, device);
	device->unit = (struct unit){ 0 };
	device->note[0] = '\0';
	device->left = false;
	device->reclaimed = false;
	device->tried = false;
	release_wake(device);
	release_left_over(broker, device->group);
}

void release_quarantine(struct broker *broker, struct device *device, const struct fault *fault)
{
	lifecycle_step(&device->state, LIFE_RESET_FAILED, device->name);
	snprintf(device->note, sizeof(device->note), "%.127s", fault->reason);
	happened(broker, &(struct happening){ .kind = HAPPENED_QUARANTINED,
	                                      .client = device->former,
	                                      .uid = device->former_uid,
	                                      .device = device,
	                                      .status = fault->status,
	                                      .reason = fault->reason });
}

static void prepare(struct device_session *session, struct broker *broker)
{
	session->release.broker = broker;
	session->release.job.run = release_run;
	session->release.job.done = done_release;
}

void release_start(struct device_session *session)
{
	struct device *device = session->device;
	struct peer *peer = session->session.peer;
	struct release_job *release = &session->release;

	revoke_unwatch(session);
	device->session = NULL;
	lifecycle_step(&device->state, LIFE_RELEASE, device->name);
	prepare(session, peer->broker);
	memcpy(release->client, peer->name, sizeof(release->client));
	release->uid = peer->subject.uid;
	release->pid = peer->pid;
	peer_reference(peer);
	release_submit(session);
}

/* Of nobody now, and of this client last. NULL: no memory. */
static struct device_session *new_release(struct broker *broker, struct device *device,
                                          enum release_of of, const char client[HWB_NAME_SIZE],
                                          uint32_t uid)
{
	struct device_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->session.kind = HWB_SESSION_DEVICE;
	session->device = device;
	session->ending = HWB_CHANGE_FREED;
	prepare(session, broker);
	session->release.process = -1;
	session->release.of = of;
	session->release.uid = uid;
	memcpy(session->release.client, client, sizeof(session->release.client));
	return session;
}

/* By the policy of now. One that merely went along with a neighbour was nobody's. */
static bool need_not_reset(const struct broker *broker, const struct device *device,
                           const struct record *record)
{
	struct policy_device about = device_for_policy(device);
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &about };
	struct policy_verdict verdict;

	policy_decide(broker->policy, policy_client_named(broker->policy, record->client),
	              &resource, &verdict);
	return record->client[0] == '\0' || strcmp(verdict.grant.reset, "none") == 0;
}

int release_found(struct broker *broker, struct device *device, const struct record *record)
{
	struct device_session *session =
	        new_release(broker, device, RELEASE_FOUND, record->client, record->uid);

	device->found = false;
	if (session == NULL)
		return -1;
	session->release.need_not_reset = need_not_reset(broker, device, record);
	session->release.origin = record->origin;
	release_submit(session);
	return 0;
}

int release_clear(struct broker *broker, struct device *device)
{
	struct device_session *session =
	        new_release(broker, device, RELEASE_CLEARED, device->former, device->former_uid);

	if (session == NULL)
		return -1;
	lifecycle_step(&device->state, LIFE_CLEARED, device->name);
	device->note[0] = '\0';
	release_submit(session);
	return 0;
}

/* Whether a device of the group is not to be touched, or keeps the others with us. */
static bool group_is_busy(const struct broker *broker, const struct group *group)
{
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		const struct device *mate = broker->inventory.devices[i];
		bool rests = mate->state == LIFE_HOST || mate->state == LIFE_FREE ||
		             mate->state == LIFE_GONE;
		if (mate->group == group && (!rests || mate->left || mate->found))
			return true;
	}
	return false;
}

static void give_back(struct broker *broker, struct device *device)
{
	enum release_of of = device->reclaimed ? RELEASE_RECLAIMED : RELEASE_TAKEN_UP;
	struct device_session *session =
	        new_release(broker, device, of, device->former, device->former_uid);

	device->tried = true;
	if (session == NULL) {
		log_warning("%s: no memory to give it back: it stays with the broker",
		            device->name);
		return;
	}
	log_info("%s: %s", device->name,
	         device->reclaimed ? "who kept registers of it did not take it again"
	                           : "nothing keeps it from its host driver any more");
	device->reclaimed = false;
	lifecycle_step(&device->state, LIFE_RELEASE, device->name);
	release_submit(session);
}

void release_left_over(struct broker *broker, const struct group *group)
{
	virtual_look(broker);
	if (group_is_busy(broker, group))
		return;
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *device = broker->inventory.devices[i];
		if (device->group == group && device->state == LIFE_FREE &&
		    (device->reclaimed || (device->restore && !device->tried)))
			give_back(broker, device);
	}
}

static int may_go(const struct device *device, const struct device *mate, struct fault *fault)
{
	switch (mate->state) {
	case LIFE_HOST:
		if (mate != device)
			return 0;
		return fault_set(fault, HWB_WRONG_STATE, "%s is not with the broker", mate->name);
	case LIFE_FREE:
	case LIFE_GONE:
		return 0;
	case LIFE_QUARANTINED:
		return fault_set(
		        fault, HWB_WRONG_STATE,
		        "%s is quarantined: `hwbroker-ctl quarantine clear %s' comes first",
		        mate->name, mate->name);
	default:
		return fault_set(fault, HWB_BUSY,
		                 "%s is in use%s%s%s: `hwbroker-ctl revoke %s' "
		                 "takes it back",
		                 mate->name, mate->owner != NULL ? " by `" : "",
		                 mate->owner != NULL ? ((const struct peer *)mate->owner)->name
		                                     : "",
		                 mate->owner != NULL ? "'" : "", mate->name);
	}
}

int release_to_host(struct broker *broker, struct device *device, struct fault *fault)
{
	if (may_go(device, device, fault) != 0)
		return -1;
	for (uint32_t i = 0; i < broker->inventory.count; i++)
		if (broker->inventory.devices[i]->group == device->group &&
		    may_go(device, broker->inventory.devices[i], fault) != 0)
			return -1;
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		struct device *mate = broker->inventory.devices[i];
		if (mate->group != device->group || mate->state != LIFE_FREE)
			continue;
		mate->restore = true;
		mate->tried = mate != device; /* they go with this one */
	}
	give_back(broker, device);
	return device->state != LIFE_FREE
	               ? 0
	               : fault_set(fault, HWB_NO_MEMORY, "no memory to give %s back", device->name);
}

static void close_children(struct peer *peer, const struct device *device)
{
	struct session_table *table = &peer->sessions;

	for (uint32_t i = table->count; i-- > 0;)
		if (session_hangs_on(table->items[i], device))
			session_close(table->items[i], NULL);
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
