/* SPDX-License-Identifier: MIT */
/*
 * All that the daemon is, owned by the loop's thread.
 */
#ifndef HWBROKERD_SERVER_BROKER_H
#define HWBROKERD_SERVER_BROKER_H

#include "device/estate.h"
#include "device/inventory.h"
#include "kernel/host.h"
#include "policy/policy.h"
#include "resume/store.h"
#include "server/closings.h"
#include "server/counters.h"
#include "util/log.h"
#include "work/strand.h"

#include <ev.h>

struct account;
struct broker;
struct memory_session;
struct monitor_record;
struct happening;
struct hotplug;
struct line_session;
struct peer;
struct port_session;
struct port_use;
struct reload_waiter;
struct request;

/* What the connections call of the sessions, which lie above them; main() ties them. */
struct peer_handler {
	/* Serves one packet of `length` bytes at an 8-aligned address. Takes over the
	 * `count` descriptors that came with it. May drop the peer. */
	void (*packet)(struct peer *peer, const void *packet, size_t length, const int *fds,
	               uint32_t count);
	/* The peer has hung up: closes all that it opened. */
	void (*closed)(struct peer *peer);
	/* Another policy is in force. */
	void (*policy_changed)(struct broker *broker);
	/* Something is to be told: happening.h. */
	void (*happened)(struct broker *broker, const struct happening *what);
	/* And so is that a request was refused, which has its answer. */
	void (*refused)(const struct request *request, const struct fault *fault);
};

struct broker {
	const struct peer_handler *handler;
	struct ev_loop *loop;
	struct host host;
	struct policy *policy;
	const char *policy_path;
	struct workers *workers;
	struct workers *closers;   /* closer.h, with the next but one, and two more */
	struct lane queries;       /* what operators ask that needs a worker: query.h */
	struct closings strangers; /* of who may do nothing */
	struct closings operators; /* of who may look, and is no client */
	uint32_t closings;         /* under way */
	uint32_t hang_ups;         /* of these, connections */
	ev_timer interrupt_closers;
	ev_tstamp looked_for_ends; /* of connections that are not read from because of them */
	struct inventory inventory;
	struct estates estates;
	struct account *accounts;
	struct peer *peers; /* connected ones, ascending by id */
	struct peer **peers_end;
	struct peer *page; /* where a list of them, or of theirs, was read last; NULL: the end */
	uint32_t peer_count;
	uint32_t stranger_count; /* of them, those who may do nothing */
	uint32_t next_peer;
	struct peer *arriving;  /* whose unit is being looked for, on this strand */
	struct strand arrivals; /* peer.c readies it */
	double quiet;           /* whence.h; 0 where the kernel does not need it */
	struct port_session *port_sessions;
	struct port_use *port_uses; /* session/port/port_use.h */
	struct line_session *line_sessions;
	struct memory_session *memory_sessions;
	uint32_t session_count;
	uint32_t busy_devices; /* in transit: shutdown waits for them */
	struct counters counters;
	struct monitor_record *monitor_record; /* server/monitor.h; NULL: nobody listens */
	uint32_t monitor_count;
	uint64_t requests;         /* served since start */
	struct log_limit log;      /* of the lines that peers cause who are no client */
	struct log_limit refusals; /* and of what they are refused */
	ev_tstamp started;
	ev_timer keep;                        /* session/restart/keep.h */
	double keep_wait;                     /* what was not kept is tried again after it */
	bool follows_bus;                     /* devices that come and go are seen */
	struct hotplug *hotplug;              /* session/bus/hotplug.h; NULL: nobody looks */
	struct reload_waiter *reload_waiters; /* for the next reading to begin */
	bool reloading;                       /* the policy file is being read again */
	bool reload_again;   /* asked for meanwhile: it may have been read too early */
	bool policy_refused; /* the last time it was read */
	bool policy_unread;  /* and then for no mistake of its own */
	bool stopping;
	bool leaving; /* another one goes on: nothing more is begun */
};

/* What lives shorter is not kept for the daemon after this one. */
#define KEEP_SECONDS 0.1
/* As long as there is no room, that is looked for less and less often. */
#define KEEP_SECONDS_MAX 5.0

/* Something has come that is to be kept. */
static inline void broker_keep_soon(struct broker *broker)
{
	if (!store_works() || ev_is_active(&broker->keep))
		return;
	ev_timer_set(&broker->keep, KEEP_SECONDS, 0.0);
	ev_timer_start(broker->loop, &broker->keep);
}

#endif
