/* SPDX-License-Identifier: MIT */
/* The moving of packets; peer.c's other half. */
#ifndef HWBROKERD_SERVER_PEER_IO_H
#define HWBROKERD_SERVER_PEER_IO_H

#include "server/peer.h"

#include <sys/uio.h>

void peer_io_start(struct peer *peer);
/* Stops all watchers and throws away what was not sent. */
void peer_io_stop(struct peer *peer);

/* After the last reply of a final refusal: hang up as soon as it is out. */
void peer_io_finish(struct peer *peer);

/* Sends a packet at once that is neither a reply nor brings descriptors. False: there is no room,
 * and peer_events_send() is called when there is; or nobody is at the other end. */
bool peer_io_put(struct peer *peer, const struct iovec *parts, size_t count);
/* Ends the connection while somebody may be in the middle of serving it: the reader
 * drops it at the end of file that this makes. */
void peer_io_hang_up(struct peer *peer);

#endif
