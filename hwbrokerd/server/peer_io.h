/* SPDX-License-Identifier: MIT */
/* The moving of packets; peer.c's other half. */
#ifndef HWBROKERD_SERVER_PEER_IO_H
#define HWBROKERD_SERVER_PEER_IO_H

#include "server/peer.h"

void peer_io_start(struct peer *peer);
/* Stops all watchers and throws away what was not sent. */
void peer_io_stop(struct peer *peer);

/* After the last reply of a final refusal: hang up as soon as it is out. */
void peer_io_finish(struct peer *peer);

/* There is something new of what happens (monitor.h). */
void peer_io_tell(struct peer *peer);

#endif
