/* SPDX-License-Identifier: MIT */
/*
 * The job of release.h: what is done to a device on its way to rest, on the strand of its group.
 * What has no free descriptor for that stays as it is, for nobody, and is done again later, on
 * and on for a minute: the host is short of them for a while, and the device is none the worse.
 */
#ifndef HWBROKERD_SESSION_RELEASE_JOB_H
#define HWBROKERD_SESSION_RELEASE_JOB_H

#include "session/session.h"

#include <stddef.h>

static inline struct device_session *release_session(struct job *job)
{
	return (struct device_session *)((char *)job - offsetof(struct device_session, release));
}

/* Leaves in release.result: 0, at rest; OPERATE_HELD; OPERATE_SHORT, to be called again; -1 and
 * release.fault. */
void release_run(struct job *job);

/* It was OPERATE_SHORT: submits the release again when there may be a descriptor. */
void release_wait_for_descriptor(struct device_session *self);
/* It is not any more, if it was. */
void release_end_waiting(struct device_session *self);

#endif
