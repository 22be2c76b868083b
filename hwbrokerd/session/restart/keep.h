/* SPDX-License-Identifier: MIT */
/*
 * Keeping sessions over the end of this process, be it a restart or a crash.
 *
 * What a connection has is noted as it comes and goes, before the request is over that
 * changes it (resume/note.h). The descriptors behind it are kept by the service manager
 * (resume/store.h), a moment later, so that what lives shorter costs the manager nothing, and
 * nobody who asks for a device waits for it. A connection of which something is under
 * way, or not kept yet, when the process ends without warning ends with it.
 */
#ifndef HWBROKERD_SESSION_KEEP_H
#define HWBROKERD_SESSION_KEEP_H

#include "session/session.h"

void keep_start(struct broker *broker);
void keep_stop(struct broker *broker);

/* What is noted of the connection itself has changed, if it is noted already. */
void keep_peer_changed(struct peer *peer);
/* Notes a session that is complete, or has changed. */
void keep_session(struct session *session);
/* It is open no more. */
void keep_forget(struct session *session);

/* Its device was opened, or opened anew: there are other descriptors to keep. Before the request
 * is over that it was opened for. */
void keep_opened(struct device_session *owner);

void keep_mapping(struct domain *domain, const struct kernel_mapping *mapping);
/* What the ledger has a note of. */
void keep_unmapped(struct domain *domain, uint64_t iova);

/* Connections that would end with this process, since there is no room for all that they have. */
uint32_t keep_lost(const struct broker *broker);

/* Name of the eventfd of a vector, of the unmask eventfd (KEEP_UNMASK), or of the UIO device of
 * a line (KEEP_UIO). */
#define KEEP_UNMASK UINT32_MAX
#define KEEP_UIO (UINT32_MAX - 1)
void keep_name_irq(uint32_t id, uint32_t vector, char *name, size_t size);

/* Begins nothing more, so that another process can go on. */
void keep_leave(struct broker *broker);
/* Whether all that was begun is over, and kept. */
bool keep_is_ready(struct broker *broker);

#endif
