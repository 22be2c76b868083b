/* SPDX-License-Identifier: MIT */
/* ADMIN_RULES: what the policy in force gives whom. */
#include "server/peer.h"
#include "session/serve.h"

#include <stdio.h>
#include <string.h>

enum {
	ROOM = HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(struct hwb_list_reply),
	MAX = ROOM / sizeof(struct hwb_admin_rule),
	DECISIONS = 1024 /* of one page, however few of them are a yes */
};

/* The cursor: what is listed, and its place: of a device that in the inventory, and the client's
 * in the policy; of others that in the policy. It only grows. What changes in between may be told
 * twice, or not. */
#define STAGE(number) ((uint64_t)(number) << 60)
#define PORTS STAGE(1)
#define MEMORY STAGE(2)
#define LINES_FROM STAGE(3)
#define CLIENTS STAGE(4)
#define NO_STAGE STAGE(5)

struct page {
	struct hwb_list_reply head;
	struct hwb_admin_rule records[MAX];
};

static void add_device(struct page *page, const struct policy *policy,
                       const struct policy_client *client, const struct device *device)
{
	struct policy_device about = device_for_policy(device);
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &about };
	struct policy_verdict verdict;

	policy_decide(policy, client, &resource, &verdict);
	if (!verdict.granted)
		return;
	struct hwb_admin_rule *record = &page->records[page->head.count++];
	*record = (struct hwb_admin_rule){
		.address = device->facts.address,
		.kind = HWB_RULE_DEVICE,
		.line = verdict.line,
	};
	memcpy(record->client, client->name, sizeof(record->client));
	memcpy(record->rule, verdict.section, sizeof(record->rule));
	memcpy(record->file, verdict.file, sizeof(record->file));
	policy_grant_text(policy, client, &about, record->grant, sizeof(record->grant));
}

/* What is made of it, if anything. */
static void add_virtual(struct page *page, const struct policy *policy, const struct device *device)
{
	struct policy_device about = device_for_policy(device);
	struct policy_virtual wanted;

	if ((device->facts.flags & HWB_DEVICE_VIRTUAL) != 0 ||
	    !policy_virtual_for(policy, &about, &wanted))
		return;
	struct hwb_admin_rule *record = &page->records[page->head.count++];
	*record = (struct hwb_admin_rule){
		.address = device->facts.address,
		.kind = HWB_RULE_VIRTUAL,
		.line = wanted.line,
		.first = wanted.functions,
		.last = wanted.functions,
	};
	memcpy(record->rule, wanted.section, sizeof(record->rule));
	memcpy(record->file, wanted.file, sizeof(record->file));
	snprintf(record->grant, sizeof(record->grant), "%s", wanted.restore ? "restore" : "");
}

/* Where to go on; PORTS: there are no more. */
static uint64_t list_devices(struct page *page, const struct broker *broker, uint64_t cursor)
{
	const struct policy *policy = broker->policy;
	uint32_t at = (uint32_t)(cursor >> 32), which = (uint32_t)cursor, decisions = 0;

	for (; at < broker->inventory.count; at++, which = 0) {
		const struct device *device = broker->inventory.devices[at];
		if (device->state == LIFE_GONE || device->left)
			continue;
		for (; which <= policy_client_count(policy); which++) {
			if (page->head.count == MAX || decisions++ == DECISIONS)
				return (uint64_t)at << 32 | which;
			if (which < policy_client_count(policy))
				add_device(page, policy, policy_client_at(policy, which), device);
			else
				add_virtual(page, policy, device);
		}
	}
	return PORTS;
}

/* Likewise; MEMORY: there are no more. */
static uint64_t list_ports(struct page *page, const struct policy *policy, uint64_t cursor)
{
	struct policy_ports ports;
	uint32_t at = (uint32_t)cursor;

	for (; policy_ports_at(policy, at, &ports); at++) {
		if (page->head.count == MAX)
			return PORTS | at;
		struct hwb_admin_rule *record = &page->records[page->head.count++];
		*record = (struct hwb_admin_rule){
			.kind = HWB_RULE_PORTS,
			.line = ports.line,
			.first = ports.first,
			.last = ports.last,
		};
		memcpy(record->client, ports.client->name, sizeof(record->client));
		memcpy(record->rule, ports.section, sizeof(record->rule));
		memcpy(record->file, ports.file, sizeof(record->file));
	}
	return MEMORY;
}

/* Likewise; LINES_FROM: there are no more. */
static uint64_t list_memory(struct page *page, const struct policy *policy, uint64_t cursor)
{
	struct policy_memory memory;
	uint32_t at = (uint32_t)cursor;

	for (; policy_memory_at(policy, at, &memory); at++) {
		if (page->head.count == MAX)
			return MEMORY | at;
		struct hwb_admin_rule *record = &page->records[page->head.count++];
		*record = (struct hwb_admin_rule){
			.kind = HWB_RULE_MEMORY,
			.line = memory.line,
			.memory = memory.first,
			.memory_size = memory.last - memory.first + 1,
		};
		memcpy(record->client, memory.client->name, sizeof(record->client));
		memcpy(record->rule, memory.section, sizeof(record->rule));
		memcpy(record->file, memory.file, sizeof(record->file));
		policy_memory_text(&memory.access, record->grant, sizeof(record->grant));
	}
	return LINES_FROM;
}

/* Likewise; CLIENTS: there are no more. */
static uint64_t list_interrupts(struct page *page, const struct policy *policy, uint64_t cursor)
{
	struct policy_interrupt interrupt;
	uint32_t at = (uint32_t)cursor;

	for (; policy_interrupt_at(policy, at, &interrupt); at++) {
		if (page->head.count == MAX)
			return LINES_FROM | at;
		struct hwb_admin_rule *record = &page->records[page->head.count++];
		*record = (struct hwb_admin_rule){
			.kind = HWB_RULE_INTERRUPT,
			.line = interrupt.line,
			.first = interrupt.number,
			.last = interrupt.number,
		};
		memcpy(record->client, interrupt.client->name, sizeof(record->client));
		memcpy(record->rule, interrupt.section, sizeof(record->rule));
		memcpy(record->file, interrupt.file, sizeof(record->file));
		memcpy(record->grant, interrupt.words, sizeof(interrupt.words));
	}
	return CLIENTS;
}

/* Likewise; 0: that was all. */
static uint64_t list_clients(struct page *page, const struct policy *policy, uint64_t cursor)
{
	for (uint32_t at = (uint32_t)cursor; at < policy_client_count(policy); at++) {
		const struct policy_client *client = policy_client_at(policy, at);
		if (page->head.count == MAX)
			return CLIENTS | at;
		struct hwb_admin_rule *record = &page->records[page->head.count++];
		*record = (struct hwb_admin_rule){ .kind = HWB_RULE_CLIENT };
		memcpy(record->client, client->name, sizeof(record->client));
		policy_client_place(policy, client, record->rule, record->file, &record->line);
		policy_client_text(policy, client, record->grant, sizeof(record->grant));
	}
	return 0;
}

void serve_admin_rules(struct request *request)
{
	const struct hwb_list_request *list = request->body;
	const struct broker *broker = request->peer->broker;
	struct page page = { .head.record_size = sizeof(page.records[0]) };
	uint64_t next = list->cursor;

	if (next < PORTS)
		next = list_devices(&page, broker, next);
	if (next >= PORTS && next < MEMORY)
		next = list_ports(&page, broker->policy, next);
	if (next >= MEMORY && next < LINES_FROM)
		next = list_memory(&page, broker->policy, next);
	if (next >= LINES_FROM && next < CLIENTS)
		next = list_interrupts(&page, broker->policy, next);
	if (next >= CLIENTS && next < NO_STAGE)
		next = list_clients(&page, broker->policy, next);
	page.head.next = next;
	request_reply(request, 0, &page,
	              sizeof(page.head) + page.head.count * sizeof(page.records[0]), NULL, 0);
}
