/* SPDX-License-Identifier: MIT */
#include "session/port/port_use.h"

#include "session/session.h"

#include <stdlib.h>

enum { PORTS = 0x10000 };

/* Of one port. */
struct port_use {
	const struct peer *peer;
	uint32_t sessions; /* 0: nobody's */
};

int port_use_begin(struct broker *broker, struct port_session *session)
{
	/* All zeros, so that only what is in use costs memory. */
	if (broker->port_uses == NULL)
		broker->port_uses = calloc(PORTS, sizeof(struct port_use));
	if (broker->port_uses == NULL)
		return -1;
	for (uint32_t port = session->base; port < session->base + session->count; port++) {
		struct port_use *use = &broker->port_uses[port];
		use->peer = session->session.peer;
		use->sessions++;
	}
	session->next = broker->port_sessions;
	session->link = &broker->port_sessions;
	if (session->next != NULL)
		session->next->link = &session->next;
	broker->port_sessions = session;
	return 0;
}

void port_use_end(struct broker *broker, struct port_session *session)
{
	*session->link = session->next;
	if (session->next != NULL)
		session->next->link = session->link;
	for (uint32_t port = session->base; port < session->base + session->count; port++)
		broker->port_uses[port].sessions--;
}

bool port_use_is_free(const struct broker *broker, const struct peer *peer, uint32_t base,
                      uint32_t count)
{
	if (broker->port_uses == NULL)
		return true;
	for (uint32_t port = base; port < base + count; port++) {
		const struct port_use *use = &broker->port_uses[port];
		if (use->sessions != 0 && use->peer != peer)
			return false;
	}
	return true;
}

uint32_t port_use_change(const struct broker *broker, uint32_t base, uint32_t end, bool *used)
{
	*used = broker->port_uses[base].sessions != 0;
	while (base < end && (broker->port_uses[base].sessions != 0) == *used)
		base++;
	return base;
}
