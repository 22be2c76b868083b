/* SPDX-License-Identifier: MIT */
/*
 * Replacing the policy while clients are connected: as a whole or not at all.
 * Devices that the new one gives no more are asked back (revoke.h); all else that was
 * granted stays until it is released.
 */
#ifndef HWBROKERD_SERVER_RELOAD_H
#define HWBROKERD_SERVER_RELOAD_H

#include "server/broker.h"

/* Reads the file on a worker (it asks the user database, which may be slow),
 * then puts it into force and tells the clients. */
void reload_policy(struct broker *broker);

/* Somebody who wants to know what comes of it. Called once, on the loop: with a NULL report
 * if the policy that was read then is in force, else with policy_load()'s, or "" if it could
 * not be read. */
struct reload_waiter {
	struct reload_waiter *next;
	void (*done)(struct reload_waiter *waiter, const char *report);
};

void reload_policy_for(struct broker *broker, struct reload_waiter *waiter);

/* Logs the lines of policy_load()'s report; NULL: it had no memory for one. */
void reload_log_report(const char *report);

#endif
