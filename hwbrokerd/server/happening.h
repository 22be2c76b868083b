/* SPDX-License-Identifier: MIT */
/*
 * That something happened which somebody may want to know of: who got what, by which
 * rule, who was refused, what was given back or taken. It is told in one place, once,
 * where it happens; who listens (session/admin/happening.h) is no concern of that place.
 */
#ifndef HWBROKERD_SERVER_HAPPENING_H
#define HWBROKERD_SERVER_HAPPENING_H

#include "policy/policy.h"

struct broker;
struct device;
struct peer;

enum happening_kind {
	HAPPENED_GRANTED,        /* a device */
	HAPPENED_REFUSED,        /* a request, of whatever kind */
	HAPPENED_ASKED_BACK,     /* a device */
	HAPPENED_REVOKED,        /* a device, ports, a line: taken, whatever the client wants */
	HAPPENED_HELD,           /* given back or taken, but somebody still has its registers */
	HAPPENED_RELEASED,       /* a device: at rest again */
	HAPPENED_QUARANTINED,    /* did not come to rest */
	HAPPENED_CLEARED,        /* let out of that */
	HAPPENED_PORTS_GRANTED,  /* legacy ones, or of an I/O BAR */
	HAPPENED_PORTS_RELEASED, /* by the client */
	HAPPENED_CONNECTED,
	HAPPENED_DISCONNECTED,
	HAPPENED_NOT_ADMITTED,
	HAPPENED_POLICY_LOADED, /* another one is in force */
	HAPPENED_POLICY_REFUSED,
	HAPPENED_DEVICE_ARRIVED,
	HAPPENED_DEVICE_LEFT,
	HAPPENED_LINE_OPENED, /* an interrupt line of the PC */
	HAPPENED_LINE_CLOSED,
	HAPPENED_MEMORY_GRANTED,  /* that is of no device */
	HAPPENED_MEMORY_RELEASED, /* by the client */
	HAPPENED_KINDS
};

/* All that is not known is zero. Texts last until happened() returns. */
struct happening {
	enum happening_kind kind;
	const struct peer *peer; /* who did it, or has it; connected or not */
	/* The same for who has no connection any more. From `peer` if that is given. */
	const char *client;
	uint32_t uid, pid;
	const struct device *device;
	uint32_t port, port_count;
	bool has_line;
	uint32_t line;
	const char *resource;   /* in words; from what is above if it is not given */
	const char *rule;       /* by which it was given: "[device net] at FILE:LINE" */
	uint32_t opcode;        /* of the request: REFUSED, NOT_ADMITTED */
	enum hwb_status status; /* HWB_OK: nothing went wrong */
	const char *reason;     /* a sentence or part of one */
	const char *candidates; /* REFUSED: what was thought of, and why each would not do */
};

/* Tells all who listen. On the loop. */
void happened(struct broker *broker, const struct happening *what);

/* What `rule` above is made of. "": no rule decided. */
enum {
	HAPPENING_RULE_SIZE = sizeof(((struct policy_verdict *)0)->section) +
	                      sizeof(((struct policy_verdict *)0)->file) + 24
};
void happening_cite(const struct policy_verdict *verdict, char text[HAPPENING_RULE_SIZE]);

#endif
