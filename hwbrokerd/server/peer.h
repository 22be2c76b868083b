/* SPDX-License-Identifier: MIT */
/*
 * One connection: who it is, what it holds, and how packets get in and out.
 *
 * Both directions are bounded. A peer is not read from while it has as many
 * requests in flight as it may, or while replies wait for it to read; one that
 * does not read for PEER_WRITE_SECONDS is dropped. Events take no queue space:
 * the newest per device is kept and sent when there is room.
 */
#ifndef HWBROKERD_SERVER_PEER_H
#define HWBROKERD_SERVER_PEER_H

#include "server/account.h"
#include "server/broker.h"
#include "server/session_table.h"

#define PEER_HELLO_SECONDS 10.0
#define PEER_WRITE_SECONDS 5.0

struct out_packet;
struct event_slot;

struct peer {
	struct broker *broker;
	struct peer *next;
	struct peer **link;
	uint32_t id;
	uint32_t references; /* the connection, and each request in flight */
	int fd;              /* -1: hung up; only requests in flight keep it */

	uint32_t pid; /* as the kernel said at connect; for people only */
	struct policy_subject subject;
	gid_t *groups;
	struct unit_place place;   /* subject.place, if that is known */
	const char *place_unknown; /* why not */

	const struct policy_client *client; /* NULL: may query at most */
	struct policy_limits limits;
	char name[HWB_NAME_SIZE];
	struct account *account;
	bool may_query;
	bool crowded; /* one connection too many: HELLO is refused */
	bool greeted;
	bool last_words; /* hang up once the queue is sent */
	bool broken;     /* hang up as soon as nobody serves it */
	bool stranger;   /* neither client nor operator, when it connected */
	bool counted;    /* in its account's connections */
	bool has_ports;  /* natively, or its children have, once it has opened them */

	ev_io reader;
	ev_io writer;
	ev_timer deadline;
	struct out_packet *queue;
	struct out_packet **queue_end;
	struct event_slot *events;
	bool monitors;   /* is told what happens: monitor.h */
	uint64_t heard;  /* of that, and lost, so far */
	uint32_t missed; /* and more that nobody has counted: 0 or 1 */

	struct session_table sessions;
	uint32_t kept_ports; /* sessions that were taken, and count until it hangs up */
	uint32_t pending;    /* requests in flight */
	uint32_t closing;    /* descriptors of its packets that are being closed */
	uint64_t requests;
	ev_tstamp since;

	/* For the daemon after this one: peer_note_live(). */
	uint32_t note;    /* of the connection; 0: none yet */
	uint32_t handles; /* noted: no handle above was given out */
	uint32_t unkept;  /* things of it that it needs and that are not kept yet */
	bool kept;        /* its socket: "p" and its id in the store */
	bool dirty;       /* some of its sessions are not kept yet */
	bool in_hand;     /* one of its packets is being read or served */

	bool pipelines; /* sends requests before it has answers: peer_io.c */
	uint8_t tried;
};

/* Takes over a connected socket, finds out who it is: in which unit, too, if the policy asks for
 * that, and then it becomes one of the broker's peers later. On failure the socket is
 * closed and nothing else happened. */
void peer_accept(struct broker *broker, int fd);

/* The same with a connection that the daemon before this one had: who it is by the kernel,
 * and that it had the right of HELLO under `name`. NULL: it is closed. Ids are given
 * in ascending order. */
struct peer *peer_resume(struct broker *broker, int fd, uint32_t id, const char *name);

/* Says beside its note whether something of it is under way, that would be lost if this
 * process ended now: then the next one does not go on with the connection. */
void peer_note_live(const struct peer *peer);
static inline bool peer_is_idle(const struct peer *peer)
{
	return !peer->in_hand && peer->pending == 0 && peer->queue == NULL && peer->events == NULL;
}

/* Hangs up and gives back all that it holds. The peer itself lives on until
 * its last request has ended. */
void peer_drop(struct peer *peer, const char *why);

static inline bool peer_connected(const struct peer *peer)
{
	return peer->fd >= 0;
}

/* Of what this peer sends. */
struct closings *peer_closings(struct peer *peer);
/* Of the log lines that this peer causes by what it does wrong; of those about what a
 * client gets and gives back; and of those about what it is refused. */
struct log_limit *peer_log_limit(const struct peer *peer);
struct log_limit *peer_use_limit(const struct peer *peer);
struct log_limit *peer_refusal_limit(const struct peer *peer);

/* How many connections this peer's client, or uid, may have. */
uint32_t peer_connections_max(const struct peer *peer);

/* The first connection with at least that id; NULL: there is none. For lists in pages, which take
 * no longer the further they are. */
const struct peer *peer_from(struct broker *broker, uint64_t id);

void peer_reference(struct peer *peer);
void peer_release(struct peer *peer);

/* Reads on or pauses, by what is in flight and queued. */
void peer_update(struct peer *peer);

/* Sends a message, at once or when the peer reads. `fds` stay the caller's. A
 * peer that has hung up is none of the caller's concern. */
void peer_send(struct peer *peer, const struct hwb_header *header, const void *body, size_t length,
               const int *fds, uint32_t fd_count);

/* Tells of a device; replaces an older event about it that was not sent yet. `grace_ms`
 * is for HWB_CHANGE_ASKED_BACK, else 0. */
void peer_event(struct peer *peer, const struct hwb_pci_address *address, uint32_t session,
                enum hwb_device_change change, uint32_t grace_ms);
/* Tells that the policy was replaced. */
void peer_policy_event(struct peer *peer);

/* Looks again under which section of the policy the peer falls. */
void peer_apply_policy(struct peer *peer);

#endif
