/* SPDX-License-Identifier: MIT */
/*
 * For tests of the client library: a broker that is a thread with a script, which
 * takes requests and answers them as no good one would, and a connection to it.
 */
#ifndef TEST_CLIENT_BROKER_H
#define TEST_CLIENT_BROKER_H

#include <hwbroker/codec.h>
#include <hwbroker/posix.h>

#include <stdbool.h>

/* As ck_assert, which may not be called from many threads at once. */
void must(bool condition, const char *what);

/* ---- for scripts ---- */

union packet {
	struct hwb_header header;
	uint64_t words[HWB_MESSAGE_MAX / 8 + 64];
	unsigned char bytes[1];
};

void *body_of(union packet *packet);
void send_packet(int broker, const void *bytes, size_t length, const int *fds, unsigned count);

/* Takes a request, which must be a good one. False: the client hung up. `fd`
 * receives a descriptor that came, or -1. */
bool take_with_fd(int broker, union packet *packet, int *fd);
bool take(int broker, union packet *packet);

struct hwb_header reply_to(const struct hwb_header *request, size_t length);
void answer_with_fds(int broker, const struct hwb_header *request, uint32_t session,
                     const void *body, size_t length, const int *fds, unsigned count);
void answer(int broker, const struct hwb_header *request, uint32_t session, const void *body,
            size_t length);
void refuse(int broker, const struct hwb_header *request, enum hwb_status status,
            const char *reason);
void tell(int broker, uint16_t opcode, const void *body, size_t length);

/* Answers HELLO. */
void welcome(int broker);
/* Answers everything that has no body until the client hangs up. */
void serve_rest(int broker);
void welcome_and_serve(int broker);
/* Takes three requests and hangs up. */
void take_three_and_leave(int broker);

/* ---- for tests ---- */

extern char path[64];    /* of the broker's socket */
extern int listener;     /* that socket; handed out where any descriptor will do */
extern pthread_t thread; /* the broker's */
extern struct hwb_posix posix;
extern struct hwb_client *const client; /* of `posix' */
extern unsigned fds_before;

unsigned count_fds(void);
void setup(void);
void teardown(void);

/* Starts a broker; and connects to it. */
void start(void (*what)(int broker));
void start_open(void (*what)(int broker), hwb_event_handler on_event, void *context);
/* Hangs up; whatever happened, no descriptor is left. */
void finish(void);

#endif
