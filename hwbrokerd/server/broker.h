/* SPDX-License-Identifier: MIT */
/*
 * All that the daemon is, owned by the loop's thread.
 */
#ifndef HWBROKERD_SERVER_BROKER_H
#define HWBROKERD_SERVER_BROKER_H

#include "device/inventory.h"
#include "kernel/host.h"
#include "policy/policy.h"
#include "work/strand.h"

#include <ev.h>

struct account;
struct peer;
struct port_session;

struct broker {
	struct ev_loop *loop;
	struct host host;
	struct policy *policy;
	const char *policy_path;
	struct workers *workers;
	struct inventory inventory;
	struct account *accounts;
	struct peer *peers; /* connected ones, ascending by id */
	struct peer **peers_end;
	uint32_t peer_count;
	uint32_t next_peer;
	struct port_session *port_sessions;
	uint32_t session_count;
	uint32_t busy_devices; /* in transit: shutdown waits for them */
	uint64_t requests;     /* served since start */
	ev_tstamp started;
	bool reloading;    /* the policy file is being read again */
	bool reload_again; /* asked for meanwhile: it may have been read too early */
	bool stopping;
};

#endif
