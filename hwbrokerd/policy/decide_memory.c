/* SPDX-License-Identifier: MIT */
/* Physical memory: which range of which section gives it. */
#include "policy/decide.h"

#include <inttypes.h>
#include <string.h>

/* The first grant of the client that ends at `address` or behind it. */
static uint32_t first_grant(const struct policy *policy, uint32_t client, uint64_t address)
{
	uint32_t low = 0, high = policy->memory_grant_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct memory_grant *grant = &policy->memory_grants[middle];
		if (grant->client < client ||
		    (grant->client == client && grant->range.last < address))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void fill(const struct policy *policy, const struct memory_grant *grant,
                 struct policy_memory *memory)
{
	const struct memory_rule *rule = &policy->memory[grant->range.rule];

	*memory = (struct policy_memory){
		.client = &policy->clients[grant->client],
		.first = grant->range.first,
		.last = grant->range.last,
		.access = { .fd = rule->fd, .write = rule->write, .force = rule->force },
		.line = place_line(rule->place),
	};
	memcpy(memory->section, rule->section, sizeof(memory->section));
	memcpy(memory->file, policy->files[place_file(rule->place)].shown, sizeof(memory->file));
}

bool policy_memory_from(const struct policy *policy, const struct policy_client *client,
                        uint64_t address, struct policy_memory *memory)
{
	uint32_t at = first_grant(policy, client->index, address);

	if (at == policy->memory_grant_count || policy->memory_grants[at].client != client->index)
		return false;
	fill(policy, &policy->memory_grants[at], memory);
	return true;
}

bool policy_memory_at(const struct policy *policy, uint32_t index, struct policy_memory *memory)
{
	if (index >= policy->memory_grant_count)
		return false;
	fill(policy, &policy->memory_grants[index], memory);
	return true;
}

void decide_memory(const struct policy *policy, const struct policy_client *client,
                   const struct policy_resource *resource, struct policy_verdict *verdict)
{
	uint64_t first = resource->base, last = resource->base + (resource->size - 1);
	struct policy_memory memory;

	if (resource->size == 0 || last < first) {
		fault_set(&verdict->why, HWB_INVALID,
		          "a range of %" PRIu64 " bytes from 0x%" PRIx64
		          " is empty or wraps around",
		          resource->size, resource->base);
		return;
	}
	bool some = client != NULL && policy_memory_from(policy, client, first, &memory) &&
	            memory.first <= last;
	if (some) {
		memcpy(verdict->section, memory.section, sizeof(verdict->section));
		memcpy(verdict->file, memory.file, sizeof(verdict->file));
		verdict->line = memory.line;
		verdict->memory = memory.access;
	}
	verdict->granted = some && memory.first <= first && memory.last >= last;
	if (verdict->granted)
		return;
	if (some)
		fault_set(&verdict->why, HWB_DENIED,
		          "[%s] (%s:%u) gives client `%s' memory 0x%" PRIx64 "-0x%" PRIx64
		          ", not the whole of 0x%" PRIx64 "-0x%" PRIx64 "; change `range' there",
		          memory.section, memory.file, memory.line, client->name, memory.first,
		          memory.last, first, last);
	else
		fault_set(&verdict->why, HWB_DENIED,
		          "no [memory] section of %s gives memory 0x%" PRIx64 "-0x%" PRIx64
		          " to client `%s'; add it to `range' of one",
		          policy->files[0].shown, first, last, client != NULL ? client->name : "");
}
