/* SPDX-License-Identifier: MIT */
#include "server/counters.h"

/*
 * The loop reads the clock when it has waited and when it is about to: no call of ours is needed,
 * nor a watcher of either, which would be a tenth of all that is done for the smallest request.
 */

static void on_waited(struct ev_loop *loop)
{
	struct counters *counters = ev_userdata(loop);

	counters->round_began = ev_now(loop);
	ev_invoke_pending(loop);
}

static void on_wait(struct ev_loop *loop) EV_NOEXCEPT
{
	struct counters *counters = ev_userdata(loop);
	double seconds = ev_now(loop) - counters->round_began;

	/* What comes before the first one is the start. */
	if (counters->round_began == 0)
		return;
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
	ev_set_userdata(loop, counters);
	ev_set_invoke_pending_cb(loop, on_waited);
	ev_set_loop_release_cb(loop, on_wait, NULL);
}
