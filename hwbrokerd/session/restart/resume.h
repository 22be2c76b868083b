/* SPDX-License-Identifier: MIT */
/*
 * Going on with the connections of the daemon before this one, and all that they have open,
 * as it has noted (keep.h). What does not fit together ends: its connection is closed,
 * and its devices are reset, bus mastering off, before anybody is served.
 */
#ifndef HWBROKERD_SESSION_RESUME_H
#define HWBROKERD_SESSION_RESUME_H

#include "server/broker.h"

/* The name in the store of what was noted. */
#define RESUME_NOTES "s"

/* Once there are the list of devices, and the record of what was taken. */
void resume_start(struct broker *broker);

#endif
