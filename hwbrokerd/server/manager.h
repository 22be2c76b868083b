/* SPDX-License-Identifier: MIT */
/*
 * What the service manager is told while the daemon runs (sd_notify(3)): that the loop turns,
 * if it has a watchdog; what there is to say in a line, when that changes; when the policy is
 * being read; and that the end takes longer, as long as devices are being given back.
 *
 * Nothing here waits: what the manager does not take at once is said again soon.
 */
#ifndef HWBROKERD_SERVER_MANAGER_H
#define HWBROKERD_SERVER_MANAGER_H

#include "server/broker.h"

enum { MANAGER_STATUS_SIZE = 256 };

/* The daemon is ready. From now on it is watched. */
void manager_start(struct broker *broker);
void manager_stop(struct broker *broker);

/* Something happened that the status may say. */
void manager_changed(struct broker *broker);

/* The policy is being read again, until manager_reloaded(). */
void manager_reloading(void);
void manager_reloaded(struct broker *broker);

/* The end has begun. */
void manager_stopping(struct broker *broker);

/* For people: "3 clients have 2 devices; 1 quarantined". */
void manager_status(const struct broker *broker, char text[MANAGER_STATUS_SIZE]);

#endif
