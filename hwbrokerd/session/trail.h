/* SPDX-License-Identifier: MIT */
/*
 * The audit trail: what happens, in the log.
 */
#ifndef HWBROKERD_SESSION_TRAIL_H
#define HWBROKERD_SESSION_TRAIL_H

#include "server/happening.h"

void trail_note(struct broker *broker, const struct happening *what);

#endif
