/* SPDX-License-Identifier: MIT */
/*
 * What is counted since the start, for ADMIN_METRICS, beside what the objects themselves
 * count. On the loop's thread.
 */
#ifndef HWBROKERD_SERVER_COUNTERS_H
#define HWBROKERD_SERVER_COUNTERS_H

#include <ev.h>
#include <stdint.h>

enum { COUNTERS_KINDS = 24, COUNTERS_STATUSES = 24 };

struct counters {
	uint64_t happened[COUNTERS_KINDS];   /* by enum happening_kind */
	uint64_t refused[COUNTERS_STATUSES]; /* by enum hwb_status */
	/* Rounds of the loop, and how long what they had to do took: while a round lasts,
	 * everybody else waits. */
	uint64_t rounds;
	double round_seconds;
	double longest_round;
	double round_began; /* 0: none has */
};

/* Counts the rounds of the loop from now on. Who else wants the loop's userdata, or its callbacks
 * around waiting, cannot have them. */
void counters_start(struct counters *counters, struct ev_loop *loop);

#endif
