/* SPDX-License-Identifier: MIT */
#ifndef HWBROKERD_SERVER_NOTIFY_H
#define HWBROKERD_SERVER_NOTIFY_H

/* Tells the service manager, if there is one (sd_notify(3)): "READY=1". The
 * protocol is one datagram; libsystemd would cost a quarter of the daemon's
 * memory. Never fails. */
void notify_manager(const char *state);

#endif
