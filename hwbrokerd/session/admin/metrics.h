/* SPDX-License-Identifier: MIT */
/* Counts what happens, and tells those who listen: server/counters.h, server/monitor.h. */
#ifndef HWBROKERD_SESSION_METRICS_H
#define HWBROKERD_SESSION_METRICS_H

#include "server/happening.h"

void metrics_note(struct broker *broker, const struct happening *what);

#endif
