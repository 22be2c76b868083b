/* SPDX-License-Identifier: MIT */
/* A connection's birth, identity and end; peer_io.c moves its packets. */
#define _GNU_SOURCE /* struct ucred */
#include "server/peer.h"

#include "resume/note.h"
#include "resume/store.h"
#include "server/closer.h"
#include "server/happening.h"
#include "server/monitor.h"
#include "server/peer_io.h"
#include "server/whence.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Connections of one uid that no client section limits: operators' tools. And of all
 * uids together that may do nothing but be told so: a user can have many of them. */
enum { UNNAMED_CONNECTIONS = 16, STRANGERS_MAX = 256 };

/* Of root's tools beyond what a section of its allows: so many for one process, as above, so that
 * no program of root's that went astray keeps others out. Of all of them the oldest goes when
 * there are more. */
enum { ROOT_CONNECTIONS = 256 };

/* Connections whose unit is being looked for: of one uid, and of all together. */
enum { ARRIVING_OF_UID = 64, ARRIVING_MAX = 4096 };

/* At a start, for the units of all connections that are gone on with. */
#define RESUME_SECONDS 5.0

/* The kernel's word on who connected. A later change of the process, or a
 * socket that it hands to another, does not change it: PROTOCOL.md says so. */
static int read_credentials(struct peer *peer)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
		return -1;
	peer->pid = (uint32_t)credentials.pid;
	peer->subject.uid = credentials.uid;
	peer->subject.gid = credentials.gid;

	size = 0;
	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
		return size == 0 ? 0 : -1;
	peer->groups = malloc(size);
	if (peer->groups == NULL ||
	    getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &size) != 0)
		return -1;
	peer->subject.groups = peer->groups;
	peer->subject.group_count = size / sizeof(gid_t);
	return 0;
}

static void count_out(struct peer *peer)
{
	if (peer->counted && peer->account != NULL)
		peer->account->connections--;
	peer->counted = false;
}

static void count_in(struct peer *peer)
{
	peer->counted = peer->client != NULL;
	if (peer->counted)
		peer->account->connections++;
}

void peer_apply_policy(struct peer *peer)
{
	const struct policy *policy = peer->broker->policy;
	bool admitted = peer->id != 0, counts = peer->link != NULL && peer->account != NULL;

	count_out(peer);
	peer->client = policy_client_of(policy, &peer->subject);
	/* A connection stays the client that it was, or becomes nobody: its
	 * sessions are charged and logged under that name. */
	if (admitted && peer->client != NULL && strcmp(peer->client->name, peer->name) != 0)
		peer->client = NULL;
	if (counts)
		count_in(peer);
	peer->may_query = policy_may_query(policy, &peer->subject);
	if (peer->client != NULL)
		peer->limits = peer->client->limits;
}

struct closings *peer_closings(struct peer *peer)
{
	struct broker *broker = peer->broker;

	if (peer->account != NULL)
		return &peer->account->closings;
	return peer->may_query ? &broker->operators : &broker->strangers;
}

struct log_limit *peer_log_limit(const struct peer *peer)
{
	return peer->account != NULL ? &peer->account->log : &peer->broker->log;
}

struct log_limit *peer_use_limit(const struct peer *peer)
{
	return peer->account != NULL ? &peer->account->use : &peer->broker->log;
}

struct log_limit *peer_refusal_limit(const struct peer *peer)
{
	return peer->account != NULL ? &peer->account->refusals : &peer->broker->refusals;
}

uint32_t peer_connections_max(const struct peer *peer)
{
	return peer->client != NULL ? peer->limits.connections : UNNAMED_CONNECTIONS;
}

static bool is_roots_tool(const struct peer *peer)
{
	return peer->account == NULL && peer->client == NULL && peer->subject.uid == 0;
}

/* Other connections of the same client; if it is none of the same uid, and of root's the same
 * process. */
static uint32_t count_like(const struct peer *peer)
{
	uint32_t same = 0;

	if (peer->client != NULL)
		return peer->account->connections;
	for (const struct peer *other = peer->broker->peers; other != NULL; other = other->next)
		if (other->client == NULL && other->subject.uid == peer->subject.uid &&
		    (peer->subject.uid != 0 || other->pid == peer->pid))
			same++;
	return same;
}

/* Root administers also if its own section has as many connections as it may. */
static void become_tool(struct peer *peer)
{
	const struct account *account;

	if (peer->client == NULL || peer->subject.uid != 0)
		return;
	account = account_get(&peer->broker->accounts, peer->client->name);
	if (account == NULL || account->connections >= peer->limits.connections)
		peer->client = NULL;
}

static void make_room_for_root(struct broker *broker)
{
	struct peer *oldest = NULL;
	uint32_t tools = 0;

	for (struct peer *peer = broker->peers; peer != NULL; peer = peer->next) {
		if (!is_roots_tool(peer))
			continue;
		tools++;
		oldest = oldest != NULL ? oldest : peer;
	}
	if (tools >= ROOT_CONNECTIONS)
		peer_drop(oldest, "root has many others");
}

static int admit(struct peer *peer)
{
	peer_apply_policy(peer);
	become_tool(peer);
	if (is_roots_tool(peer))
		make_room_for_root(peer->broker);
	if (peer->client == NULL) {
		/* Enough for the query requests, which open nothing. */
		peer->limits = (struct policy_limits){ .requests = 4 };
		memcpy(peer->name, "-", 2);
	} else {
		memcpy(peer->name, peer->client->name, sizeof(peer->name));
		peer->account = account_get(&peer->broker->accounts, peer->name);
		if (peer->account == NULL)
			return -1;
	}
	/* One too many is told so when it says HELLO; of those, too, there may be
	 * only as many again, or the refusals would be a way to flood. */
	uint32_t limit = peer_connections_max(peer);
	uint32_t others = count_like(peer);
	peer->crowded = others >= limit;
	peer->stranger = peer->client == NULL && !peer->may_query;
	if (others < 2 * (uint64_t)limit &&
	    (!peer->stranger || peer->broker->stranger_count < STRANGERS_MAX))
		return 0;
	log_limited(peer_log_limit(peer), LOG_LEVEL_NOTICE,
	            "uid %u opens connections without end; one is refused", peer->subject.uid);
	return -1;
}

static void free_peer(struct peer *peer)
{
	session_table_free(&peer->sessions);
	free(peer->groups);
	free(peer);
}

void peer_note_live(const struct peer *peer)
{
	if (peer->note != 0)
		note_set_live(peer->note, !peer_is_idle(peer) || peer->unkept != 0);
}

/* At the end, so that the list is ascending by id, as paged lists need. */
static void enlist(struct peer *peer)
{
	struct broker *broker = peer->broker;

	peer->references = 1;
	peer->since = ev_now(broker->loop);
	peer->link = broker->peers_end;
	*peer->link = peer;
	broker->peers_end = &peer->next;
	broker->peer_count++;
	broker->stranger_count += peer->stranger;
	count_in(peer);
	peer_io_start(peer);
}

static void turn_away(struct peer *peer)
{
	closer_hang_up(peer->broker, peer_closings(peer), peer->fd);
	free_peer(peer);
}

/* Becomes one of the broker's peers. */
static void join(struct peer *peer)
{
	struct broker *broker = peer->broker;

	if (admit(peer) != 0) {
		turn_away(peer);
		return;
	}
	peer->id = ++broker->next_peer;
	enlist(peer);
	log_debug("connection %u: pid %u uid %u is client `%s'", peer->id, peer->pid,
	          peer->subject.uid, peer->name);
}

struct peer *peer_resume(struct broker *broker, int fd, uint32_t id, const char *name)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL) {
		closer_hang_up(broker, &broker->strangers, fd);
		return NULL;
	}
	peer->broker = broker;
	peer->fd = fd;
	peer->id = id;
	peer->greeted = true;
	peer->kept = true;
	/* Until its section says otherwise it may close what it has. */
	peer->limits = (struct policy_limits){ .requests = 4 };
	memcpy(peer->name, name, strnlen(name, sizeof(peer->name) - 1));
	peer->account = account_get(&broker->accounts, peer->name);
	if (peer->account == NULL || read_credentials(peer) != 0) {
		closer_hang_up(broker, &broker->strangers, fd);
		free_peer(peer);
		return NULL;
	}
	peer->place_unknown = "the policy did not ask for one: connect again";
	/* The loop does not run yet. All of them together may not hold up the start. */
	if (policy_asks_for_units(broker->policy)) {
		static double patience = RESUME_SECONDS;
		struct whence whence;
		whence_begin(&whence, fd, (pid_t)peer->pid, broker->quiet);
		peer->place_unknown = whence_end_within(&whence, &peer->place, &patience);
		peer->subject.place = peer->place_unknown == NULL ? &peer->place : NULL;
	}
	peer_apply_policy(peer);
	enlist(peer);
	ev_timer_stop(broker->loop, &peer->deadline);
	if (broker->next_peer < id)
		broker->next_peer = id;
	return peer;
}

static void forget_kept(struct peer *peer)
{
	char name[STORE_NAME];

	note_drop(peer->note);
	peer->note = 0;
	if (!peer->kept)
		return;
	peer->kept = false;
	snprintf(name, sizeof(name), "p%u", peer->id);
	store_drop(name, false);
}

/* ---- the unit ---- */

struct arrival {
	struct job job;
	struct peer *peer;
	struct whence whence;
	const char *why;
};

static void run_arrival(struct job *job)
{
	struct arrival *self = (struct arrival *)job;

	self->why = whence_end(&self->whence, &self->peer->place);
}

static void done_arrival(struct job *job)
{
	struct arrival *self = (struct arrival *)job;
	struct peer *peer = self->peer;
	struct broker *broker = peer->broker;

	*peer->link = peer->next;
	if (peer->next != NULL)
		peer->next->link = peer->link;
	peer->next = NULL;
	broker->busy_devices--;
	peer->place_unknown = self->why;
	peer->subject.place = self->why == NULL ? &peer->place : NULL;
	free(self);
	if (broker->stopping)
		turn_away(peer);
	else
		join(peer);
}

static bool is_flood(const struct peer *peer)
{
	uint32_t same = 0, all = 0;

	for (const struct peer *other = peer->broker->arriving; other != NULL;
	     other = other->next) {
		all++;
		same += other->subject.uid == peer->subject.uid;
	}
	/* Root waits for its turn, but comes to it. */
	return same >= ARRIVING_OF_UID || (all >= ARRIVING_MAX && peer->subject.uid != 0);
}

static void look_for_unit(struct peer *peer)
{
	struct broker *broker = peer->broker;
	struct arrival *arrival = is_flood(peer) ? NULL : calloc(1, sizeof(*arrival));

	if (arrival == NULL) {
		log_limited(&broker->log, LOG_LEVEL_NOTICE,
		            "uid %u opens connections faster than their units are found; one is "
		            "refused",
		            peer->subject.uid);
		turn_away(peer);
		return;
	}
	arrival->job.run = run_arrival;
	arrival->job.done = done_arrival;
	arrival->peer = peer;
	whence_begin(&arrival->whence, peer->fd, (pid_t)peer->pid, broker->quiet);
	peer->next = broker->arriving;
	if (peer->next != NULL)
		peer->next->link = &peer->next;
	peer->link = &broker->arriving;
	broker->arriving = peer;
	/* So that the end waits for it. */
	broker->busy_devices++;
	if (broker->arrivals.workers == NULL)
		strand_init(&broker->arrivals, broker->workers, NULL);
	strand_submit(&broker->arrivals, &arrival->job);
}

void peer_accept(struct broker *broker, int fd)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	if (peer == NULL) {
		closer_hang_up(broker, &broker->strangers, fd);
		return;
	}
	peer->broker = broker;
	peer->fd = fd;
	peer->place_unknown = "it connected before the policy asked for one: connect again";
	if (read_credentials(peer) != 0) {
		log_limited(&broker->log, LOG_LEVEL_WARNING,
		            "a connection's credentials cannot be read: %s; refused",
		            strerror(errno));
		turn_away(peer);
	} else if (policy_asks_for_units(broker->policy)) {
		look_for_unit(peer);
	} else {
		join(peer);
	}
}

void peer_drop(struct peer *peer, const char *why)
{
	struct broker *broker = peer->broker;

	if (!peer_connected(peer))
		return;
	log_debug("connection %u (%s, pid %u) ends: %s", peer->id, peer->name, peer->pid, why);
	monitor_stop(peer);
	peer_io_stop(peer);
	forget_kept(peer);
	closer_hang_up(broker, peer_closings(peer), peer->fd);
	peer->fd = -1;
	*peer->link = peer->next;
	if (peer->next != NULL)
		peer->next->link = peer->link;
	else
		broker->peers_end = peer->link;
	if (broker->page == peer)
		broker->page = peer->next;
	broker->peer_count--;
	broker->stranger_count -= peer->stranger;
	count_out(peer);
	broker->handler->closed(peer);
	if (peer->greeted)
		happened(broker, &(struct happening){ .kind = HAPPENED_DISCONNECTED,
		                                      .peer = peer,
		                                      .reason = why });
	/* Requests that are still in flight must not outlive the policy with it. */
	peer->client = NULL;
	peer_release(peer);
}

const struct peer *peer_from(struct broker *broker, uint64_t id)
{
	struct peer *peer = broker->page;

	/* A list goes on where the page before ended, mostly. */
	if (peer == NULL || peer->id > id)
		peer = broker->peers;
	while (peer != NULL && peer->id < id)
		peer = peer->next;
	broker->page = peer;
	return peer;
}

void peer_reference(struct peer *peer)
{
	peer->references++;
}

void peer_release(struct peer *peer)
{
	if (--peer->references == 0)
		free_peer(peer);
}
