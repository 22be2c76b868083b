/* SPDX-License-Identifier: MIT */
/* How long to wait before something that ended is started again: longer each time, unless it
 * had run for long. */
#ifndef HWB_INIT_BACKOFF_H
#define HWB_INIT_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 1000, BACKOFF_LAST_MS = 30000, BACKOFF_LONG_RUN_MS = 60000 };

struct backoff {
	unsigned ends; /* one after the other */
};

/* The wait in milliseconds, after a run of that many. */
int64_t backoff_next(struct backoff *backoff, int64_t ran_ms);

#endif
