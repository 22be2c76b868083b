/* SPDX-License-Identifier: MIT */
/*
 * TCP sockets that are full and linger: the last close of one waits for its other end, which never
 * reads, for half a minute.
 */
#ifndef HOSTILE_LINGER_H
#define HOSTILE_LINGER_H

/* What all of them are connected to; for linger_send(). */
int linger_listen(void);
/* Sends one beside a PING, by a child, so that if the daemon has closed it first the last close is
 * one that waits for nothing. `fd` -1: through a connection that the child has, which ends with it.
 * Returns the other end. */
int linger_send(int listener, int fd);

#endif
