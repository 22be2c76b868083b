/* SPDX-License-Identifier: MIT */
/*
 * Connections that are told what happens (ADMIN_MONITOR). What happened last is kept once,
 * for all of them, and each has its place in it: one that does not read costs nothing, and
 * is told how much it missed when it reads again. Nothing is kept while nobody listens.
 */
#ifndef HWBROKERD_SERVER_MONITOR_H
#define HWBROKERD_SERVER_MONITOR_H

#include "server/peer.h"

/* How many may listen at once, since each costs those who are served one message more;
 * and how much is kept for them. */
enum { MONITORS_MAX = 16, MONITORS_OF_ROOT = 16, MONITOR_KEEPS = 128 };

/* The peer is told from now on, as long as it may query. 0, also if it was already; or
 * the fault says why not. */
int monitor_start(struct peer *peer, struct fault *fault);
/* Goes on for a peer of the daemon before this one. That something was missed meanwhile is told
 * with the next event, as of one more that was lost. */
void monitor_resume(struct peer *peer);
/* Before the peer ends. */
void monitor_stop(struct peer *peer);

/* Whether anybody listens: who tells need not find words otherwise. */
bool monitor_listens(const struct broker *broker);
/* Tells all that listen, at once or when they read. */
void monitor_tell(struct broker *broker, const struct hwb_happening_event *event);

/* What the peer is to be told next; false: nothing. It is the same until monitor_told(). */
bool monitor_next(const struct peer *peer, struct hwb_happening_event *event);
void monitor_told(struct peer *peer);

#endif
