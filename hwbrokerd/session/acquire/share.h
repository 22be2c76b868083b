/* SPDX-License-Identifier: MIT */
/*
 * How many devices of a rule each client has, and all clients together: the keys `count' and
 * `total'. Counted anew each time, by the policy in force, so that nothing has to be kept
 * when that is replaced.
 */
#ifndef HWBROKERD_SESSION_SHARE_H
#define HWBROKERD_SESSION_SHARE_H

#include "session/acquire/assess.h"

/* Whether the rule that `verdict` names gives `asker` one more. What is being acquired counts,
 * and what was given back until it is at rest and nobody has registers of it, but not
 * `wanted`, which may be NULL. If not, HWB_QUOTA; and `busy` receives one of those that count
 * which is on its way to rest, or NULL. */
int share_check(const struct asker *asker, const struct device *wanted,
                const struct policy_verdict *verdict, struct device **busy, struct fault *fault);

#endif
