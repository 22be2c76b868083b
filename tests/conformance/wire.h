/* SPDX-License-Identifier: MIT */
/*
 * Packets, their fields, and sockets. What is sent may be as wrong as a check wants it.
 * Descriptors that come with a packet are the packet's: packet_drop() closes them.
 */
#ifndef CONFORMANCE_WIRE_H
#define CONFORMANCE_WIRE_H

#include "spec.h"

#include <stdbool.h>

enum { PACKET_ROOM = 2 * MESSAGE_MAX, FDS_ROOM = 254 };

struct packet {
	unsigned char bytes[PACKET_ROOM];
	size_t length;
	int fds[FDS_ROOM];
	size_t fd_count;
	unsigned controls; /* control messages that came */
	bool cut;          /* MSG_TRUNC or MSG_CTRUNC */
};

uint64_t get(const struct packet *packet, size_t offset, size_t size);
void put(struct packet *packet, size_t offset, size_t size, uint64_t value);

static inline uint32_t get32(const struct packet *packet, size_t offset)
{
	return (uint32_t)get(packet, offset, 4);
}

static inline void put32(struct packet *packet, size_t offset, uint32_t value)
{
	put(packet, offset, 4, value);
}

/* The same of the body: offsets as the layouts have them. */
static inline uint32_t body32(const struct packet *packet, size_t offset)
{
	return get32(packet, HEADER + offset);
}

static inline uint64_t body64(const struct packet *packet, size_t offset)
{
	return get(packet, HEADER + offset, 8);
}

/* An empty message with a header that fits. */
void message(struct packet *packet, uint32_t opcode, uint32_t serial, uint32_t session,
             size_t body);
void packet_drop(struct packet *packet);
/* Takes a descriptor out of the packet; -1 if there is none at this place. */
int packet_take(struct packet *packet, size_t index);

int64_t now_ms(void);
void sleep_ms(int ms);

/* Returns -1 with errno. */
int wire_connect(const char *path, int type);
/* The packet's bytes with `count` descriptors. False: the other side hung up. `flags`
 * are sendmsg's: with MSG_DONTWAIT, false and EAGAIN in errno if there is no room. */
bool wire_send(int fd, const struct packet *packet, const int *fds, size_t count, int flags);

enum arrival { A_PACKET, THE_END, NOTHING };

/* Waits up to `ms`, or as long as it takes if that is -1. */
enum arrival wire_receive(int fd, struct packet *packet, int ms);

#endif
