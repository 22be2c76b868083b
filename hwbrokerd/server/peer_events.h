/* SPDX-License-Identifier: MIT */
/*
 * Events of a connection, beside its replies: the newest of each device, and what happens. They
 * take no queue space: what cannot be sent is kept, and replaced by what is newer.
 */
#ifndef HWBROKERD_SERVER_PEER_EVENTS_H
#define HWBROKERD_SERVER_PEER_EVENTS_H

#include "server/peer.h"

/* There is room again. */
void peer_events_send(struct peer *peer);
/* Nobody is to be told of them any more. */
void peer_events_drop(struct peer *peer);

/* There is something new of what happens (monitor.h). */
void peer_events_tell(struct peer *peer);

#endif
