/* SPDX-License-Identifier: MIT */
/*
 * Whether somebody may have a device, or ports, now, and why not: what the policy says, and
 * what of the broker's and the host's state is in the way. Acquiring asks step by step, and
 * ends at the first no; an operator who has it explained gets all of them.
 */
#ifndef HWBROKERD_SESSION_ASSESS_H
#define HWBROKERD_SESSION_ASSESS_H

#include "device/operate.h"
#include "server/peer.h"

/* Who wants it: a connection, or a client of which there may be none. */
struct asker {
	const struct broker *broker;
	const struct policy_client *client; /* NULL: none, to whom nothing is given */
	const char *name;
	const struct peer *peer; /* NULL: not connected */
};

static inline struct asker asker_of(const struct peer *peer)
{
	return (struct asker){ peer->broker, peer->client, peer->name, peer };
}

enum assess_step {
	ASSESS_POLICY, /* a rule gives it to the client */
	ASSESS_HOST,   /* the kernel lets the broker give devices away */
	ASSESS_STATE,  /* nobody has it, and it is fit */
	ASSESS_GROUP,  /* nor has anybody a neighbour of its IOMMU group */
	ASSESS_SHARE,  /* its rule has one more: `count', `total' */
	ASSESS_STEPS
};

/* A word for programs: "policy", "host"... */
const char *assess_code(enum assess_step step);

/* 0, or -1 and the reason. `verdict` receives the policy's, or, for ASSESS_SHARE, is that.
 * `busy`, which may be NULL, receives for ASSESS_SHARE whom it is worth to wait for, or NULL. */
int assess_device(const struct asker *asker, const struct device *device, enum assess_step step,
                  struct policy_verdict *verdict, struct device **busy, struct fault *fault);

/* Which functions have to be with vfio-pci, the wanted one first, and whether this client may
 * take them. What is asked of them then is operate_may_take()'s. */
int assess_targets(const struct asker *asker, struct device *device,
                   struct operate_targets *targets, struct fault *fault);

/* Whether it may have this memory, which is no BAR; and whether another connection has some of
 * it. What the host says of it (kernel/iomem.h) is for a worker to ask. */
int assess_memory(const struct asker *asker, uint64_t base, uint64_t size,
                  struct policy_verdict *verdict, struct fault *fault);

/* Whether it may have these ports, which are legacy ones. */
int assess_ports(const struct asker *asker, uint32_t base, uint32_t count,
                 struct policy_verdict *verdict, struct fault *fault);
/* Whether the host has ports to give; and whether another connection has some of these. */
int assess_ports_of_host(const struct broker *broker, struct fault *fault);
int assess_ports_free(const struct asker *asker, uint32_t base, uint32_t count,
                      struct fault *fault);

/* Likewise an interrupt line. What is polled is nobody's alone; `uio`: it is not. */
int assess_line(const struct asker *asker, uint32_t number, struct policy_verdict *verdict,
                struct fault *fault);
int assess_lines_of_host(struct fault *fault);
int assess_line_free(const struct asker *asker, uint32_t number, bool uio, struct fault *fault);

#endif
