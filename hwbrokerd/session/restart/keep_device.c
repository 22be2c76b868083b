/* SPDX-License-Identifier: MIT */
#include "session/restart/keep_device.h"

#include "resume/note.h"
#include "session/restart/keep.h"

#include <stddef.h>

void keep_opened(struct device_session *owner)
{
	struct peer *peer = owner->session.peer;
	const struct kernel_backend *kernel = peer->broker->host.backend;

	if (!note_works() || owner->session.handle == 0 || kernel->keep_device == NULL)
		return;
	owner->openings++;
	owner->full = false;
	if (!owner->unkept)
		peer->unkept++;
	owner->unkept = true;
	peer->dirty = true;
	peer_note_live(peer);
	broker_keep_soon(peer->broker);
}

void keep_device_forget(struct device_session *owner)
{
	if (owner->unkept)
		owner->session.peer->unkept--;
	owner->unkept = false;
}

static struct device_session *owner_of(struct job *job)
{
	return (struct device_session *)((char *)job - offsetof(struct device_session, keep_job));
}

static void run_keep_device(struct job *job)
{
	struct device_session *owner = owner_of(job);
	const struct kernel_backend *kernel = owner->session.peer->broker->host.backend;
	struct kernel_device *opened = owner->device->unit.opened;

	owner->keep_result = opened == NULL || kernel->keep_device(opened) ? 0 : -1;
}

static void done_keep_device(struct job *job)
{
	struct device_session *owner = owner_of(job);
	struct peer *peer = owner->session.peer;

	owner->keeping = false;
	peer->broker->busy_devices--;
	broker_keep_soon(peer->broker);
	/* Closed meanwhile, or to be looked at once more. */
	if (!owner->unkept || owner->keeping_of != owner->openings)
		return;
	owner->full = owner->keep_result != 0;
	if (owner->full)
		return;
	owner->unkept = false;
	peer->unkept--;
	peer_note_live(peer);
}

void keep_device(struct device_session *owner)
{
	if (owner->keeping)
		return;
	owner->keeping = true;
	owner->keeping_of = owner->openings;
	owner->keep_job = (struct job){ .run = run_keep_device, .done = done_keep_device };
	owner->session.peer->broker->busy_devices++;
	strand_submit(&owner->device->group->strand, &owner->keep_job);
}
