/* SPDX-License-Identifier: MIT */
#ifndef HWBROKERD_SERVER_NOTIFY_H
#define HWBROKERD_SERVER_NOTIFY_H

#include <stdbool.h>

/* Makes what the service manager is told through, while there are descriptors. Without that
 * call it is made with the first message. */
void notify_open(void);

/* Tells the service manager (sd_notify(3)): "READY=1". The protocol is one datagram;
 * libsystemd and what it loads would be far more code than that in a privileged process.
 * Never waits for a manager that does not read: false if it did not take it now. Where there
 * is none it did. */
bool notify_try(const char *state);

#endif
