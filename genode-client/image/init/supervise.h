/* SPDX-License-Identifier: MIT */
/*
 * What runs when. The broker comes first; sessions start once it is ready, end before it is
 * started anew (what it gave them is void then), and what a session leaves behind is ended
 * with it.
 */
#ifndef HWB_INIT_SUPERVISE_H
#define HWB_INIT_SUPERVISE_H

#include "backoff.h"
#include "config.h"

enum { SUPERVISE_NEVER = INT64_MAX };

struct service {
	pid_t pid; /* 0: does not run */
	struct backoff backoff;
	int64_t started;
	int64_t next; /* not started again before */
	int64_t kill; /* SIGTERM is sent, SIGKILL follows then; 0: not */
	bool done;    /* not started again */
};

/* Times are CLOCK_MONOTONIC in milliseconds. */
struct supervisor {
	const struct config *config;
	const char *file; /* the configuration, for messages */
	struct service broker;
	struct service sessions[CONFIG_SESSIONS];
	bool ready; /* the broker is */
	bool ending;
	enum end_action action; /* how the machine ends */
	bool over;              /* nothing runs any more: end it */
};

/* Does what is to be done now; returns when to call it next at the latest. */
int64_t supervise_step(struct supervisor *self, int64_t now);

/* Any child of init that ended, known or not. `status` is waitpid's. */
void supervise_exited(struct supervisor *self, pid_t pid, int status, int64_t now);

/* The broker says so. */
void supervise_ready(struct supervisor *self, int64_t now);

/* Everything is to end in good order, and then the machine. */
void supervise_end(struct supervisor *self, enum end_action action);

/* Something cannot work: what the configuration wants then. */
void supervise_failed(struct supervisor *self);

#endif
