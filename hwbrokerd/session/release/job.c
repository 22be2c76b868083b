/* SPDX-License-Identifier: MIT */
#include "session/release/job.h"

#include "kernel/witness.h"
#include "session/release/release.h"
#include "util/log.h"

#include <stdio.h>

/* How often what lacks a descriptor is tried again, and after what pause: after a second nobody
 * waits for the device any more, and after a minute it is quarantined. */
enum { SHORT_TRIES = 64, SHORT_TRIES_PATIENCE = 5 };
#define SHORT_PAUSE_FIRST 0.05
#define SHORT_PAUSE_LAST 1.0

static bool may_wait(const struct release_job *release)
{
	return release->short_tries < SHORT_TRIES;
}

/* ---- on the strand of the device ---- */

/* Whether one of those that were to go back cannot. */
static bool any_stays(const struct release_job *release)
{
	for (uint32_t i = 0; i < release->restore_count; i++)
		if (operate_stays(release->restore[i]))
			return true;
	return false;
}

static int take_up(struct device_session *self, const struct kernel_backend *kernel)
{
	struct release_job *release = &self->release;

	switch (release->of) {
	case RELEASE_FOUND:
		return operate_adopt(kernel, self->device, &release->origin,
		                     release->need_not_reset, &release->fault);
	case RELEASE_CLEARED:
		return operate_clear(kernel, self->device, &release->fault);
	case RELEASE_RECLAIMED:
		return operate_take_up(kernel, self->device, &release->fault);
	case RELEASE_TAKEN_UP:
		break;
	}
	return 0;
}

/* OPERATE_SHORT: to be done once more, from where it is. */
static int come_to_rest(struct device_session *self, const struct kernel_backend *kernel)
{
	struct release_job *release = &self->release;
	/* Without what the kernel says by, release_submit() has said why. */
	int result = self->device->wanted_fd >= 0 ? take_up(self, kernel) : -1;

	if (result != 0 && fault_is_shortage(&release->fault)) {
		/* Others that wait for one need those that this one has got so far. */
		operate_unwatch(self->device);
		return OPERATE_SHORT;
	}
	release->of = RELEASE_TAKEN_UP;
	return result == 0 ? operate_retire(kernel, self->device, release->let_go, &release->fault)
	                   : result;
}

static void restore(struct release_job *release)
{
	struct fault fault;

	release->tried = true;
	for (uint32_t i = 0; i < release->restore_count; i++) {
		if (release->restore[i]->unit.gone)
			continue;
		if (operate_restore(release->restore[i], &fault) == 0) {
			release->restored |= 1ull << i;
			continue;
		}
		if (fault_is_shortage(&fault) && release->result == 0 && may_wait(release)) {
			release->fault = fault;
			release->result = OPERATE_SHORT;
			return;
		}
		log_warning("%s: cannot give it back to its host driver: %s",
		            release->restore[i]->name, fault.reason);
	}
}

void release_run(struct job *job)
{
	struct device_session *self = release_session(job);
	struct release_job *release = &self->release;
	const struct kernel_backend *kernel = release->broker->host.backend;

	release->result = come_to_rest(self, kernel);
	if (release->result == OPERATE_SHORT && may_wait(release))
		return;
	if (release->result == OPERATE_SHORT) {
		operate_give_up(self->device);
		release->result = -1;
	}
	if (release->result == OPERATE_HELD && release->last) {
		operate_unwatch(self->device);
		release->result = 0;
	}
	if (release->result == OPERATE_HELD)
		witness_collect();
	release->claimed = self->device->unit.claimed;
	if ((release->result != 0 && !self->device->unit.gone) || any_stays(release))
		return;
	restore(release);
	release->claimed = self->device->unit.claimed;
}

/* ---- on the loop ---- */

static void on_descriptor(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct device_session *self = timer->data;
	(void)loop;
	(void)revents;

	self->device->starved = NULL;
	self->release.broker->busy_devices--;
	release_submit(self);
}

/* It stays as it is until then: nobody has it, and it is reset before anybody gets it. It counts
 * as busy, so that the daemon does not end meanwhile. */
void release_wait_for_descriptor(struct device_session *self)
{
	struct release_job *release = &self->release;
	struct device *device = self->device;
	struct broker *broker = release->broker;
	double pause = SHORT_PAUSE_FIRST *
	               (double)(1u << (release->short_tries < 5 ? release->short_tries : 5));

	if (release->short_tries++ == 0)
		log_warning("%s: comes to rest when there is a free descriptor; raise "
		            "LimitNOFILE: %s",
		            device->name, release->fault.reason);
	if (device->held == NULL)
		snprintf(device->note, sizeof(device->note),
		         "waits for a free descriptor to come to rest: %.80s",
		         release->fault.reason);
	if (release->short_tries == SHORT_TRIES_PATIENCE) {
		device->overdue = true;
		release_wake(device);
	}
	/* Begun anew next time, and for others meanwhile. */
	if (release->of != RELEASE_TAKEN_UP && device->unit.opened == NULL)
		release_disown(device);
	if (broker->stopping)
		pause = SHORT_PAUSE_FIRST;
	broker->busy_devices++;
	device->starved = self;
	ev_timer_init(&release->retry, on_descriptor,
	              pause < SHORT_PAUSE_LAST ? pause : SHORT_PAUSE_LAST, 0.0);
	release->retry.data = self;
	ev_timer_start(broker->loop, &release->retry);
}

/* The wait is over: what was noted of it, too. */
void release_end_waiting(struct device_session *self)
{
	if (self->release.short_tries == 0)
		return;
	if (self->device->held == NULL)
		self->device->note[0] = '\0';
	self->device->overdue = false;
}
