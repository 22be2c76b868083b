/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* eventfd_read */
#include "session/release/held.h"

#include "server/process.h"
#include "session/release/release.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

/* From when on nobody waits for it any more, and how often it is looked at. */
#define HELD_PATIENCE 1.0
#define HELD_LOOK_FIRST 0.02
#define HELD_LOOK_LAST 1.0

static void on_again(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	release_submit(timer->data);
}

static void on_wanted(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct device_session *self = watcher->data;
	eventfd_t count;
	(void)loop;

	/* Then held_look() starts it again. */
	if ((revents & EV_ERROR) != 0)
		return;
	eventfd_read(watcher->fd, &count);
	self->release.let_go = true;
	held_hurry(self->device);
}

/* Of a daemon before this one only the client's name is known. */
static void describe_holder(const struct device_session *self, char *text, size_t size)
{
	const struct release_job *release = &self->release;
	char process[24] = "";

	if (release->pid != 0)
		snprintf(process, sizeof(process), " (pid %u)", release->pid);
	snprintf(text, size,
	         "`%s'%s, who had it, or somebody whom it gave them to, still has %s of it",
	         release->client, process,
	         self->device->way == WAY_DEVICE ? "the descriptor" : "registers");
}

/* Who may still have its registers: this client, for whom it need not be kept. */
void held_note_former(const struct device_session *self)
{
	struct device *device = self->device;

	memcpy(device->former, self->release.client, sizeof(device->former));
	device->former_uid = self->release.uid;
}

static void begin_holding(struct device_session *self)
{
	struct device *device = self->device;
	const struct release_job *release = &self->release;
	struct ev_loop *loop = release->broker->loop;

	self->release.held_since = ev_now(loop);
	device->held = self;
	held_note_former(self);
	describe_holder(self, device->note, sizeof(device->note));
	release_leave_domain(self);
	/* What it released is not free, but what was taken is taken. */
	if (self->ending == HWB_CHANGE_REVOKED)
		release_tell(self);
	ev_init(&self->release.again, on_again);
	ev_io_init(&self->wanted, on_wanted, device->wanted_fd, EV_READ);
	self->release.again.data = self;
	self->wanted.data = self;
	release_happened(self, HAPPENED_HELD, device->note);
	/* Its former owner may wait for it, and is given it. */
	release_wake(device);
}

/* By its rule. Others whom it may have given registers to are not ours to end. */
static void end_holder(struct device_session *self)
{
	struct release_job *release = &self->release;

	if (process_end(release->process) == 0)
		log_notice("%s: process %u of `%s' is ended, since it kept %s", self->device->name,
		           release->pid, release->client,
		           self->device->way == WAY_DEVICE
		                   ? "the device's descriptor (grant = device)"
		                   : "registers for as long as `revoke' says (holders = end)");
	else if (errno != ESRCH)
		log_error("%s: process %u of `%s' cannot be ended: %s", self->device->name,
		          release->pid, release->client, strerror(errno));
	release->process = close_fd(release->process);
}

/* Who was asked for the device, and has VFIO's descriptor of it, has had its time; and the host
 * waits for it. */
static bool is_due(const struct device_session *self)
{
	return self->device->way == WAY_DEVICE &&
	       (self->ending == HWB_CHANGE_REVOKED || self->release.let_go);
}

/* It is at rest, and nothing that its former owner has reaches it as long as we keep it. */
void held_look(struct device_session *self)
{
	struct device *device = self->device;
	const struct broker *broker = self->release.broker;

	if (self->release.held_since == 0.0)
		begin_holding(self);
	ev_io_start(broker->loop, &self->wanted);
	if (device->left || broker->stopping) {
		release_submit(self);
		return;
	}
	ev_tstamp age = ev_now(broker->loop) - self->release.held_since;
	if (age >= HELD_PATIENCE && !device->overdue) {
		log_limited(release_log_limit(self), LOG_LEVEL_NOTICE,
		            "%s: is for nobody until they are gone: %s", device->name,
		            device->note);
		device->overdue = true;
	}
	if (device->overdue)
		release_wake(device);
	if (self->release.process >= 0 && (age >= device->grace || is_due(self)))
		end_holder(self);
	ev_tstamp pause = age + HELD_LOOK_FIRST;
	ev_timer_set(&self->release.again, pause < HELD_LOOK_LAST ? pause : HELD_LOOK_LAST, 0.0);
	ev_timer_start(broker->loop, &self->release.again);
}

void held_hurry(struct device *device)
{
	struct device_session *self = device->held;

	if (self == NULL || !ev_is_active(&self->release.again))
		return;
	ev_timer_stop(self->release.broker->loop, &self->release.again);
	release_submit(self);
}

bool held_to_former(struct device *device, const struct peer *peer)
{
	struct device_session *self = device->held;

	/* A descriptor of the device that lives keeps its group from being opened, for whomever. */
	if (self == NULL || !held_was_its(device, peer) || device->way == WAY_DEVICE)
		return false;
	self->release.reclaimed = true;
	self->release.let_go = true;
	self->release.last = true;
	held_hurry(device);
	return true;
}

bool held_was_its(const struct device *device, const struct peer *peer)
{
	return strcmp(device->former, peer->name) == 0 && device->former_uid == peer->subject.uid;
}

void held_end(struct device_session *self)
{
	struct device *device = self->device;

	if (device->held == NULL)
		return;
	ev_io_stop(self->release.broker->loop, &self->wanted);
	device->held = NULL;
	device->overdue = false;
	device->note[0] = '\0';
}
