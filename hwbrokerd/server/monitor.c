/* SPDX-License-Identifier: MIT */
#include "server/monitor.h"

#include "server/peer_events.h"

#include <stdlib.h>

struct monitor_record {
	uint64_t next; /* number of the event that comes next, the first being 0 */
	struct hwb_happening_event events[MONITOR_KEEPS];
};

int monitor_start(struct peer *peer, struct fault *fault)
{
	struct broker *broker = peer->broker;
	/* Others may not keep root from being told. */
	uint32_t max = MONITORS_MAX + (peer->subject.uid == 0 ? MONITORS_OF_ROOT : 0);

	if (peer->monitors)
		return 0;
	if (broker->monitor_count >= max)
		return fault_set(fault, HWB_QUOTA,
		                 "%u connections are told what happens already, which is the limit",
		                 broker->monitor_count);
	if (broker->monitor_record == NULL)
		broker->monitor_record = calloc(1, sizeof(*broker->monitor_record));
	if (broker->monitor_record == NULL)
		return fault_set(fault, HWB_NO_MEMORY, "no memory to keep what happens");
	broker->monitor_count++;
	peer->monitors = true;
	peer->heard = broker->monitor_record->next;
	return 0;
}

void monitor_resume(struct peer *peer)
{
	struct fault fault;

	if (peer->may_query && monitor_start(peer, &fault) == 0)
		peer->missed = 1;
}

void monitor_stop(struct peer *peer)
{
	struct broker *broker = peer->broker;

	if (!peer->monitors)
		return;
	peer->monitors = false;
	if (--broker->monitor_count != 0)
		return;
	free(broker->monitor_record);
	broker->monitor_record = NULL;
}

bool monitor_listens(const struct broker *broker)
{
	return broker->monitor_count != 0;
}

void monitor_tell(struct broker *broker, const struct hwb_happening_event *event)
{
	struct monitor_record *record = broker->monitor_record;

	if (record == NULL)
		return;
	record->events[record->next++ % MONITOR_KEEPS] = *event;
	for (struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
		if (peer->monitors)
			peer_events_tell(peer);
}

/* The oldest event that is kept and was not told to this peer. */
static uint64_t oldest_for(const struct peer *peer, const struct monitor_record *record)
{
	uint64_t oldest = record->next > MONITOR_KEEPS ? record->next - MONITOR_KEEPS : 0;

	return peer->heard < oldest ? oldest : peer->heard;
}

bool monitor_next(const struct peer *peer, struct hwb_happening_event *event)
{
	const struct monitor_record *record = peer->broker->monitor_record;

	/* Another policy may have taken the right meanwhile. */
	if (!peer->monitors || !peer->may_query || peer->heard == record->next)
		return false;
	uint64_t number = oldest_for(peer, record);
	uint64_t lost = number - peer->heard + peer->missed;
	*event = record->events[number % MONITOR_KEEPS];
	event->lost = lost > UINT32_MAX ? UINT32_MAX : (uint32_t)lost;
	return true;
}

void monitor_told(struct peer *peer)
{
	peer->heard = oldest_for(peer, peer->broker->monitor_record) + 1;
	peer->missed = 0;
}
