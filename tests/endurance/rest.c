/* SPDX-License-Identifier: MIT */
#include "rest.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { PATIENCE_SECONDS = 20, STEP_MS = 10 };

static bool is_idle(const struct rest *rest, char *problem, size_t size)
{
	struct overseer_view view;

	if (!overseer_look(rest->overseer, &view)) {
		snprintf(problem, size, "the daemon does not answer");
		return false;
	}
	snprintf(problem, size,
	         "left: %u connections, %u sessions, %u devices granted, %u revoking, "
	         "%u quarantined, %" PRIu64 " bytes of DMA in %u mappings, %d descriptors of %d",
	         view.connections, view.sessions, view.granted, view.revoking, view.quarantined,
	         view.dma_bytes, view.mappings, view.fds, rest->fds);
	return view.connections == 0 && view.sessions == 0 && view.granted == 0 &&
	       view.revoking == 0 && view.quarantined == 0 && view.dma_bytes == 0 &&
	       view.mappings == 0 && view.fds == rest->fds;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

bool rest_comes(const struct rest *rest, char *problem, size_t size)
{
	const struct timespec step = { 0, STEP_MS * 1000000L };

	for (double end = now() + PATIENCE_SECONDS; now() < end;) {
		if (is_idle(rest, problem, size) &&
		    host_is_well(rest->rules, rest->rule_count, problem, size))
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}
