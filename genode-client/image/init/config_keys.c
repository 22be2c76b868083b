/* SPDX-License-Identifier: MIT */
#include "config_keys.h"

#include "policy/suggest.h"
#include "policy/values/values.h"

#include <stdio.h>
#include <string.h>

enum { SECONDS_MAX = 3600, ID_MAX = UINT32_MAX - 1 };

static const char *const action_names[] = {
	[END_HOLD] = "hold",
	[END_RESTART] = "restart",
	[END_REBOOT] = "reboot",
	[END_POWEROFF] = "poweroff",
};

const char *end_action_name(enum end_action action)
{
	return action_names[action];
}

static int set_number(void *target, struct config_reader *reader, const struct config_key *key,
                      const char *value, struct fault *fault)
{
	(void)reader;
	return value_number(value, key->min, key->max, target, fault);
}

static int set_id(void *target, struct config_reader *reader, const struct config_key *key,
                  const char *value, struct fault *fault)
{
	uint64_t number;
	(void)reader;

	if (value_number(value, key->min, key->max, &number, fault) != 0)
		return -1;
	*(uint32_t *)target = (uint32_t)number;
	return 0;
}

static int set_size(void *target, struct config_reader *reader, const struct config_key *key,
                    const char *value, struct fault *fault)
{
	(void)reader;
	return value_size(value, key->min, key->max, target, fault);
}

static int set_boolean(void *target, struct config_reader *reader, const struct config_key *key,
                       const char *value, struct fault *fault)
{
	(void)reader;
	(void)key;
	return value_boolean(value, target, fault);
}

static int set_action(void *target, struct config_reader *reader, const struct config_key *key,
                      const char *value, struct fault *fault)
{
	const size_t count = sizeof(action_names) / sizeof(action_names[0]);
	struct suggestion suggestion;
	(void)reader;

	suggest_start(&suggestion, value);
	for (size_t i = 0; i < count; i++) {
		/* What went wrong would go wrong again. */
		if (i == END_RESTART && key->section == SECTION_INIT)
			continue;
		if (strcmp(value, action_names[i]) == 0) {
			*(enum end_action *)target = (enum end_action)i;
			return 0;
		}
		suggest_consider(&suggestion, action_names[i]);
	}
	return fault_set(fault, HWB_INVALID, "`%s' is none of %shold, reboot and poweroff%s", value,
	                 key->section == SECTION_INIT ? "" : "restart, ",
	                 suggest_text(&suggestion));
}

static int set_path(void *target, struct config_reader *reader, const struct config_key *key,
                    const char *value, struct fault *fault)
{
	(void)reader;
	(void)key;

	if (value[0] != '/')
		return fault_set(fault, HWB_INVALID, "`%s' is no absolute path", value);
	snprintf(target, CONFIG_TEXT, "%s", value);
	return 0;
}

static int set_text(void *target, struct config_reader *reader, const struct config_key *key,
                    const char *value, struct fault *fault)
{
	(void)reader;
	(void)key;
	(void)fault;

	snprintf(target, CONFIG_TEXT, "%s", value);
	return 0;
}

/* The file, and behind it what the module is told. */
static int set_module(void *target, struct config_reader *reader, const struct config_key *key,
                      const char *value, struct fault *fault)
{
	struct config *config = reader->config;
	size_t length = strcspn(value, " \t");
	(void)target;
	(void)key;

	if (value[0] != '/')
		return fault_set(fault, HWB_INVALID, "`%s' is no absolute path", value);
	if (config->module_count == CONFIG_MODULES)
		return fault_set(fault, HWB_INVALID, "at most %d modules are possible",
		                 CONFIG_MODULES);
	struct config_module *module = &config->modules[config->module_count++];
	*module = (struct config_module){ .line = reader->line };
	snprintf(module->path, sizeof(module->path), "%.*s", (int)length, value);
	snprintf(module->parameters, sizeof(module->parameters), "%s",
	         value + length + strspn(value + length, " \t"));
	return 0;
}

#define OF_CONFIG(field) .member = offsetof(struct config, field)
#define OF_SESSION(field) .member = offsetof(struct config_session, field)

const struct config_key config_keys[] = {
	{ SECTION_INIT, "module", set_module, .repeated = true },
	{ SECTION_INIT, "on_error", set_action, OF_CONFIG(on_error) },

	{ SECTION_BROKER, "command", set_text, OF_CONFIG(broker) },
	{ SECTION_BROKER, "ready", set_number, OF_CONFIG(ready_seconds), .min = 1,
	  .max = SECONDS_MAX },
	{ SECTION_BROKER, "stop", set_number, OF_CONFIG(broker_stop_seconds), .min = 1,
	  .max = SECONDS_MAX },
	{ SECTION_BROKER, "needed", set_boolean, OF_CONFIG(broker_needed) },

	{ SECTION_SESSION, "command", set_text, OF_SESSION(command), .required = true },
	{ SECTION_SESSION, "directory", set_path, OF_SESSION(directory) },
	{ SECTION_SESSION, "user", set_id, OF_SESSION(user), .max = ID_MAX, .required = true },
	{ SECTION_SESSION, "group", set_id, OF_SESSION(group), .max = ID_MAX, .required = true },
	{ SECTION_SESSION, "memlock", set_size, OF_SESSION(memlock), .max = 1ull << 50 },
	{ SECTION_SESSION, "files", set_number, OF_SESSION(files), .min = 16, .max = 1048576 },
	{ SECTION_SESSION, "processes", set_number, OF_SESSION(processes), .min = 1,
	  .max = 4194304 },
	{ SECTION_SESSION, "stop", set_number, OF_SESSION(stop_seconds), .min = 1,
	  .max = SECONDS_MAX },
	{ SECTION_SESSION, "at_end", set_action, OF_SESSION(at_end) },
};
const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);
_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_KEYS_MAX,
               "struct config_reader remembers a line for each key");
