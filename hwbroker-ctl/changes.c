/* SPDX-License-Identifier: MIT */
#include "changes.h"

#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS = 0x10000 };

struct change *changes_add(struct changes *changes, enum change_kind kind, const char *client)
{
	static struct change spare;

	if (changes->count == changes->capacity) {
		size_t capacity = changes->capacity == 0 ? 64 : changes->capacity * 2;
		struct change *more = reallocarray(changes->items, capacity, sizeof(*more));
		if (more == NULL) {
			changes->out_of_memory = true;
			return &spare;
		}
		changes->items = more;
		changes->capacity = capacity;
	}
	struct change *change = &changes->items[changes->count++];
	*change = (struct change){ .kind = kind };
	snprintf(change->client, sizeof(change->client), "%.31s", client);
	return change;
}

static void cite_old(struct change *change, const struct hwb_admin_rule *rule)
{
	snprintf(change->rule, sizeof(change->rule), "%.39s", rule->rule);
	snprintf(change->file, sizeof(change->file), "%.127s", rule->file);
	change->line = rule->line;
}

bool changes_same_address(const struct hwb_pci_address *a, const struct hwb_pci_address *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->device == b->device &&
	       a->function == b->function;
}

/* ---- devices ---- */

struct policy_device changes_device(const struct hwb_admin_member *member, char path[300],
                                    char physical[32])
{
	bool virtual = (member->flags & HWB_MEMBER_VIRTUAL) != 0;

	if (virtual)
		names_physical(&member->address, member->physical_function, physical);
	snprintf(path, 300, "/sys/devices/%.255s", member->path);
	return (struct policy_device){
		.address = member->address,
		.vendor = member->vendor,
		.device = member->device,
		.subsystem_vendor = member->subsystem_vendor,
		.subsystem_device = member->subsystem_device,
		.class_code = member->class_code,
		.traits = { .slot = member->slot[0] != '\0' ? member->slot : NULL,
		            .driver = member->home[0] != '\0' ? member->home : NULL,
		            .path = member->path[0] != '\0' ? path : NULL,
		            .physical = virtual ? physical : NULL },
	};
}

static bool has_word(const char *text, const char *word, size_t length)
{
	while (*text != '\0') {
		size_t next = strcspn(text, " ");
		if (next == length && memcmp(text, word, length) == 0)
			return true;
		text += next + (text[next] != '\0');
	}
	return false;
}

/* The words of `from` that `other` lacks, each behind `sign`. */
static void add_words(char terms[256], char sign, const char *from, const char *other)
{
	size_t used = strlen(terms);

	while (*from != '\0') {
		size_t length = strcspn(from, " ");
		if (length != 0 && !has_word(other, from, length) && used < 255)
			used += (size_t)snprintf(terms + used, 256 - used, "%s%c%.*s",
			                         used != 0 ? " " : "", sign, (int)length, from);
		from += length + (from[length] != '\0');
	}
}

/* Seconds that the words of a rule leave. */
static uint32_t grace_of(const char *words)
{
	const char *at = strstr(words, "revoke=");

	return at != NULL ? (uint32_t)strtoul(at + strlen("revoke="), NULL, 10) : 0;
}

static const struct hwb_admin_rule *old_rule(const struct hwb_admin_rule *rules, size_t count,
                                             const char *client,
                                             const struct hwb_pci_address *address)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].kind == HWB_RULE_DEVICE &&
		    changes_same_address(&rules[i].address, address) &&
		    strncmp(rules[i].client, client, sizeof(rules[i].client)) == 0)
			return &rules[i];
	return NULL;
}

static void note_use(struct change *change, const struct hwb_admin_member *member,
                     const char *words)
{
	change->in_use = member->connection != 0 &&
	                 strncmp(member->client, change->client, sizeof(member->client)) == 0;
	change->grace = grace_of(words);
}

static void lose(struct changes *changes, const struct hwb_admin_rule *rule,
                 const struct hwb_admin_member *member)
{
	struct change *change = changes_add(changes, CHANGE_LOSES, rule->client);

	change->address = rule->address;
	cite_old(change, rule);
	note_use(change, member, rule->grant);
	change->taken = change->in_use;
}

/* `words`: what the client has by the other policy; `old_words` receives what it has by `old`.
 * NULL: that is the same. */
static struct change *compare_words(struct changes *changes, const struct hwb_admin_rule *old,
                                    const char *words, char old_words[sizeof(old->grant)],
                                    const char *client)
{
	old_words[0] = '\0';
	if (old != NULL)
		snprintf(old_words, sizeof(old->grant), "%.*s", (int)sizeof(old->grant) - 1,
		         old->grant);
	if (old != NULL && strcmp(words, old_words) == 0)
		return NULL;
	return changes_add(changes, old != NULL ? CHANGE_TERMS : CHANGE_GAINS, client);
}

static void compare_device(struct changes *changes, const struct hwb_admin_rule *old,
                           const struct policy *policy, const struct policy_client *client,
                           const struct hwb_admin_member *member)
{
	char path[300], physical[32], words[sizeof(((struct hwb_admin_rule *)0)->grant)];
	struct policy_device device = changes_device(member, path, physical);
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &device };
	struct policy_verdict verdict;
	char old_words[sizeof(words)];

	policy_decide(policy, client, &resource, &verdict);
	if (!verdict.granted) {
		if (old != NULL)
			lose(changes, old, member);
		return;
	}
	policy_grant_text(policy, client, &device, words, sizeof(words));
	struct change *change = compare_words(changes, old, words, old_words, client->name);
	if (change == NULL)
		return;
	change->address = member->address;
	memcpy(change->rule, verdict.section, sizeof(change->rule));
	memcpy(change->file, verdict.file, sizeof(change->file));
	change->line = verdict.line;
	add_words(change->terms, '+', words, old_words);
	add_words(change->terms, '-', old_words, words);
	if (old != NULL)
		note_use(change, member, old_words);
}

static void compare_devices(struct changes *changes, const struct hwb_admin_rule *rules,
                            size_t rule_count, const struct hwb_admin_member *members,
                            size_t member_count, const struct policy *policy)
{
	for (size_t i = 0; i < member_count; i++) {
		if ((members[i].flags & HWB_MEMBER_ON_BUS) == 0)
			continue;
		for (uint32_t at = 0; at < policy_client_count(policy); at++) {
			const struct policy_client *client = policy_client_at(policy, at);
			compare_device(
			        changes,
			        old_rule(rules, rule_count, client->name, &members[i].address),
			        policy, client, &members[i]);
		}
		/* Clients that there are no more. */
		for (size_t rule = 0; rule < rule_count; rule++)
			if (rules[rule].kind == HWB_RULE_DEVICE &&
			    changes_same_address(&rules[rule].address, &members[i].address) &&
			    policy_client_named(policy, rules[rule].client) == NULL)
				lose(changes, &rules[rule], &members[i]);
	}
}

/* ---- ports ---- */

static bool new_has(const struct policy *policy, const struct policy_client *client, uint32_t port,
                    struct policy_verdict *verdict)
{
	struct policy_resource resource = { .kind = POLICY_PORTS, .offset = port, .count = 1 };

	policy_decide(policy, client, &resource, verdict);
	return verdict->granted;
}

static const struct hwb_admin_rule *old_has(const struct hwb_admin_rule *rules, size_t count,
                                            const char *client, uint32_t port)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].kind == HWB_RULE_PORTS && port >= rules[i].first &&
		    port <= rules[i].last &&
		    strncmp(rules[i].client, client, sizeof(rules[i].client)) == 0)
			return &rules[i];
	return NULL;
}

/* One more port of a run, or the first of another. */
static void add_port(struct changes *changes, enum change_kind kind, const char *client,
                     uint32_t port, const struct hwb_admin_rule *old,
                     const struct policy_verdict *verdict)
{
	struct change *last = changes->count != 0 ? &changes->items[changes->count - 1] : NULL;
	const char *rule = old != NULL ? old->rule : verdict->section;

	if (last != NULL && last->ports && last->kind == kind && last->last + 1 == port &&
	    strcmp(last->client, client) == 0 &&
	    strncmp(last->rule, rule, sizeof(last->rule)) == 0) {
		last->last = port;
		return;
	}
	struct change *change = changes_add(changes, kind, client);
	change->ports = true;
	change->first = change->last = port;
	if (old != NULL) {
		cite_old(change, old);
		return;
	}
	memcpy(change->rule, verdict->section, sizeof(change->rule));
	memcpy(change->file, verdict->file, sizeof(change->file));
	change->line = verdict->line;
}

static void compare_ports(struct changes *changes, const struct hwb_admin_rule *rules, size_t count,
                          const struct policy *policy)
{
	struct policy_ports ports;
	struct policy_verdict verdict;

	for (size_t i = 0; i < count; i++) {
		const struct policy_client *client = policy_client_named(policy, rules[i].client);
		for (uint32_t port = rules[i].first;
		     rules[i].kind == HWB_RULE_PORTS && port <= rules[i].last && port < PORTS;
		     port++)
			if (client == NULL || !new_has(policy, client, port, &verdict))
				add_port(changes, CHANGE_LOSES, rules[i].client, port, &rules[i],
				         NULL);
	}
	for (uint32_t i = 0; policy_ports_at(policy, i, &ports); i++)
		for (uint32_t port = ports.first; port <= ports.last; port++)
			if (old_has(rules, count, ports.client->name, port) == NULL &&
			    new_has(policy, ports.client, port, &verdict))
				add_port(changes, CHANGE_GAINS, ports.client->name, port, NULL,
				         &verdict);
}

/* ---- memory ---- */

/* A range is what a request lies within: another one is another thing, though they overlap. */
static bool same_range(const struct hwb_admin_rule *rule, const struct policy_memory *memory)
{
	return rule->kind == HWB_RULE_MEMORY && rule->memory == memory->first &&
	       rule->memory_size - 1 == memory->last - memory->first &&
	       strncmp(rule->client, memory->client->name, sizeof(rule->client)) == 0;
}

static struct change *add_memory(struct changes *changes, enum change_kind kind, const char *client,
                                 uint64_t base, uint64_t end)
{
	struct change *change = changes_add(changes, kind, client);

	change->memory = true;
	change->base = base;
	change->end = end;
	return change;
}

static void gain_memory(struct changes *changes, const struct hwb_admin_rule *old,
                        const struct policy_memory *memory)
{
	char words[64], old_words[sizeof(((struct hwb_admin_rule *)0)->grant)] = "";

	policy_memory_text(&memory->access, words, sizeof(words));
	if (old != NULL)
		snprintf(old_words, sizeof(old_words), "%.*s", (int)sizeof(old->grant) - 1,
		         old->grant);
	if (old != NULL && strcmp(words, old_words) == 0)
		return;
	struct change *change = add_memory(changes, old != NULL ? CHANGE_TERMS : CHANGE_GAINS,
	                                   memory->client->name, memory->first, memory->last);
	memcpy(change->rule, memory->section, sizeof(change->rule));
	memcpy(change->file, memory->file, sizeof(change->file));
	change->line = memory->line;
	add_words(change->terms, '+', words, old_words);
	add_words(change->terms, '-', old_words, words);
}

static void compare_memory(struct changes *changes, const struct hwb_admin_rule *rules,
                           size_t count, const struct policy *policy)
{
	struct policy_memory memory;

	for (size_t i = 0; i < count; i++) {
		uint32_t at = 0;
		if (rules[i].kind != HWB_RULE_MEMORY)
			continue;
		while (policy_memory_at(policy, at, &memory) && !same_range(&rules[i], &memory))
			at++;
		if (!policy_memory_at(policy, at, &memory))
			cite_old(add_memory(changes, CHANGE_LOSES, rules[i].client, rules[i].memory,
			                    rules[i].memory + (rules[i].memory_size - 1)),
			         &rules[i]);
	}
	for (uint32_t at = 0; policy_memory_at(policy, at, &memory); at++) {
		size_t i = 0;
		while (i < count && !same_range(&rules[i], &memory))
			i++;
		gain_memory(changes, i < count ? &rules[i] : NULL, &memory);
	}
}

/* ---- interrupt lines ---- */

static struct change *add_line(struct changes *changes, enum change_kind kind, const char *client,
                               uint32_t number)
{
	struct change *change = changes_add(changes, kind, client);

	change->interrupt = true;
	change->first = change->last = number;
	return change;
}

static const struct hwb_admin_rule *old_line(const struct hwb_admin_rule *rules, size_t count,
                                             const struct policy_interrupt *now)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].kind == HWB_RULE_INTERRUPT && rules[i].first == now->number &&
		    strncmp(rules[i].client, now->client->name, sizeof(rules[i].client)) == 0)
			return &rules[i];
	return NULL;
}

static void compare_interrupts(struct changes *changes, const struct hwb_admin_rule *rules,
                               size_t count, const struct policy *policy)
{
	struct policy_interrupt now;
	struct policy_verdict verdict;

	for (size_t i = 0; i < count; i++) {
		struct policy_resource line = { .kind = POLICY_INTERRUPT,
			                        .offset = rules[i].first };
		if (rules[i].kind != HWB_RULE_INTERRUPT)
			continue;
		policy_decide(policy, policy_client_named(policy, rules[i].client), &line,
		              &verdict);
		if (!verdict.granted)
			cite_old(add_line(changes, CHANGE_LOSES, rules[i].client, rules[i].first),
			         &rules[i]);
	}
	for (uint32_t i = 0; policy_interrupt_at(policy, i, &now); i++) {
		const struct hwb_admin_rule *old = old_line(rules, count, &now);
		char words[sizeof(old->grant)] = "";
		if (old != NULL)
			snprintf(words, sizeof(words), "%.*s", (int)sizeof(words) - 1, old->grant);
		if (old != NULL && strcmp(words, now.words) == 0)
			continue;
		struct change *change = add_line(changes, old != NULL ? CHANGE_TERMS : CHANGE_GAINS,
		                                 now.client->name, now.number);
		memcpy(change->rule, now.section, sizeof(change->rule));
		memcpy(change->file, now.file, sizeof(change->file));
		change->line = now.line;
		add_words(change->terms, '+', now.words, words);
		add_words(change->terms, '-', words, now.words);
	}
}

/* ---- clients ---- */

static void compare_client(struct changes *changes, const struct changes_facts *facts,
                           const struct hwb_admin_rule *old, const struct policy *policy,
                           const struct policy_client *client)
{
	char words[sizeof(old->grant)], old_words[sizeof(old->grant)];

	policy_client_text(policy, client, words, sizeof(words));
	struct change *change = compare_words(changes, old, words, old_words, client->name);
	if (change == NULL)
		return;
	change->itself = true;
	policy_client_place(policy, client, change->rule, change->file, &change->line);
	add_words(change->terms, '+', words, old_words);
	add_words(change->terms, '-', old_words, words);
	changes_use(change, facts, policy, client);
}

static void compare_clients(struct changes *changes, const struct changes_facts *facts,
                            const struct policy *policy)
{
	const struct hwb_admin_rule *rules = facts->rules;
	size_t count = facts->rule_count;

	for (size_t i = 0; i < count; i++) {
		if (rules[i].kind != HWB_RULE_CLIENT ||
		    policy_client_named(policy, rules[i].client) != NULL)
			continue;
		struct change *change = changes_add(changes, CHANGE_LOSES, rules[i].client);
		change->itself = true;
		cite_old(change, &rules[i]);
		changes_use(change, facts, policy, NULL);
	}
	for (uint32_t at = 0; at < policy_client_count(policy); at++) {
		const struct policy_client *client = policy_client_at(policy, at);
		size_t i = 0;
		while (i < count &&
		       (rules[i].kind != HWB_RULE_CLIENT ||
		        strncmp(rules[i].client, client->name, sizeof(rules[i].client)) != 0))
			i++;
		compare_client(changes, facts, i < count ? &rules[i] : NULL, policy, client);
	}
}

void changes_find(struct changes *changes, const struct changes_facts *facts,
                  const struct policy *policy)
{
	const struct hwb_admin_rule *rules = facts->rules;
	size_t rule_count = facts->rule_count;

	*changes = (struct changes){ .items = NULL };
	compare_clients(changes, facts, policy);
	compare_devices(changes, rules, rule_count, facts->members, facts->member_count, policy);
	compare_ports(changes, rules, rule_count, policy);
	compare_memory(changes, rules, rule_count, policy);
	compare_interrupts(changes, rules, rule_count, policy);
	changes_virtual(changes, facts, policy);
}

void changes_free(struct changes *changes)
{
	free(changes->items);
	*changes = (struct changes){ .items = NULL };
}
