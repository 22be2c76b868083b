/* SPDX-License-Identifier: MIT */
/* What the parts of suite `protocol' share, each of which adds its case to it: packets by hand. */
#ifndef HWBROKER_TESTS_GUEST_PROTOCOL_PARTS_H
#define HWBROKER_TESTS_GUEST_PROTOCOL_PARTS_H

#include "leak.h"
#include "wire.h"

#include <check.h>
#include <stdbool.h>

enum {
	PROMPT_MS = 3000,     /* what is to happen at once */
	HANDSHAKE_MS = 10000, /* PROTOCOL.md, "Limits" */
	READER_MS = 5000,
	SLACK_MS = 5000,
	MANY_FDS = 250, /* the kernel takes 253 in one message */
	NO_STATUS = WIRE_ENDED
};

/* The next reply; events are passed over. No test wants descriptors. False: the end. */
bool reply(int fd, struct packet *packet);

void fill_hello(struct packet *packet, uint16_t lowest, uint16_t highest);
/* The status of the answer, which is in `packet` afterwards; or NO_STATUS. */
int exchange(int fd, struct packet *packet);
int ping(int fd);
/* A connection that has said HELLO. */
int wire_greeted(struct hwb_hello_reply *hello);
/* A fresh client is served, at once: nothing that a test did is in its way. */
void witness(void);
void expect_alive(int fd);
/* On a fresh connection: `status`, then the end. */
void expect_final(const struct packet *packet, size_t length, enum hwb_status status);

/* ---- opcodes ---- */

struct request {
	uint32_t opcode;
	size_t body;
	unsigned session; /* enum hwb_session_kind of header.session, or one of: */
	bool fd;
};

enum { NO_SESSION = 0, ANY_SESSION = 100, DEVICE_OR_NONE = 101 };

enum { REQUESTS = 46 };

extern const struct request requests[REQUESTS];

/* ---- parts ---- */

void add_packets(TCase *tests);
void add_descriptors(TCase *tests);
void add_hello(TCase *tests);
void add_handles(TCase *tests);
void add_flow(TCase *tests);
void add_values(TCase *tests);

#endif
