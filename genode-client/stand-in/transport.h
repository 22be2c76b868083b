/* SPDX-License-Identifier: MIT */
/* Packets and descriptors over Unix sockets: to the broker, and between processes. */
#ifndef STAND_IN_TRANSPORT_H
#define STAND_IN_TRANSPORT_H

#include <hwbroker/client.h>

/* A stream of packets to this socket, or a negated errno. */
int transport_connect(const char *path);

/* For the client library, over this socket, whose number must stay where it is. */
struct hwb_transport transport_for_client(int *socket);

/* One packet with up to HWB_FDS_MAX descriptors, which stay the caller's. 0, or a
 * negated errno. */
int packet_send(int socket, const void *packet, size_t size, const int *fds, uint32_t fd_count);

/* Its length, or a negated errno. Descriptors are close-on-exec, and the caller's. */
long packet_receive(int socket, void *packet, size_t size, int *fds, uint32_t *fd_count, int flags);

#endif
