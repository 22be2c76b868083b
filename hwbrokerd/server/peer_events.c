/* SPDX-License-Identifier: MIT */
#include "server/peer_events.h"

#include "server/monitor.h"
#include "server/peer_io.h"

#include <stdlib.h>
#include <string.h>

struct event_slot {
	struct event_slot *next;
	struct hwb_header header;
	struct hwb_device_event event;
	uint32_t length; /* of the body: 0 for EVENT_POLICY */
};

static void send_events(struct peer *peer)
{
	while (peer->queue == NULL && peer->events != NULL && peer->greeted && !peer->broken) {
		struct event_slot *slot = peer->events;
		struct iovec parts[2] = {
			{ .iov_base = &slot->header, .iov_len = sizeof(slot->header) },
			{ .iov_base = &slot->event, .iov_len = slot->length },
		};
		if (!peer_io_put(peer, parts, slot->length != 0 ? 2 : 1))
			return;
		peer->events = slot->next;
		free(slot);
	}
}

/* What happens, to who listens: after the events that concern the peer itself. */
static void send_happenings(struct peer *peer)
{
	struct hwb_happening_event event;
	struct hwb_header header = {
		.version = HWB_PROTOCOL_VERSION,
		.opcode = HWB_EVENT_HAPPENING,
		.length = sizeof(header) + sizeof(event),
		.kind = HWB_EVENT,
	};
	struct iovec parts[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = &event, .iov_len = sizeof(event) },
	};

	while (peer->queue == NULL && peer->events == NULL && !peer->broken &&
	       monitor_next(peer, &event)) {
		if (!peer_io_put(peer, parts, 2))
			return;
		monitor_told(peer);
	}
}

void peer_events_send(struct peer *peer)
{
	send_events(peer);
	send_happenings(peer);
}

void peer_events_drop(struct peer *peer)
{
	while (peer->events != NULL) {
		struct event_slot *slot = peer->events;
		peer->events = slot->next;
		free(slot);
	}
}

void peer_events_tell(struct peer *peer)
{
	/* One whose socket is full is told once there is room. */
	if (!ev_is_active(&peer->writer))
		send_happenings(peer);
}

static struct event_slot *event_slot(struct peer *peer, uint16_t opcode,
                                     const struct hwb_pci_address *address)
{
	struct event_slot **end = &peer->events;

	for (; *end != NULL; end = &(*end)->next)
		if ((*end)->header.opcode == opcode &&
		    (address == NULL ||
		     memcmp(&(*end)->event.address, address, sizeof(*address)) == 0))
			return *end;
	*end = calloc(1, sizeof(**end));
	return *end;
}

static void post_event(struct peer *peer, struct event_slot *slot, uint16_t opcode,
                       uint32_t session, uint32_t length)
{
	slot->length = length;
	slot->header = (struct hwb_header){
		.version = HWB_PROTOCOL_VERSION,
		.opcode = opcode,
		.length = (uint32_t)sizeof(struct hwb_header) + length,
		.session = session,
		.kind = HWB_EVENT,
	};
	send_events(peer);
	peer_note_live(peer);
}

void peer_event(struct peer *peer, const struct hwb_pci_address *address, uint32_t session,
                enum hwb_device_change change, uint32_t grace_ms)
{
	if (!peer_connected(peer) || !peer->greeted)
		return;
	struct event_slot *slot = event_slot(peer, HWB_EVENT_DEVICE, address);
	if (slot == NULL) {
		peer_io_hang_up(peer);
		return;
	}
	slot->event = (struct hwb_device_event){
		.address = *address,
		.change = change,
		.grace_ms = grace_ms,
	};
	post_event(peer, slot, HWB_EVENT_DEVICE, session, sizeof(slot->event));
}

void peer_policy_event(struct peer *peer)
{
	if (!peer_connected(peer) || !peer->greeted)
		return;
	struct event_slot *slot = event_slot(peer, HWB_EVENT_POLICY, NULL);
	if (slot == NULL)
		peer_io_hang_up(peer);
	else
		post_event(peer, slot, HWB_EVENT_POLICY, 0, 0);
}
