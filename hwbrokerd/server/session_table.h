/* SPDX-License-Identifier: MIT */
/*
 * The open sessions of one connection, by handle. Handles rise and are never
 * used twice, so an old one can never name something new.
 */
#ifndef HWBROKERD_SERVER_SESSION_TABLE_H
#define HWBROKERD_SERVER_SESSION_TABLE_H

#include "util/fault.h"

#include <stdbool.h>
#include <stddef.h>

struct peer;

/* What is left of a session that was taken away: its handle, which answers HWB_GONE
 * until the client has closed it. */
#define SESSION_TAKEN ((enum hwb_session_kind)0xff)

/* The head of every session object. */
struct session {
	uint32_t handle;
	enum hwb_session_kind kind;
	bool taken;    /* by the broker: the handle is to stay */
	bool unnoted;  /* there was no room for: */
	uint32_t note; /* note.h; 0: none */
	struct peer *peer;
};

struct session_table {
	struct session **items; /* ascending by handle */
	uint32_t count;
	uint32_t capacity;
	uint32_t last_handle;
};

/* Gives the session a handle. HWB_QUOTA at `max`. */
int session_table_add(struct session_table *table, struct session *session, uint32_t max,
                      struct fault *fault);
/* Index of the first one with a handle of at least `handle`. */
uint32_t session_table_from(const struct session_table *table, uint32_t handle);
/* NULL: no such handle, or (with a kind other than 0) of another kind. */
struct session *session_table_find(const struct session_table *table, uint32_t handle,
                                   unsigned kind);
/* The same, and says why not: HWB_NO_SESSION, or HWB_GONE if it was taken away. */
struct session *session_table_need(const struct session_table *table, uint32_t handle,
                                   enum hwb_session_kind kind, struct fault *fault);
/* Puts a session under the handle that it has already, which is free. -1: no memory. */
int session_table_put(struct session_table *table, struct session *session);
/* Puts `other` in the place of a session, under its handle. */
void session_table_replace(struct session_table *table, const struct session *session,
                           struct session *other);
void session_table_remove(struct session_table *table, const struct session *session);
void session_table_free(struct session_table *table);

#endif
