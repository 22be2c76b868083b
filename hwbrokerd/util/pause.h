/* SPDX-License-Identifier: MIT */
/* For workers, which may wait. The loop's thread never does, but where it could not go on. */
#ifndef HWBROKERD_UTIL_PAUSE_H
#define HWBROKERD_UTIL_PAUSE_H

#include <time.h>

static inline void pause_ms(unsigned ms)
{
	const struct timespec pause = {
		.tv_sec = ms / 1000,
		.tv_nsec = (long)(ms % 1000) * 1000000L,
	};

	nanosleep(&pause, NULL);
}

#endif
