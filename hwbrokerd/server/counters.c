/* SPDX-License-Identifier: MIT */
#include "server/counters.h"

/* Before the loop waits again: ev_now() is when it last stopped waiting. */
static void on_end_of_round(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
	struct counters *counters = watcher->data;
	double seconds = ev_time() - ev_now(loop);
	(void)revents;

	counters->rounds++;
	/* The clock may have been set meanwhile. */
	if (seconds <= 0)
		return;
	counters->round_seconds += seconds;
	if (seconds > counters->longest_round)
		counters->longest_round = seconds;
}

void counters_start(struct counters *counters, struct ev_loop *loop)
{
	ev_prepare_init(&counters->end_of_round, on_end_of_round);
	counters->end_of_round.data = counters;
	ev_prepare_start(loop, &counters->end_of_round);
	/* It alone keeps no loop running. */
	ev_unref(loop);
}
