/* SPDX-License-Identifier: MIT */
/* What a policy gives, listed for operators. */
#include "policy/rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct words {
	char *text;
	size_t size;
	size_t length;
	bool full;
};

static void add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *words, const char *format, ...)
{
	static const char more[] = " ...";
	char word[96];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(word, sizeof(word), format, arguments);
	va_end(arguments);
	size_t needed = strlen(word) + 1;
	if (words->full)
		return;
	if (words->length + needed + sizeof(more) > words->size) {
		words->full = true;
		snprintf(words->text + words->length, words->size - words->length, "%s", more);
		return;
	}
	words->length += (size_t)snprintf(words->text + words->length, words->size - words->length,
	                                  "%s%s", words->length != 0 ? " " : "", word);
}

static void flag(struct words *words, const char *name, bool set)
{
	if (set)
		add(words, "%s", name);
}

/* Its ways are separated by blanks, as in sysfs; words are, too. */
static void reset(struct words *words, const char *ways)
{
	char text[POLICY_RESET_SIZE];

	if (ways[0] == '\0')
		return;
	snprintf(text, sizeof(text), "%s", ways);
	for (char *at = text; *at != '\0'; at++)
		if (*at == ' ')
			*at = ',';
	add(words, "reset=%s", text);
}

void policy_grant_text(const struct policy *policy, const struct policy_client *client,
                       const struct policy_device *device, char *text, size_t size)
{
	struct match subject = match_of_device(device);
	uint32_t found = match_find(&policy->index, client->index, &subject);
	struct words words = { .text = text, .size = size };

	text[0] = '\0';
	if (found == MATCH_NONE)
		return;
	const struct device_rule *rule = &policy->devices[found];
	const struct policy_grant *grant = &rule->grant;
	for (uint32_t i = 0; i < rule->mask_count; i++) {
		const struct config_mask *mask = &policy->masks[rule->first_mask + i];
		add(&words, "config_write=0x%x:0x%x", mask->offset, mask->mask);
	}
	if (grant->count != 0)
		add(&words, "count=%u", grant->count);
	flag(&words, grant->unsafe ? "dma=unsafe" : "dma", grant->dma);
	flag(&words, "force", grant->force);
	if (grant->way != WAY_SPLIT)
		add(&words, "grant=%s", policy_way_name(grant->way));
	flag(&words, "holders=end", grant->end);
	flag(&words, "msix_table", grant->msix_table);
	flag(&words, "partial_page", grant->partial_page);
	reset(&words, grant->reset);
	flag(&words, "restore", grant->restore);
	add(&words, "revoke=%u", grant->revoke);
	flag(&words, "take", grant->take);
	if (grant->total != 0)
		add(&words, "total=%u", grant->total);
}

bool policy_ports_at(const struct policy *policy, uint32_t index, struct policy_ports *ports)
{
	if (index >= policy->grant_count)
		return false;
	const struct port_grant *grant = &policy->grants[index];
	const struct ports_rule *rule = &policy->ports[grant->range.rule];
	*ports = (struct policy_ports){
		.client = &policy->clients[grant->client],
		.first = grant->range.first,
		.last = grant->range.last,
		.line = place_line(rule->place),
	};
	memcpy(ports->section, rule->section, sizeof(ports->section));
	memcpy(ports->file, policy->files[place_file(rule->place)].shown, sizeof(ports->file));
	return true;
}

void policy_memory_text(const struct policy_access *access, char *text, size_t size)
{
	struct words words = { .text = text, .size = size };

	text[0] = '\0';
	add(&words, "access=%s", access->fd ? "fd" : "mediated");
	flag(&words, "force", access->force);
	flag(&words, "write", access->write);
}

bool policy_interrupt_at(const struct policy *policy, uint32_t index,
                         struct policy_interrupt *interrupt)
{
	static const char *const sources[] = {
		[POLICY_SOURCE_AUTO] = "auto",
		[POLICY_SOURCE_UIO] = "uio",
		[POLICY_SOURCE_POLL] = "poll",
	};

	if (index >= policy->line_grant_count)
		return false;
	const struct line_grant *grant = &policy->line_grants[index];
	const struct interrupt_rule *rule = &policy->interrupts[grant->rule];
	*interrupt = (struct policy_interrupt){
		.client = &policy->clients[grant->client],
		.number = grant->number,
		.line = place_line(rule->place),
	};
	memcpy(interrupt->section, rule->section, sizeof(interrupt->section));
	memcpy(interrupt->file, policy->files[place_file(rule->place)].shown,
	       sizeof(interrupt->file));
	struct words words = { .text = interrupt->words, .size = sizeof(interrupt->words) };
	if (rule->line.source != POLICY_SOURCE_UIO)
		add(&words, "rate=%u", rule->line.rate);
	add(&words, "source=%s", sources[rule->line.source]);
	if (rule->line.uio[0] != '\0')
		add(&words, "uio=%s", rule->line.uio);
	return true;
}

void policy_client_text(const struct policy *policy, const struct policy_client *client, char *text,
                        size_t size)
{
	static const char *const kinds[MEMBER_KINDS] = {
		[MEMBER_USER] = "user",
		[MEMBER_GROUP] = "group",
		[MEMBER_UNIT] = "unit",
		[MEMBER_SLICE] = "slice",
	};
	const struct policy_limits *limits = &client->limits;
	struct words words = { .text = text, .size = size };

	text[0] = '\0';
	add(&words, "connections=%u", limits->connections);
	add(&words, "dma_bytes=%" PRIu64, limits->dma_bytes);
	add(&words, "dma_mappings=%u", limits->dma_mappings);
	add(&words, "irq_vectors=%u", limits->irq_vectors);
	add(&words, "requests=%u", limits->requests);
	add(&words, "sessions=%u", limits->sessions);
	for (uint32_t i = 0; i < policy->member_count; i++)
		if (policy->members[i].client == client->index)
			add(&words, "%s=%s", kinds[policy->members[i].kind],
			    policy->members[i].text);
}

void policy_client_place(const struct policy *policy, const struct policy_client *client,
                         char section[HWB_NAME_SIZE + 8], char file[128], uint32_t *line)
{
	snprintf(section, HWB_NAME_SIZE + 8, "client %.*s", HWB_NAME_SIZE - 1, client->name);
	memcpy(file, policy->files[place_file(client->place)].shown, 128);
	*line = place_line(client->place);
}

uint32_t policy_client_count(const struct policy *policy)
{
	return policy->client_count;
}

const struct policy_client *policy_client_at(const struct policy *policy, uint32_t index)
{
	return &policy->clients[index];
}
