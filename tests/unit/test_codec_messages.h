/* SPDX-License-Identifier: MIT */
/*
 * The protocol's messages, for the tests of protocol/codec.c and of PROTOCOL.md. The table repeats
 * them by hand rather than reading the codec's: a slip in one of the two shows. And packets being
 * made up: each is checked in memory of exactly its size, so that an address sanitizer sees a look
 * beyond.
 */
#ifndef HWBROKER_TESTS_CODEC_MESSAGES_H
#define HWBROKER_TESTS_CODEC_MESSAGES_H

#include <hwbroker/codec.h>

#include <stdbool.h>

enum { HEADER = 24, ROOM = 8192, ODD = 0xa5 };

enum takes { NO_HANDLE, A_HANDLE };

struct message {
	uint32_t opcode;
	enum takes takes;
	uint32_t fds;         /* with the request */
	size_t size;          /* of the request's body */
	size_t reply;         /* of the reply's body, without records */
	uint32_t reply_fds;   /* with a reply of zeros */
	size_t record;        /* of the reply's records, 0: has none */
	uint32_t known_flags; /* of the request */
	size_t flags_at;      /* offset in the packet, 0: has no flags */
	size_t reserved_at[2];
	size_t reserved_size[2];
};
enum { MESSAGES = 46 };

extern const struct message messages[MESSAGES];

/* Whether it is one of them. */
bool known(uint32_t opcode);

/* A packet being made up, before it is put into memory of its size. */
struct draft {
	_Alignas(8) unsigned char bytes[ROOM];
	size_t length;
	uint32_t fds; /* that come with it */
};
void put16(struct draft *draft, size_t at, uint32_t value);
void put32(struct draft *draft, size_t at, uint32_t value);
/* Makes the packet as long as `body` needs, and lets the header say so. */
void resize(struct draft *draft, size_t body);
void set_fds(struct draft *draft, uint32_t fds);
void start(struct draft *draft, uint32_t opcode, enum hwb_kind kind, size_t body);
/* Of zeros. */
void start_request(struct draft *draft, const struct message *message);
void start_reply(struct draft *draft, const struct message *message);

typedef struct hwb_check (*checker)(const void *, size_t, uint32_t, struct hwb_header *);

/* Checks the draft in memory of its own size; what holds for any result. */
struct hwb_check run(checker check, const struct draft *draft);
void expect(checker check, const struct draft *draft, enum hwb_status status, uint32_t field);
void expect_status(checker check, const struct draft *draft, enum hwb_status status);

#endif
