/* SPDX-License-Identifier: MIT */
/* Whether nothing is left of what clients had. */
#ifndef HWBROKER_ENDURANCE_REST_H
#define HWBROKER_ENDURANCE_REST_H

#include "host.h"
#include "overseer.h"

struct rest {
	struct overseer *overseer;
	const struct host_rule *rules;
	size_t rule_count;
	int fds; /* of a daemon that is idle */
};

/* Waits for it as long as anything may take that goes on without a client. If it does not
 * come, `problem` says what is left. */
bool rest_comes(const struct rest *rest, char *problem, size_t size);

#endif
