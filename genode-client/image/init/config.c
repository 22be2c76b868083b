/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "config_keys.h"

#include "policy/ini_reader.h"
#include "policy/suggest.h"
#include "policy/values/values.h"

#include <stdio.h>
#include <string.h>

static const char *const section_names[SECTIONS] = { NULL, "init", "broker", "session" };

static void check_session(struct config_reader *reader)
{
	const struct config *config = reader->config;
	const struct config_session *session = &config->sessions[config->session_count - 1];

	for (size_t i = 0; i < config_key_count; i++)
		if (config_keys[i].section == SECTION_SESSION && config_keys[i].required &&
		    reader->key_lines[i] == 0)
			report_add(reader->report, session->line,
			           "[session %s] has no `%s', which it needs", session->name,
			           config_keys[i].name);
}

static void close_section(struct config_reader *reader)
{
	if (reader->section == SECTION_SESSION)
		check_session(reader);
	reader->section = SECTION_NONE;
}

static enum config_section find_section(struct config_reader *reader, const char *word)
{
	struct suggestion suggestion;

	suggest_start(&suggestion, word);
	for (enum config_section i = SECTION_INIT; i < SECTIONS; i++) {
		if (strcmp(section_names[i], word) == 0)
			return i;
		suggest_consider(&suggestion, section_names[i]);
	}
	report_add(reader->report, reader->line, "there is no kind of section `%s'%s", word,
	           suggest_text(&suggestion));
	return SECTION_NONE;
}

static bool new_session(struct config_reader *reader, const char *name)
{
	struct config *config = reader->config;
	struct fault fault;

	if (name[0] == '\0' || value_name(name, &fault) != 0) {
		report_add(reader->report, reader->line, "%s",
		           name[0] == '\0' ? "section has no name; write [session NAME]"
		                           : fault.reason);
		return false;
	}
	for (uint32_t i = 0; i < config->session_count; i++)
		if (strcmp(config->sessions[i].name, name) == 0) {
			report_add(reader->report, reader->line,
			           "[session %s] is there already, in line %u", name,
			           config->sessions[i].line);
			return false;
		}
	if (config->session_count == CONFIG_SESSIONS) {
		report_add(reader->report, reader->line, "at most %d sessions are possible",
		           CONFIG_SESSIONS);
		return false;
	}
	struct config_session *session = &config->sessions[config->session_count++];
	*session = (struct config_session){
		.line = reader->line,
		.directory = "/",
		.memlock = 8ull << 20,
		.files = 65536,
		.processes = 4096,
		.stop_seconds = 10,
		.at_end = END_RESTART,
	};
	snprintf(session->name, sizeof(session->name), "%s", name);
	return true;
}

static bool single_section(struct config_reader *reader, enum config_section section,
                           const char *name)
{
	if (name[0] != '\0') {
		report_add(reader->report, reader->line, "[%s] takes no name, but has `%s'",
		           section_names[section], name);
		return false;
	}
	if (reader->section_lines[section] != 0) {
		report_add(reader->report, reader->line, "[%s] is there already, in line %u",
		           section_names[section], reader->section_lines[section]);
		return false;
	}
	reader->section_lines[section] = reader->line;
	return true;
}

static void on_section(void *context, uint32_t line, const char *header)
{
	struct config_reader *reader = context;
	char word[INI_LINE_MAX + 1];

	close_section(reader);
	reader->line = line;
	memset(reader->key_lines, 0, sizeof(reader->key_lines));
	reader->lost = true;
	if (header == NULL)
		return;
	size_t length = strcspn(header, " \t");
	snprintf(word, sizeof(word), "%.*s", (int)length, header);
	const char *name = header + length + strspn(header + length, " \t");
	enum config_section section = find_section(reader, word);
	if (section == SECTION_SESSION ? new_session(reader, name)
	    : section != SECTION_NONE  ? single_section(reader, section, name)
	                               : false)
		reader->section = section;
	reader->lost = reader->section == SECTION_NONE;
}

/* ---- keys ---- */

static void unknown_key(struct config_reader *reader, const char *name)
{
	struct suggestion suggestion;

	suggest_start(&suggestion, name);
	for (size_t i = 0; i < config_key_count; i++)
		if (config_keys[i].section == reader->section)
			suggest_consider(&suggestion, config_keys[i].name);
	report_add(reader->report, reader->line, "[%s] has no key `%s'%s",
	           section_names[reader->section], name, suggest_text(&suggestion));
}

static void set_key(struct config_reader *reader, size_t index, const char *value)
{
	const struct config_key *key = &config_keys[index];
	struct config *config = reader->config;
	char *target = key->section == SECTION_SESSION
	                       ? (char *)&config->sessions[config->session_count - 1]
	                       : (char *)config;
	struct fault fault;

	if (reader->key_lines[index] != 0 && !key->repeated) {
		report_add(reader->report, reader->line, "`%s' is already set in line %u",
		           key->name, reader->key_lines[index]);
		return;
	}
	reader->key_lines[index] = reader->line;
	if (strcmp(key->name, "command") == 0 && key->section == SECTION_BROKER)
		config->broker_line = reader->line;
	if (key->set(target + key->member, reader, key, value, &fault) != 0)
		report_add(reader->report, reader->line, "`%s': %s", key->name, fault.reason);
}

static void on_key(void *context, uint32_t line, const char *name, const char *value)
{
	struct config_reader *reader = context;

	reader->line = line;
	if (reader->section == SECTION_NONE) {
		if (!reader->lost)
			report_add(reader->report, line,
			           "`%s' stands before the first section; put it into one", name);
		return;
	}
	for (size_t i = 0; i < config_key_count; i++)
		if (config_keys[i].section == reader->section &&
		    strcmp(config_keys[i].name, name) == 0) {
			set_key(reader, i, value);
			return;
		}
	unknown_key(reader, name);
}

/* ---- the whole ---- */

static void start(struct config_reader *reader, struct config *config, struct report *report)
{
	*config = (struct config){
		.on_error = END_HOLD,
		.broker = "/usr/sbin/hwbrokerd",
		.ready_seconds = 30,
		.broker_stop_seconds = 10,
		.broker_needed = true,
	};
	*reader = (struct config_reader){ .config = config, .report = report };
}

static void finish(struct config_reader *reader)
{
	close_section(reader);
	if (reader->config->session_count == 0 && report_clean(reader->report))
		report_add(reader->report, 0, "no [session NAME]: there is nothing to run");
}

void config_read_text(struct config *config, const char *text, size_t size, struct report *report)
{
	struct config_reader reader;
	const struct ini_sink sink = { .section = on_section, .key = on_key, .context = &reader };

	start(&reader, config, report);
	ini_read_text(text, size, 0, &sink, report);
	finish(&reader);
}

void config_read_file(struct config *config, const char *path, struct report *report)
{
	struct config_reader reader;
	const struct ini_sink sink = { .section = on_section, .key = on_key, .context = &reader };

	start(&reader, config, report);
	ini_read_file(path, 0, &sink, report);
	finish(&reader);
}
