/* SPDX-License-Identifier: MIT */
/*
 * Starts what init.conf names, each with the rights that it needs: the broker with the
 * capabilities that its systemd unit gives it, a session with none at all.
 */
#ifndef HWB_INIT_PROCESS_H
#define HWB_INIT_PROCESS_H

#include "config.h"

#include "util/fault.h"

/* The process that now runs the command; -1 with `fault` if it does not. */
pid_t process_start_broker(const char *command, struct fault *fault);
pid_t process_start_session(const struct config_session *session, struct fault *fault);

/* Whether the process has begun to end, though nobody has waited for it yet: what it held
 * may be closed by now. */
bool process_dying(pid_t process);

#endif
