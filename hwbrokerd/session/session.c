/* SPDX-License-Identifier: MIT */
#include "session/session.h"

#include "session/irq/line.h"
#include "session/memory/memory.h"
#include "session/restart/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int session_publish(struct peer *peer, struct session *session, struct fault *fault)
{
	session->peer = peer;
	if (session_table_add(&peer->sessions, session, peer->limits.sessions, fault) != 0)
		return -1;
	peer->broker->session_count++;
	return 0;
}

void session_withdraw(struct session *session)
{
	struct session_table *table = &session->peer->sessions;
	struct session *rest = session->taken ? calloc(1, sizeof(*rest)) : NULL;

	session->peer->broker->session_count--;
	keep_forget(session);
	/* Without memory, the handle is as if it had been closed. */
	if (rest == NULL) {
		session_table_remove(table, session);
		return;
	}
	rest->kind = SESSION_TAKEN;
	rest->peer = session->peer;
	session_table_replace(table, session, rest);
	keep_session(rest);
}

bool session_hangs_on(const struct session *session, const struct device *device)
{
	return (session->kind == HWB_SESSION_IO_MEM &&
	        ((const struct region_session *)session)->device == device) ||
	       (session->kind == HWB_SESSION_IO_PORT &&
	        ((const struct port_session *)session)->device == device);
}

static void forget_taken(struct session *rest)
{
	keep_forget(rest);
	session_table_remove(&rest->peer->sessions, rest);
	free(rest);
}

void session_close(struct session *session, const struct request *request)
{
	/* The answer first: what closing a device still has to do is told by an event. */
	if (request != NULL && session->kind != HWB_SESSION_IRQ &&
	    session->kind != HWB_SESSION_DOMAIN)
		request_reply(request, session->handle, NULL, 0, NULL, 0);
	if (session->kind == SESSION_TAKEN) {
		forget_taken(session);
		return;
	}
	switch (session->kind) {
	case HWB_SESSION_DEVICE:
		device_session_close((struct device_session *)session);
		break;
	case HWB_SESSION_IO_MEM:
		region_close((struct region_session *)session);
		break;
	case HWB_SESSION_IO_PORT:
		port_close((struct port_session *)session);
		break;
	case HWB_SESSION_IRQ:
		irq_close((struct irq_session *)session, request);
		break;
	case HWB_SESSION_DOMAIN:
		domain_close((struct domain *)session, request);
		break;
	case HWB_SESSION_LINE:
		line_close((struct line_session *)session);
		break;
	}
}

void session_close_all(struct peer *peer)
{
	struct session_table *table = &peer->sessions;

	/* Devices first: they come to rest before their domains are torn down.
	 * Closing one takes its regions and interrupts along, so look anew. */
	for (uint32_t i = 0; i < table->count;) {
		if (table->items[i]->kind == HWB_SESSION_DEVICE) {
			session_close(table->items[i], NULL);
			i = 0;
		} else {
			i++;
		}
	}
	while (table->count != 0)
		session_close(table->items[table->count - 1], NULL);
	port_forget(peer);
	memory_forget(peer);
}

static void describe_region(const struct region_session *session, char *text, size_t size)
{
	const struct hwb_region *region = &session->region;

	if (region_is_memory(session)) {
		memory_describe(session, text, size);
		return;
	}
	if (session->bar == HWB_BAR_ROM) {
		snprintf(text, size, "%s option ROM copy", session->device->name);
		return;
	}
	snprintf(text, size, "%s BAR %u 0x%" PRIx64 "-0x%" PRIx64 "%s%s", session->device->name,
	         session->bar, region->base, region->base + region->size - 1,
	         (region->flags & HWB_REGION_IO) != 0   ? " ports"
	         : (region->flags & HWB_REGION_WC) != 0 ? " wc"
	                                                : "",
	         session->batcher != NULL ? " mediated" : "");
}

void session_describe(const struct session *session, char *text, size_t size)
{
	static const char *const irq_types[] = { "", "INTx", "MSI", "MSI-X" };

	switch (session->kind) {
	case HWB_SESSION_DEVICE:
		snprintf(text, size, "%s%s", ((const struct device_session *)session)->device->name,
		         ((const struct device_session *)session)->domain != NULL ? " with DMA"
		                                                                  : "");
		break;
	case HWB_SESSION_IO_MEM:
		describe_region((const struct region_session *)session, text, size);
		break;
	case HWB_SESSION_IO_PORT: {
		const struct port_session *port = (const struct port_session *)session;
		snprintf(text, size, "ports 0x%x-0x%x", port->base, port->base + port->count - 1);
		break;
	}
	case HWB_SESSION_IRQ: {
		const struct irq_session *irq = (const struct irq_session *)session;
		snprintf(text, size, "%s %s, %u vector%s%s", irq->device->name,
		         irq_types[irq->type], irq->count, irq->count == 1 ? "" : "s",
		         irq->enabled ? "" : ", not enabled");
		break;
	}
	case HWB_SESSION_LINE:
		line_describe((const struct line_session *)session, text, size);
		break;
	case HWB_SESSION_DOMAIN: {
		const struct domain *domain = (const struct domain *)session;
		snprintf(text, size, "%u mappings, %" PRIu64 " bytes, %u device%s",
		         domain->ledger.count, domain->ledger.bytes, domain->users,
		         domain->users == 1 ? "" : "s");
		break;
	}
	}
}
