/* SPDX-License-Identifier: MIT */
/* What the broker gives: the connection, and a handle for each range of ports. */
#ifndef HWBROKER_PORTS_GRANT_H
#define HWBROKER_PORTS_GRANT_H

#include <hwbroker/posix.h>

#include <stdbool.h>

struct grant {
	struct hwb_posix broker;
	struct hwb_port_range *ranges;
	uint32_t *handles; /* one for each range */
	size_t count;
	char *listed; /* "0x40-0x43,0x61" */
	bool policy_changed;
};

/* Asks the broker of this system, and none that a variable of the environment names, for
 * all ports that the policy gives the client that it calls `client`. False: it does not,
 * and stderr says why. Stays where it was opened. */
bool grant_open(struct grant *grant, const char *client);

/* Takes what the broker has said. False: the ports, or some of them, are ours no more;
 * `why` says it. */
bool grant_holds(struct grant *grant, const char **why);

#endif
