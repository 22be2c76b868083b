/* SPDX-License-Identifier: MIT */
/* ADMIN_METRICS: what is counted, a number a record; ADMIN_MONITOR: what happens, as it does. */
#include "session/admin/metrics.h"
#include "server/monitor.h"
#include "session/admin/happening.h"
#include "session/restart/keep.h"
#include "session/serve.h"
#include "session/session.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	MAX = (HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(struct hwb_list_reply)) /
	      sizeof(struct hwb_metric),
	STATES = HWB_DEVICE_GONE, /* GONE is not on the bus any more */
	STATUSES = HWB_NO_MEMORY  /* OK is no refusal */
};

_Static_assert((int)HAPPENED_KINDS <= (int)COUNTERS_KINDS, "each kind is counted");
_Static_assert((int)STATUSES < (int)COUNTERS_STATUSES, "each status is counted");
/* The wire has the same kinds, from 1 on. */
_Static_assert((int)HAPPENED_KINDS == (int)HWB_HAPPENED_MEMORY_RELEASED &&
                       (int)HAPPENED_POLICY_LOADED + 1 == (int)HWB_HAPPENED_POLICY_LOADED,
               "the kinds are those of the protocol");

/* The records stand in this order, which no other record comes between while a list of
 * them is read: clients only come, at the end. */
static const struct {
	enum hwb_metric_kind kind;
	uint32_t count; /* of its values of `which`, from `first` on */
	uint32_t first;
} totals[] = {
	{ HWB_METRIC_HAPPENED, HAPPENED_KINDS, 1 },
	{ HWB_METRIC_REFUSED, STATUSES, 1 },
	{ HWB_METRIC_DEVICES, STATES, 0 },
	{ HWB_METRIC_ROUNDS, 1, 0 },
	{ HWB_METRIC_ROUNDS_US, 1, 0 },
	{ HWB_METRIC_LONGEST_ROUND_US, 1, 0 },
	{ HWB_METRIC_MONITORS, 1, 0 },
};

/* One of each for every client. */
static const enum hwb_metric_kind of_client[] = { HWB_METRIC_CLIENT_REQUESTS,
	                                          HWB_METRIC_CLIENT_CONNECTIONS,
	                                          HWB_METRIC_CLIENT_DMA_BYTES,
	                                          HWB_METRIC_CLIENT_DMA_MAPPINGS };

enum {
	TOTALS = sizeof(totals) / sizeof(totals[0]),
	OF_CLIENT = sizeof(of_client) / sizeof(of_client[0])
};

static uint64_t count_devices(const struct inventory *inventory, uint32_t state)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < inventory->count; i++)
		count += inventory->devices[i]->state != LIFE_GONE &&
		         (uint32_t)lifecycle_public(inventory->devices[i]->state) == state;
	return count;
}

static uint64_t total(const struct broker *broker, enum hwb_metric_kind kind, uint32_t which)
{
	const struct counters *counters = &broker->counters;

	switch (kind) {
	case HWB_METRIC_HAPPENED:
		return counters->happened[which - 1];
	case HWB_METRIC_REFUSED:
		return counters->refused[which];
	case HWB_METRIC_DEVICES:
		return count_devices(&broker->inventory, which);
	case HWB_METRIC_ROUNDS:
		return counters->rounds;
	case HWB_METRIC_ROUNDS_US:
		return (uint64_t)(counters->round_seconds * 1e6);
	case HWB_METRIC_LONGEST_ROUND_US:
		return (uint64_t)(counters->longest_round * 1e6);
	case HWB_METRIC_MONITORS:
		return broker->monitor_count;
	default:
		return 0;
	}
}

static uint64_t client_total(const struct broker *broker, const struct account *account,
                             enum hwb_metric_kind kind)
{
	uint64_t connections = 0;

	switch (kind) {
	case HWB_METRIC_CLIENT_REQUESTS:
		return account->requests;
	case HWB_METRIC_CLIENT_CONNECTIONS:
		for (const struct peer *peer = broker->peers; peer != NULL; peer = peer->next)
			connections += peer->account == account;
		return connections;
	case HWB_METRIC_CLIENT_DMA_BYTES:
		return account->bytes;
	default:
		return account->mappings;
	}
}

/* Adds a record if it is not one of an earlier page; false: the page is full. */
static bool add(struct hwb_list_reply *head, struct hwb_metric *records, uint64_t cursor,
                uint64_t at, const struct hwb_metric *metric)
{
	if (at < cursor)
		return true;
	if (head->count == MAX) {
		head->next = at;
		return false;
	}
	records[head->count++] = *metric;
	return true;
}

static void fill(const struct broker *broker, uint64_t cursor, struct hwb_list_reply *head,
                 struct hwb_metric *records)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < TOTALS; i++)
		for (uint32_t j = 0; j < totals[i].count; j++) {
			struct hwb_metric metric = { .kind = totals[i].kind,
				                     .which = totals[i].first + j };
			metric.value = total(broker, totals[i].kind, metric.which);
			if (!add(head, records, cursor, at++, &metric))
				return;
		}
	for (const struct account *account = broker->accounts; account != NULL;
	     account = account->next)
		for (uint32_t i = 0; i < OF_CLIENT; i++) {
			struct hwb_metric metric = { .kind = of_client[i] };
			if (at < cursor) {
				at++;
				continue;
			}
			metric.value = client_total(broker, account, of_client[i]);
			memcpy(metric.client, account->client, sizeof(metric.client));
			if (!add(head, records, cursor, at++, &metric))
				return;
		}
}

void serve_admin_metrics(struct request *request)
{
	const struct hwb_list_request *list = request->body;
	struct {
		struct hwb_list_reply head;
		struct hwb_metric records[MAX];
	} reply;

	reply.head = (struct hwb_list_reply){ .record_size = sizeof(reply.records[0]) };
	fill(request->peer->broker, list->cursor, &reply.head, reply.records);
	request_reply(request, 0, &reply,
	              sizeof(reply.head) + reply.head.count * sizeof(reply.records[0]), NULL, 0);
}

/* ---- ADMIN_MONITOR ---- */

void serve_admin_monitor(struct request *request)
{
	struct fault fault;

	if (monitor_start(request->peer, &fault) != 0)
		return request_refuse(request, 0, &fault);
	keep_peer_changed(request->peer);
	request_reply(request, 0, NULL, 0, NULL, 0);
}

/* Names of the wire are padded with zeros, and cut between characters. */
static void put_text(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (length >= size) {
		length = size - 1;
		while (length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(to, from, length);
	to[length] = '\0';
}

static void tell_monitors(struct broker *broker, const struct happening *what)
{
	struct hwb_happening_event event = {
		.kind = (uint32_t)what->kind + 1,
		.status = what->status,
		.opcode = what->opcode,
		.pid = what->pid,
		.uid = what->uid,
	};
	char resource[HAPPENING_RESOURCE_SIZE], rule[HAPPENING_RULE_SIZE];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	event.time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	happening_resource(what, resource);
	happening_rule(broker, what, rule);
	put_text(event.client, sizeof(event.client), what->client);
	put_text(event.resource, sizeof(event.resource), resource);
	put_text(event.rule, sizeof(event.rule), rule);
	put_text(event.reason, sizeof(event.reason), what->reason);
	monitor_tell(broker, &event);
}

void metrics_note(struct broker *broker, const struct happening *what)
{
	broker->counters.happened[what->kind]++;
	if (what->status != HWB_OK && (uint32_t)what->status < COUNTERS_STATUSES &&
	    (what->kind == HAPPENED_REFUSED || what->kind == HAPPENED_NOT_ADMITTED))
		broker->counters.refused[what->status]++;
	if (monitor_listens(broker))
		tell_monitors(broker, what);
}
