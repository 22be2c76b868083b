/* SPDX-License-Identifier: MIT */
/* The parts of policy_decide() that are in files of their own. */
#ifndef HWBROKERD_POLICY_DECIDE_H
#define HWBROKERD_POLICY_DECIDE_H

#include "policy/rules.h"

void decide_memory(const struct policy *policy, const struct policy_client *client,
                   const struct policy_resource *resource, struct policy_verdict *verdict);

#endif
