/* SPDX-License-Identifier: MIT */
/*
 * Closing what others gave us. The last close of a descriptor can wait in the
 * kernel: a socket that lingers, a file whose file system is a program, memory by
 * the gigabyte. Nor can one look beforehand whether it is the last. So none of that
 * is closed on the loop, but on threads for nothing else; each client has some, and
 * all who are no client have some together. Threads that wait are interrupted.
 */
#ifndef HWBROKERD_SERVER_CLOSER_H
#define HWBROKERD_SERVER_CLOSER_H

#include "server/peer.h"

/* Threads that all strangers together may keep busy, and all operators who are no clients; for
 * clients see account.h. */
enum { CLOSER_STRANGER_THREADS = 8, CLOSER_OPERATOR_THREADS = 2 };

/* Call once, before all else here. -1: no memory. */
int closer_start(struct broker *broker);
/* After the loop. What still waits in the kernel ends with the process. */
void closer_stop(struct broker *broker);

/* Closes descriptors that came with a packet of this peer, from which nothing more
 * is read until that is done; nor from others of the same client if they are many. */
void closer_close(struct peer *peer, const int *fds, uint32_t count);

/* Whether the peer is not read from because of what it and others like it have sent. Root is,
 * whatever else is sent. Who is not read from because of that and has hung up is dropped all the
 * same, within half a second. */
bool closer_holds_up(struct peer *peer);

/* Ends a connection: at once for who is at the other end, who can still read what
 * was sent; then takes unread packets off the socket (with some left, the kernel
 * would say ECONNRESET before that) and closes it. `closings`: as of the peer. */
void closer_hang_up(struct broker *broker, struct closings *closings, int socket);

#endif
