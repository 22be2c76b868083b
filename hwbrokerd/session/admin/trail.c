/* SPDX-License-Identifier: MIT */
#include "session/admin/trail.h"

#include "server/peer.h"
#include "session/admin/happening.h"
#include "util/journal.h"
#include "util/log.h"

#include <hwbroker/codec.h>
#include <stdio.h>
#include <string.h>

/* So long nothing is said of what was left out, if nothing else is. */
#define SETTLE_SECONDS 10.0

/* The catalogue, and whoever looks for entries by them, knows them: they never change. */
static const char *const message_ids[HAPPENED_KINDS + 1] = {
	[HAPPENED_GRANTED] = "c7f6e1d72bd947ed952eb814d83a3e61",
	[HAPPENED_REFUSED] = "63946c9932c742e6a6a82b681c890e5f",
	[HAPPENED_ASKED_BACK] = "dd001c8b6c3e478995a8d65658734906",
	[HAPPENED_REVOKED] = "5aec0b00d9d1488c9f8ac8976b0adee6",
	[HAPPENED_HELD] = "e90a765343b046188739c7e83e58afdd",
	[HAPPENED_RELEASED] = "8199208e0737493ca63651aeae6c7e38",
	[HAPPENED_QUARANTINED] = "fbc551b0fb6b45ee87c73d2d62b98604",
	[HAPPENED_CLEARED] = "5862b6fbb75c46ca9efd8b079c375f27",
	[HAPPENED_PORTS_GRANTED] = "ff535c5e0e49416384717ddfc84c8b22",
	[HAPPENED_PORTS_RELEASED] = "96e3c99696bc4b4aaa0b93769b6676b3",
	[HAPPENED_CONNECTED] = "50f560bccf8642dfb680b30b39120725",
	[HAPPENED_DISCONNECTED] = "4a46456910ec4046a8e0ef3aeb7c64b0",
	[HAPPENED_NOT_ADMITTED] = "cc3bc2c7b9954b38affb3f755ac01923",
	[HAPPENED_POLICY_LOADED] = "912bbecd3a12450090dff969943aa6b9",
	[HAPPENED_POLICY_REFUSED] = "49eac8049d234678822a450334b30495",
	[HAPPENED_DEVICE_ARRIVED] = "be0e237010c244e3a68cb40c2c6ce602",
	[HAPPENED_DEVICE_LEFT] = "0484cf3d85be4e95935c0912bc2bdcd5",
	[HAPPENED_LINE_OPENED] = "50bfdae261f144ec9feacdb9627c8dab",
	[HAPPENED_LINE_CLOSED] = "c30c79823b9a47aab95b114de0f26ab8",
	[HAPPENED_MEMORY_GRANTED] = "94fb2c658d524497a34758ed1d43ea29",
	[HAPPENED_MEMORY_RELEASED] = "9f365d8587a246d98604dc0585c22f1a",
	[HAPPENED_KINDS] = "9a2b43d4ea2b4ff4afb85356fa3a4d9f",
};

static struct {
	struct broker *broker; /* NULL: not started */
	ev_timer settle;
} trail;

const char *trail_message_id(enum happening_kind kind)
{
	return kind <= HAPPENED_KINDS ? message_ids[kind] : NULL;
}

/* What a client can cause at will is limited: each by its own. NULL: no limit. */
static struct log_limit *limit_of(const struct happening *what)
{
	switch (what->kind) {
	case HAPPENED_REFUSED:
	case HAPPENED_NOT_ADMITTED:
		return peer_refusal_limit(what->peer);
	case HAPPENED_GRANTED:
	case HAPPENED_HELD:
	case HAPPENED_RELEASED:
	case HAPPENED_PORTS_GRANTED:
	case HAPPENED_PORTS_RELEASED:
	case HAPPENED_LINE_OPENED:
	case HAPPENED_LINE_CLOSED:
	case HAPPENED_MEMORY_GRANTED:
	case HAPPENED_MEMORY_RELEASED:
		return what->peer != NULL ? peer_use_limit(what->peer) : NULL;
	default:
		break;
	}
	return NULL;
}

static enum log_level level_of(const struct happening *what)
{
	switch (what->kind) {
	case HAPPENED_QUARANTINED:
	case HAPPENED_POLICY_REFUSED:
		return LOG_LEVEL_ERROR;
	case HAPPENED_REVOKED:
		/* The device itself has failed. */
		return what->status == HWB_HOST_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE;
	case HAPPENED_REFUSED:
	case HAPPENED_ASKED_BACK:
	case HAPPENED_CLEARED:
	case HAPPENED_NOT_ADMITTED:
	case HAPPENED_POLICY_LOADED:
	case HAPPENED_DEVICE_LEFT:
		return LOG_LEVEL_NOTICE;
	case HAPPENED_CONNECTED:
	case HAPPENED_DISCONNECTED:
		return LOG_LEVEL_DEBUG;
	default:
		break;
	}
	return LOG_LEVEL_INFO;
}

/* ---- an entry ---- */

static void begin(struct journal_entry *entry, const char *text, enum log_level level,
                  enum happening_kind kind, const char *event)
{
	entry->used = 0;
	journal_field(entry, "MESSAGE", text);
	journal_number(entry, "PRIORITY", level);
	journal_field(entry, "SYSLOG_IDENTIFIER", "hwbrokerd");
	journal_field(entry, "MESSAGE_ID", message_ids[kind]);
	journal_field(entry, "HWBROKER_EVENT", event);
}

static void describe(struct journal_entry *entry, const struct broker *broker,
                     const struct happening *what)
{
	char resource[HAPPENING_RESOURCE_SIZE], rule[HAPPENING_RULE_SIZE];

	happening_resource(what, resource);
	happening_rule(broker, what, rule);
	if (what->client[0] != '\0') {
		journal_field(entry, "HWBROKER_CLIENT", what->client);
		journal_number(entry, "HWBROKER_UID", what->uid);
	}
	if (what->pid != 0)
		journal_number(entry, "HWBROKER_PID", what->pid);
	if (what->device != NULL)
		journal_field(entry, "HWBROKER_DEVICE", what->device->name);
	journal_field(entry, "HWBROKER_RESOURCE", resource);
	journal_field(entry, "HWBROKER_RULE", rule);
	if (what->opcode != 0)
		journal_field(entry, "HWBROKER_REQUEST", hwb_opcode_name(what->opcode));
	journal_field(entry, "HWBROKER_RESULT", hwb_status_name(what->status));
	journal_field(entry, "HWBROKER_REASON", what->reason);
	if (what->candidates != NULL)
		journal_field(entry, "HWBROKER_CANDIDATES", what->candidates);
}

/* ---- what was left out ---- */

static void settle_soon(void)
{
	if (trail.broker != NULL && !ev_is_active(&trail.settle))
		ev_timer_again(trail.broker->loop, &trail.settle);
}

/* Whether something is still to be told. */
static bool settle(struct log_limit *limit, const char *client, const char *of)
{
	uint32_t left_out = log_limit_settle(limit);
	struct journal_entry entry;
	char text[128];

	if (left_out == 0)
		return limit->left_out != 0;
	snprintf(text, sizeof(text), "%u lines about what `%s' %s were left out", left_out, client,
	         of);
	begin(&entry, text, LOG_LEVEL_NOTICE, HAPPENED_KINDS, "left-out");
	journal_field(&entry, "HWBROKER_CLIENT", client);
	journal_number(&entry, "HWBROKER_LEFT_OUT", left_out);
	if (!journal_send(&entry))
		log_notice("%s", text);
	return false;
}

static void on_settle(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct broker *broker = timer->data;
	bool more = settle(&broker->refusals, "-", "is refused");
	(void)revents;

	for (struct account *account = broker->accounts; account != NULL; account = account->next) {
		bool refusals = settle(&account->refusals, account->client, "is refused");
		bool use = settle(&account->use, account->client, "gets and gives back");
		more = more || refusals || use;
	}
	if (!more)
		ev_timer_stop(loop, timer);
}

void trail_start(struct broker *broker)
{
	ev_timer_init(&trail.settle, on_settle, 0.0, SETTLE_SECONDS);
	trail.settle.data = broker;
	trail.broker = broker;
	journal_open(JOURNAL_SOCKET);
}

void trail_stop(struct broker *broker)
{
	if (trail.broker != NULL)
		ev_timer_stop(broker->loop, &trail.settle);
	trail.broker = NULL;
	journal_close();
}

void trail_note(struct broker *broker, const struct happening *what)
{
	enum log_level level = level_of(what);
	struct log_limit *limit = limit_of(what);
	struct journal_entry entry;
	char text[HAPPENING_TEXT_SIZE + 64];
	uint32_t left_out;

	if (!log_wants(level))
		return;
	if (!log_limit_take(limit, &left_out)) {
		settle_soon();
		return;
	}
	happening_text(what, text);
	if (left_out != 0)
		snprintf(text + strlen(text), 64, LOG_LEFT_OUT, left_out);
	begin(&entry, text, level, what->kind, happening_name(what->kind));
	describe(&entry, broker, what);
	if (left_out != 0)
		journal_number(&entry, "HWBROKER_LEFT_OUT", left_out);
	/* It does not take it at once, or there is none: a line is better than nothing. */
	if (!journal_send(&entry))
		log_line(level, "%s", text);
}
