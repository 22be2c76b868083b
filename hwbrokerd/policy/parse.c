/* SPDX-License-Identifier: MIT */
#include "policy/parse.h"

#include "policy/array.h"
#include "policy/suggest.h"
#include "policy/values/values.h"

#include <stdio.h>

enum { LIST_MAX = 512 }; /* of words, for a message */

uint32_t parser_place_of(const struct parser *parser, const char *key)
{
	for (size_t i = 0; i < policy_key_count; i++) {
		if (policy_keys[i].section == parser->kind && strcmp(policy_keys[i].name, key) == 0)
			return parser->key_places[i];
	}
	return 0;
}

static void bad_entry(struct parser *parser, const struct key *key, const struct fault *fault)
{
	report_host(parser->report, fault);
	report_add(parser->report, parser->place, "`%s': %s", key->name, fault->reason);
	parser->faulty = true;
}

int parser_each(struct parser *parser, const struct key *key, const char *value,
                int (*add)(struct parser *parser, char *entry, struct fault *fault))
{
	char list[INI_LINE_MAX + 1];
	char *rest = list, *entry;
	struct fault fault;

	snprintf(list, sizeof(list), "%s", value);
	while ((entry = value_next(&rest)) != NULL) {
		int result = entry[0] == '\0'
		                     ? fault_set(&fault, HWB_INVALID, "empty entry in the list")
		                     : add(parser, entry, &fault);
		if (result != 0)
			bad_entry(parser, key, &fault);
	}
	return 0;
}

static void apply_presets(struct parser *parser, enum section_kind kind)
{
	struct fault fault;

	parser->place = 0;
	for (size_t i = 0; i < policy_key_count; i++) {
		const struct key *key = &policy_keys[i];
		if (key->section == kind && key->preset != NULL &&
		    key->set(parser, key, key->preset, &fault) != 0)
			bad_entry(parser, key, &fault);
	}
}

static void close_section(struct parser *parser)
{
	if (parser->section == NULL)
		return;
	for (size_t i = 0; i < policy_key_count; i++) {
		const struct key *key = &policy_keys[i];
		if (key->section == parser->kind && key->required && !parser->unread &&
		    parser->key_places[i] == 0)
			report_add(parser->report, parser->section_place,
			           "[%s %s] has no `%s', which it needs", parser->section->word,
			           parser->name, key->name);
	}
	if (parser->section->close != NULL)
		parser->section->close(parser);
	for (uint32_t i = parser->reference_count; parser->faulty && i > parser->first_reference;
	     i--)
		parser->references[i - 1].faulty = true;
	parser->section = NULL;
}

/* One more word of a list. */
static void append(char list[LIST_MAX], const char *word)
{
	size_t length = strlen(list);

	snprintf(list + length, LIST_MAX - length, "%s%s", length != 0 ? ", " : "", word);
}

/* Finds the section's kind, or reports. `name` is what stands behind it. */
static const struct section_type *kind_of(struct parser *parser, const char *word,
                                          enum section_kind *kind)
{
	struct suggestion suggestion;

	for (int i = 0; i < SECTION_KINDS; i++) {
		if (strcmp(policy_sections[i].word, word) != 0)
			continue;
		*kind = (enum section_kind)i;
		return &policy_sections[i];
	}
	char kinds[LIST_MAX] = "";
	suggest_start(&suggestion, word);
	for (int i = 0; i < SECTION_KINDS; i++) {
		suggest_consider(&suggestion, policy_sections[i].word);
		append(kinds, policy_sections[i].word);
	}
	report_add(parser->report, parser->section_place,
	           suggestion.best != NULL ? "there is no kind of section `%s'%s"
	                                   : "there is no kind of section `%s'; there are %s",
	           word, suggestion.best != NULL ? suggest_text(&suggestion) : kinds);
	return NULL;
}

static bool check_section_name(struct parser *parser, const struct section_type *type,
                               const char *name)
{
	struct fault fault;

	if (type->named && name[0] == '\0') {
		report_add(parser->report, parser->section_place,
		           "section has no name; write [%s NAME]", type->word);
		return false;
	}
	if (!type->named && name[0] != '\0') {
		report_add(parser->report, parser->section_place,
		           "[%s] takes no name, but has `%s'", type->word, name);
		return false;
	}
	if (type->named && value_name(name, &fault) != 0) {
		report_fault(parser->report, parser->section_place, &fault);
		return false;
	}
	return true;
}

static int open_section(struct parser *parser, const struct section_type *type,
                        enum section_kind kind, const char *name)
{
	if (array_room(&parser->seen, &parser->seen_capacity, parser->seen_count,
	               sizeof(*parser->seen)) != 0)
		return -1;
	struct seen_section *seen = &parser->seen[parser->seen_count++];
	*seen = (struct seen_section){ .kind = kind, .place = parser->section_place };
	snprintf(seen->name, sizeof(seen->name), "%s", name);
	memcpy(parser->name, seen->name, sizeof(parser->name));
	parser->kind = kind;
	parser->faulty = false;
	parser->unread = false;
	parser->first_reference = parser->reference_count;
	memset(parser->key_places, 0, sizeof(parser->key_places));
	/* [broker] has its presets from the start, as it may be left out. */
	if (type->open != NULL) {
		if (type->open(parser) != 0)
			return -1;
		apply_presets(parser, kind);
	}
	parser->section = type;
	return 0;
}

static void on_section(void *context, uint32_t place, const char *header)
{
	struct parser *parser = context;
	char word[INI_LINE_MAX + 1];
	enum section_kind kind;

	close_section(parser);
	parser->lost = true;
	parser->section_place = place;
	if (header == NULL)
		return;
	size_t length = strcspn(header, " \t");
	snprintf(word, sizeof(word), "%.*s", (int)length, header);
	const char *name = header + length + strspn(header + length, " \t");
	const struct section_type *type = kind_of(parser, word, &kind);
	if (type == NULL || !check_section_name(parser, type, name))
		return;
	if (open_section(parser, type, kind, name) != 0)
		parser->report->out_of_memory = true;
	else
		parser->lost = false;
}

/* Sections that have a key of this name: "[device], [virtual]"; empty: none. */
static void list_homes(const char *name, char homes[LIST_MAX])
{
	char word[32];

	homes[0] = '\0';
	for (size_t i = 0; i < policy_key_count; i++) {
		if (strcmp(policy_keys[i].name, name) != 0)
			continue;
		snprintf(word, sizeof(word), "[%s]", policy_sections[policy_keys[i].section].word);
		append(homes, word);
	}
}

/* A key that its section does not have: perhaps misspelt, perhaps misplaced. */
static void unknown_key(struct parser *parser, const char *name)
{
	struct suggestion suggestion;
	char homes[LIST_MAX], keys[LIST_MAX] = "";

	parser->faulty = true;
	parser->unread = true;
	suggest_start(&suggestion, name);
	for (size_t i = 0; i < policy_key_count; i++) {
		if (policy_keys[i].section != parser->kind)
			continue;
		suggest_consider(&suggestion, policy_keys[i].name);
		append(keys, policy_keys[i].name);
	}
	list_homes(name, homes);
	if (parser->kind == SECTION_CLIENT &&
	    (strcmp(name, "executable") == 0 || strcmp(name, "exe") == 0))
		report_add(parser->report, parser->place,
		           "[client] has no key `%s', as the file that a process was "
		           "started from does not say what it does; name a `unit', whose processes "
		           "only root starts",
		           name);
	else if (homes[0] != '\0')
		report_add(parser->report, parser->place, "`%s' is a key of %s, not of [%s]", name,
		           homes, parser->section->word);
	else if (suggestion.best != NULL)
		report_add(parser->report, parser->place, "[%s] has no key `%s'%s",
		           parser->section->word, name, suggest_text(&suggestion));
	else
		report_add(parser->report, parser->place, "[%s] has no key `%s'; it has %s",
		           parser->section->word, name, keys);
}

static void on_unread(void *context)
{
	struct parser *parser = context;

	parser->faulty = true;
	parser->unread = true;
}

static void on_key(void *context, uint32_t place, const char *name, const char *value)
{
	struct parser *parser = context;
	struct fault fault;

	parser->place = place;
	if (parser->section == NULL) {
		if (!parser->lost)
			report_add(parser->report, place,
			           "`%s' stands before the first section; put it into one", name);
		return;
	}
	for (size_t i = 0; i < policy_key_count; i++) {
		const struct key *key = &policy_keys[i];
		if (key->section != parser->kind || strcmp(key->name, name) != 0)
			continue;
		if (parser->key_places[i] != 0) {
			report_add(parser->report, place, "`%s' is already set in line %u", name,
			           place_line(parser->key_places[i]));
			return;
		}
		parser->key_places[i] = place;
		if (key->set(parser, key, value, &fault) != 0)
			bad_entry(parser, key, &fault);
		return;
	}
	unknown_key(parser, name);
}

void parser_start(struct parser *parser, struct policy *policy, const struct policy_users *users,
                  struct report *report)
{
	*parser = (struct parser){
		.policy = policy,
		.users = users,
		.ids = { .path = users->pci_ids },
		.report = report,
	};
	apply_presets(parser, SECTION_BROKER);
}

struct ini_sink parser_sink(struct parser *parser)
{
	return (struct ini_sink){
		.section = on_section, .key = on_key, .unread = on_unread, .context = parser
	};
}

void parser_end_file(struct parser *parser)
{
	close_section(parser);
	parser->lost = false;
}

void parser_release(struct parser *parser)
{
	free(parser->seen);
	free(parser->references);
	pci_ids_release(&parser->ids);
}
