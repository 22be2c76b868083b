/* SPDX-License-Identifier: MIT */
#ifndef HWBROKERD_SERVER_NOTIFY_H
#define HWBROKERD_SERVER_NOTIFY_H

#include <stdbool.h>

/* Tells the service manager, if there is one (sd_notify(3)): "READY=1". The
 * protocol is one datagram; libsystemd and what it loads would be far more code
 * than that in a privileged process. Never fails, and does not wait for a manager
 * that does not read: what it does not take at once is lost. Only for READY=1,
 * which is said before the loop runs, it waits some seconds. */
void notify_manager(const char *state);

/* The same without ever waiting: false if the manager did not take it now. Where there is
 * none it did. */
bool notify_try(const char *state);

#endif
