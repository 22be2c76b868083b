/* SPDX-License-Identifier: MIT */
/* The descriptors of an interrupt line, as keep.h keeps those of an interrupt. */
#ifndef HWBROKERD_SESSION_KEEP_LINE_H
#define HWBROKERD_SESSION_KEEP_LINE_H

#include "session/irq/line.h"

/* Counts it among what is to be kept, once. */
void keep_line_soon(struct line_session *line);
/* False: the manager has no room now. */
bool keep_line(struct line_session *line);
void keep_line_forget(struct line_session *line);
/* Takes up what the daemon before has kept. -1: not all of it is there. */
int keep_line_take(struct line_session *line, struct store_share *share);
void keep_line_drop(const struct line_session *line, struct store_share *share);

#endif
