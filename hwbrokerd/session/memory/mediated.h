/* SPDX-License-Identifier: MIT */
/*
 * Registers that a client has no descriptor of, as its rule says `grant = mediated': its
 * batches go through VFIO's descriptor of the device, which is ours alone. And the descriptor
 * itself, for `grant = device'.
 */
#ifndef HWBROKERD_SESSION_MEDIATED_H
#define HWBROKERD_SESSION_MEDIATED_H

#include "session/session.h"

/* How the connection has the device, or would have it: it is asked for before it is granted. */
enum policy_way mediated_way(const struct peer *peer, const struct device *device);

/* For a region of BAR `bar`, which begins at `offset` in it. It frees itself when it is closed.
 * NULL: no memory. */
struct batcher *mediated_new(const struct peer *peer, struct device *device, uint32_t bar,
                             uint64_t offset, uint64_t size);

/* A window on ports of the I/O BAR that has `base`. `reach` must live as long. */
struct batch_window mediated_ports(struct mediated_reach *reach, const struct peer *peer,
                                   struct device *device, uint32_t base, uint32_t count);

#endif
