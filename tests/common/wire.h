/* SPDX-License-Identifier: MIT */
/*
 * Raw packets, for tests that say what no client library could say. What is not as it
 * should be on any connection fails the test: expect.h.
 */
#ifndef HWBROKER_TESTS_WIRE_H
#define HWBROKER_TESTS_WIRE_H

#include "expect.h"

#include <hwbroker/protocol.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HEADER = sizeof(struct hwb_header),
	WIRE_FDS_MAX = 253, /* as many as the kernel takes in one message: SCM_MAX_FD */
	WIRE_ENDED = -1     /* instead of a status: the connection is over */
};

/* Larger than a message may be, so that tests can overdo it. */
struct packet {
	_Alignas(8) unsigned char bytes[2 * HWB_MESSAGE_MAX];
	size_t length;
	int fds[HWB_FDS_MAX]; /* that came with it */
	uint32_t fd_count;
};

/* How long the programs wait for an answer, or the end; each has its own. */
extern const int wire_patience_ms;

struct hwb_header *header_of(struct packet *packet);
void *body_of(struct packet *packet);
/* What a refusal says; "" for other replies. Valid until the next call. */
const char *reason_of(struct packet *packet);
void close_fds(const int *fds, size_t count);
int64_t now_ms(void);

/* Connected to $HWBROKER_SOCKET, or the usual one, and nothing said yet. */
int wire_open(void);
/* False: the other side has hung up. */
bool wire_send(int fd, const void *bytes, size_t length, const int *fds, size_t fd_count);
/* Any message. False: the end. */
bool wire_receive(int fd, struct packet *packet);
/* The next reply; events are passed over. */
bool wire_reply(int fd, struct packet *packet);
void expect_end(int fd);

/* A request with a body of `size` zeros. */
void wire_fill(struct packet *packet, uint32_t opcode, uint32_t serial, uint32_t session,
               size_t size);
/* The status of the answer, which is in `packet` afterwards; or WIRE_ENDED. */
int wire_exchange(int fd, struct packet *packet);

#endif
