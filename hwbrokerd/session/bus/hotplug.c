/* SPDX-License-Identifier: MIT */
#include "session/bus/hotplug.h"

#include "kernel/uevent.h"
#include "session/bus/platform.h"
#include "session/bus/virtual.h"
#include "session/release/held.h"
#include "session/release/release.h"
#include "session/release/revoke.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <stddef.h>
#include <string.h>

/*
 * Messages come in bursts, and before the kernel has assigned addresses to a newcomer:
 * so the bus is looked at when it has been quiet for a moment, and once more later on.
 */
#define QUIET_SECONDS 0.1
#define SETTLED_SECONDS 1.0
#define PAUSE_SECONDS_MAX 30.0

/* ---- what comes and goes ---- */

static bool on_left(struct inventory_watcher *watcher, struct device *device)
{
	const struct hotplug *self =
	        (struct hotplug *)((char *)watcher - offsetof(struct hotplug, watcher));

	release_left(self->broker, device);
	if (device->session != NULL)
		revoke_take(device->session, HWB_CHANGE_REMOVED, HWB_GONE, "it has left the bus");
	held_hurry(device);
	/* A job may have this device among others in hand. */
	if (lifecycle_is_idle(device->state) && strand_idle(&device->group->strand))
		release_gone(self->broker, device);
	return device->state == LIFE_GONE;
}

static void on_arrived(struct inventory_watcher *watcher, struct device *device)
{
	const struct hotplug *self =
	        (struct hotplug *)((char *)watcher - offsetof(struct hotplug, watcher));

	happened(self->broker,
	         &(struct happening){ .kind = HAPPENED_DEVICE_ARRIVED, .device = device });
	platform_tell(self->broker, device, HWB_CHANGE_ARRIVED);
}

/* VFIO has the host wait, and says so (release/revoke.h): elsewhere nobody asks before a device
 * loses its driver, and who has it goes on with what may be another's soon. */
static void take_unbound(struct broker *broker, struct device *device)
{
	const struct kernel_backend *backend = broker->host.backend;
	char driver[HWB_NAME_SIZE];

	if (device->session == NULL || backend == NULL || !backend->unasked)
		return;
	bind_driver(&device->facts.address, driver);
	if (!bind_is_ours(driver) && bind_instance(&device->facts.address) == device->instance)
		revoke_at_once(device->session, "the host has unbound it from the broker's driver");
}

/* ---- looking ---- */

static void look_in(struct hotplug *self, double seconds)
{
	struct ev_loop *loop = self->broker->loop;

	ev_timer_stop(loop, &self->look);
	ev_timer_set(&self->look, seconds, 0.0);
	ev_timer_start(loop, &self->look);
}

static void run_scan(struct job *job)
{
	struct hotplug *self = (struct hotplug *)((char *)job - offsetof(struct hotplug, job));

	self->result = scan_read(&self->scan, &self->fault);
}

static void done_scan(struct job *job)
{
	struct hotplug *self = (struct hotplug *)((char *)job - offsetof(struct hotplug, job));
	struct broker *broker = self->broker;

	self->looking = false;
	self->scan.since = self->told_before;
	broker->busy_devices--;
	if (broker->stopping) {
		scan_free(&self->scan);
		return;
	}
	if (self->result == 0) {
		self->result = inventory_merge(&broker->inventory, broker->workers, &self->scan,
		                               &self->watcher);
		self->losses_made_good = self->losses_before;
	} else {
		log_warning("%s; trying again in %.0f s", self->fault.reason, self->pause);
	}
	for (uint32_t i = 0; i < broker->inventory.count; i++)
		take_unbound(broker, broker->inventory.devices[i]);
	virtual_look(broker);
	if (self->again) {
		self->again = false;
		self->pause = SETTLED_SECONDS;
		look_in(self, self->pause);
	} else if (self->result != 0) {
		look_in(self, self->pause);
		self->pause =
		        self->pause < PAUSE_SECONDS_MAX / 2 ? self->pause * 2 : PAUSE_SECONDS_MAX;
	}
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct hotplug *self = timer->data;
	(void)revents;

	if (self->broker->follows_bus)
		ev_io_start(loop, &self->reader);
	if (self->looking || self->broker->stopping)
		return;
	self->looking = true;
	self->told_before = self->told;
	self->losses_before = self->losses;
	self->broker->busy_devices++;
	strand_submit(&self->strand, &self->job);
}

static void lose(struct hotplug *self)
{
	self->losses++;
	self->again = true;
}

/* Of its host driver a device that is taken keeps the name: it is known for it, and may go
 * back. So what is told while it is taken counts only if it is what it has gone back to. */
static void on_driver(void *context, const struct uevent_driver *change)
{
	struct hotplug *self = context;
	struct broker *broker = self->broker;
	struct device *device = inventory_find(&broker->inventory, &change->address);

	if (device == NULL || device->state == LIFE_GONE) {
		/* Of one that is about to be listed, and was looked at before this. */
		if (self->looking)
			lose(self);
		return;
	}
	device->told = ++self->told;
	memcpy(device->driver, change->driver, sizeof(device->driver));
	if (device->state == LIFE_HOST ||
	    (change->driver[0] != '\0' && !bind_is_ours(change->driver)))
		whereabouts_driver(&device->whereabouts, change->driver);
	if (change->driver[0] != '\0')
		virtual_driver(broker, device);
	else
		virtual_driver_left(broker, device);
	/* Not at once, as it may be about to leave the bus; and once more, as it may be about to
	 * be granted. */
	if (device->owner != NULL && broker->host.backend->unasked) {
		self->again = true;
		look_in(self, QUIET_SECONDS);
	}
}

static void take_messages(struct hotplug *self)
{
	unsigned said = uevent_drain(self->reader.fd, on_driver, self);

	if ((said & UEVENT_LOST) != 0)
		lose(self);
	if (said == 0)
		return;
	self->again = true;
	look_in(self, QUIET_SECONDS);
}

bool hotplug_knows_drivers(struct broker *broker)
{
	struct hotplug *self = broker->hotplug;

	if (self == NULL || !broker->follows_bus)
		return false;
	take_messages(self);
	return self->losses == self->losses_made_good;
}

static void on_message(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct hotplug *self = watcher->data;
	(void)loop;

	/* The kernel is short of memory to watch it: what comes meanwhile is looked for. */
	if ((revents & EV_ERROR) != 0) {
		look_in(self, SETTLED_SECONDS);
		return;
	}
	take_messages(self);
}

/* ---- start and stop ---- */

int hotplug_start(struct hotplug *self, struct broker *broker, struct fault *fault)
{
	*self = (struct hotplug){
		.broker = broker,
		.watcher = { .left = on_left, .arrived = on_arrived },
		.job = { .run = run_scan, .done = done_scan },
		.pause = SETTLED_SECONDS,
	};
	strand_init(&self->strand, broker->workers, NULL);
	/* Before looking, so that nothing comes unseen. */
	int messages = uevent_open(&self->fault);
	ev_init(&self->look, on_look);
	ev_io_init(&self->reader, on_message, messages, EV_READ);
	self->look.data = self;
	self->reader.data = self;
	if (scan_read(&self->scan, fault) != 0) {
		close_fd(messages);
		self->reader.fd = -1;
		return -1;
	}
	inventory_merge(&broker->inventory, broker->workers, &self->scan, &self->watcher);
	broker->follows_bus = messages >= 0;
	broker->hotplug = self;
	if (messages >= 0)
		ev_io_start(broker->loop, &self->reader);
	else
		log_warning("%s: devices that are plugged in later are not seen",
		            self->fault.reason);
	return 0;
}

void hotplug_look(struct broker *broker)
{
	if (broker->hotplug != NULL)
		look_in(broker->hotplug, QUIET_SECONDS);
}

void hotplug_stop(struct hotplug *self)
{
	if (self->broker == NULL)
		return;
	self->broker->hotplug = NULL;
	ev_io_stop(self->broker->loop, &self->reader);
	ev_timer_stop(self->broker->loop, &self->look);
	close_fd(self->reader.fd);
}
