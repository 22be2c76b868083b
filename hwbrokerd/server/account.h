/* SPDX-License-Identifier: MIT */
/*
 * What each client of the policy uses, over all of its connections. An account
 * outlives connections, because memory of a dead client stays pinned, and
 * charged, until its device can no longer reach it.
 */
#ifndef HWBROKERD_SERVER_ACCOUNT_H
#define HWBROKERD_SERVER_ACCOUNT_H

#include "policy/policy.h"
#include "resume/store.h"
#include "server/closings.h"
#include "util/log.h"
#include "work/strand.h"

/* Threads that one client may keep busy with its DMA memory; with closing. */
enum { ACCOUNT_THREADS = 2, ACCOUNT_CLOSERS = 2 };

struct account {
	struct account *next;
	char client[HWB_NAME_SIZE];
	uint32_t connections; /* that may do what its section says */
	uint32_t mappings;
	uint64_t bytes;
	uint64_t requests;        /* served since start */
	struct lane lane;         /* of its domains' strands */
	struct closings closings; /* of what it sent */
	struct log_limit log;     /* of what is wrong with what it sends */
	struct log_limit use;     /* of what it gets and gives back */
	struct log_limit refusals;
	struct store_share share; /* of what outlives this process */
};

/* The account of that name, made if absent. NULL: no memory. */
struct account *account_get(struct account **accounts, const char *client);

/* Books one mapping of `bytes`, or fails with HWB_QUOTA and books nothing. */
int account_charge(struct account *account, const struct policy_limits *limits, uint64_t bytes,
                   struct fault *fault);
void account_refund(struct account *account, uint32_t mappings, uint64_t bytes);

void account_free_all(struct account **accounts);

#endif
