/* SPDX-License-Identifier: MIT */
/*
 * What a connection can hold. Each kind is a small object with an open (the
 * serve_ functions), its service, and a close; the file of that name has all
 * three. Sessions belong to the loop; jobs carry what they need of them.
 */
#ifndef HWBROKERD_SESSION_SESSION_H
#define HWBROKERD_SESSION_SESSION_H

#include "device/device.h"
#include "server/request.h"
#include "session/ledger.h"

struct domain;
struct irq_session;

/* A device that the connection owns. */
struct device_session {
	struct session session;
	struct device *device;
	struct domain *domain;   /* that it is assigned to, or being; NULL: none */
	struct irq_session *irq; /* open, or being opened; NULL: none */
};

/* A BAR's descriptor that was handed out, be it memory or ports. */
struct region_session {
	struct session session;
	struct device *device;
	struct hwb_region region;
	uint32_t bar;
};

struct port_session {
	struct session session;
	struct port_session *next; /* all that are open, of all connections */
	struct port_session **link;
	struct device *device; /* whose I/O BAR it is; NULL: legacy ports */
	uint32_t base;
	uint32_t count;
};

struct irq_session {
	struct session session; /* handle 0 until it is open */
	struct device *device;
	uint32_t references; /* the session, and each job that uses the descriptors */
	enum hwb_irq_type type;
	uint32_t count;
	bool enabled;
	int unmask_fd; /* INTx, else -1 */
	int fds[];     /* trigger eventfds */
};

/* A DMA domain. Outlives its session until no device is in it. */
struct domain {
	struct session session;
	struct broker *broker;
	struct strand strand; /* of map and unmap */
	struct kernel_domain *kernel;
	struct ledger ledger;
	struct account *account;
	uint32_t users; /* devices in it, coming or going */
	bool closed;
};

/* Adds to the peer's table and counts. */
int session_publish(struct peer *peer, struct session *session, struct fault *fault);
/* Takes out of the table; the object stays the caller's. */
void session_withdraw(struct session *session);

/* Ends a session of any kind and what hangs on it. */
void session_close(struct session *session);
void session_close_all(struct peer *peer);

/* One line for people: what the session is about. */
void session_describe(const struct session *session, char *text, size_t size);

/* The kinds' own parts of the above. */
void device_session_close(struct device_session *session);
void region_close(struct region_session *session);
void port_close(struct port_session *session);
void irq_close(struct irq_session *irq);
void domain_close(struct domain *domain);

/* A device left the domain, or never came in. Frees it if that was the last. */
void domain_leave(struct domain *domain);

void irq_release(struct irq_session *irq);

#endif
