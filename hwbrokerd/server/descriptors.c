/* SPDX-License-Identifier: MIT */
/* The soft limit is what is for everybody, the hard one what there is. */
#include "server/descriptors.h"

/* Of the last descriptors; fewer if there are few. */
enum { ROOTS_DESCRIPTORS = 64, ROOTS_SHARE = 16 };

void descriptors_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	rlim_t share = limit.rlim_max / ROOTS_SHARE;
	limit.rlim_cur = limit.rlim_max - (share < ROOTS_DESCRIPTORS ? share : ROOTS_DESCRIPTORS);
	setrlimit(RLIMIT_NOFILE, &limit);
}

struct rlimit descriptors_all(void)
{
	struct rlimit before, all;

	getrlimit(RLIMIT_NOFILE, &before);
	all = before;
	all.rlim_cur = all.rlim_max;
	setrlimit(RLIMIT_NOFILE, &all);
	return before;
}

void descriptors_clients_only(const struct rlimit *before)
{
	setrlimit(RLIMIT_NOFILE, before);
}
