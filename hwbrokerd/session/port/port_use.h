/* SPDX-License-Identifier: MIT */
/*
 * Who has which ports, of those that sessions are open for: told at once for each port, however
 * many sessions there are. Sessions of one connection may overlap, those of others may not.
 */
#ifndef HWBROKERD_SESSION_PORT_USE_H
#define HWBROKERD_SESSION_PORT_USE_H

#include <stdbool.h>
#include <stdint.h>

struct broker;
struct peer;
struct port_session;

/* Puts a session among the open ones, and takes it out again. -1: no memory. */
int port_use_begin(struct broker *broker, struct port_session *session);
void port_use_end(struct broker *broker, struct port_session *session);

/* Whether none of them is in use by another than `peer` (NULL: by anybody). */
bool port_use_is_free(const struct broker *broker, const struct peer *peer, uint32_t base,
                      uint32_t count);

/* From `base` on, below `end`: where it changes whether ports are in use. `used`: whether those
 * before are. */
uint32_t port_use_change(const struct broker *broker, uint32_t base, uint32_t end, bool *used);

#endif
