/* SPDX-License-Identifier: MIT */
/* The two halves of ADMIN_EXPLAIN: what the policy and the state of things say, told on the loop
 * (explain.c), and what the host says, looked at by a worker (explain_host.c). */
#ifndef HWBROKERD_SESSION_ADMIN_EXPLAIN_OWN_H
#define HWBROKERD_SESSION_ADMIN_EXPLAIN_OWN_H

#include "session/acquire/assess.h"
#include "session/admin/findings.h"
#include "session/admin/query.h"

struct explain {
	struct query query;
	uint64_t cursor;
	struct findings findings;
	/* For the worker. */
	bool has_memory;
	uint64_t memory, memory_size;
	struct policy_access access;
	bool has_device;
	bool has_line; /* and the policy gives it */
	uint32_t line;
	struct policy_line terms;
	struct operate_targets targets;
	struct policy_grant grant;
	uint32_t group;
	bool remapping;
	bool lockdown;
	bool keeps_descriptors;
	bool iommu;  /* of some devices */
	bool unsafe; /* no IOMMU, and devices are given away all the same */
	bool intx_only;
	const char *driver;
	char name[16];
};

/* On a worker: adds to the findings. */
void explain_host(struct explain *self);

#endif
