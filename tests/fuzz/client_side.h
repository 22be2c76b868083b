/* SPDX-License-Identifier: MIT */
/*
 * The clients of the fuzzer of requests: they send what the input says, good or not, and
 * check that each of their requests gets one answer, which is a good one.
 */
#ifndef FUZZ_CLIENT_SIDE_H
#define FUZZ_CLIENT_SIDE_H

#include "input.h"

#include "server/broker.h"

enum { CLIENTS = 6, HANDLES = 48, SERIALS = 128, KEPT = 24 };

struct client {
	int fd; /* -1: not connected */
	bool hung_up;
	uint32_t next_serial;
	uint32_t sent;
	uint32_t answered;
	uint32_t serials[SERIALS]; /* sent and not answered; 0: free */
	uint32_t handles[HANDLES]; /* that were told, in a ring */
	uint32_t handle_count;
	uint64_t iova; /* told last */
	uint32_t uid;
	bool keeps;     /* the registers that it gets, until they are dropped */
	int kept[KEPT]; /* descriptors of registers */
	uint32_t kept_count;
};

void client_connect(struct client *client, struct broker *broker, struct input *input);
/* Sends a request of this connection, made from the input. */
void client_request(struct client *client, struct input *input);
/* Sends bytes of the input, with descriptors. */
void client_send_raw(struct client *client, struct input *input);
void client_shut_down(const struct client *client, struct input *input);
/* Takes one packet. False: none is there. */
bool client_read(struct client *client);
void client_close(struct client *client);
/* Gives up registers, which may outlive the connection. */
void client_drop_kept(struct client *client);

#endif
