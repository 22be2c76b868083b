/* SPDX-License-Identifier: MIT */
/* From a received packet to the function that serves it. */
#ifndef HWBROKERD_SERVER_DISPATCH_H
#define HWBROKERD_SERVER_DISPATCH_H

#include "server/peer.h"

/* Serves one packet of `length` bytes at an 8-aligned address. Takes over the
 * `count` descriptors that came with it. May drop the peer. */
void dispatch(struct peer *peer, const void *packet, size_t length, const int *fds, uint32_t count);

#endif
