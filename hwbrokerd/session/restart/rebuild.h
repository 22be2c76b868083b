/* SPDX-License-Identifier: MIT */
/*
 * One session from its note: 0, or -1 with the reason why it cannot be, and then nothing of
 * it is there. Each takes what is kept of it.
 */
#ifndef HWBROKERD_SESSION_REBUILD_H
#define HWBROKERD_SESSION_REBUILD_H

#include "session/restart/kept.h"
#include "session/session.h"

int rebuild_domain(struct peer *peer, const struct note *note, struct fault *fault);
int rebuild_mapping(struct peer *peer, const struct note *note, struct fault *fault);
int rebuild_device(struct peer *peer, const struct note *note, struct fault *fault);
int rebuild_region(struct peer *peer, const struct note *note, struct fault *fault);
int rebuild_ports(struct peer *peer, const struct note *note, struct fault *fault);
int rebuild_irq(struct peer *peer, const struct note *note, struct fault *fault);
int rebuild_line(struct peer *peer, const struct note *note, struct fault *fault);
int rebuild_taken(struct peer *peer, const struct note *note, struct fault *fault);

#endif
