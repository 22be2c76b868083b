/* SPDX-License-Identifier: MIT */
/* Whether who was sent descriptors has closed them: they are write ends of one pipe, and
 * when all are closed the read end says so. */
#ifndef HWBROKER_TESTS_LEAK_H
#define HWBROKER_TESTS_LEAK_H

#include "wire.h"

struct leak {
	int read_end;
	int fds[WIRE_FDS_MAX];
	size_t count;
};

/* Each program has its own. */
extern const int leak_patience_ms;

void leak_prepare(struct leak *leak, size_t count);
/* Closes ours: if the daemon keeps one for longer than this, the test fails. */
void leak_check(struct leak *leak);

/* A message with descriptors that it must not have, on a connection that has said HELLO and
 * is closed by this: refused first if they could all be received, and the end. `told` is
 * what its header says. */
void leak_expect_refused(int fd, struct packet *packet, size_t count, uint16_t told);

#endif
