/* SPDX-License-Identifier: MIT */
#include "backoff.h"

int64_t backoff_next(struct backoff *backoff, int64_t ran_ms)
{
	int64_t wait = BACKOFF_FIRST_MS;

	if (ran_ms >= BACKOFF_LONG_RUN_MS)
		backoff->ends = 0;
	for (unsigned i = 0; i < backoff->ends && wait < BACKOFF_LAST_MS; i++)
		wait *= 2;
	backoff->ends++;
	return wait < BACKOFF_LAST_MS ? wait : BACKOFF_LAST_MS;
}
