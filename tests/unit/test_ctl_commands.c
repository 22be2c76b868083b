/* SPDX-License-Identifier: MIT */
/* The table of hwbroker-ctl's commands: what the words of a command line mean, and that
 * --help and the manual page know the same commands and options. */
#include "commands.h"
#include "options.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *said;
static size_t said_length;

static char *manual(void)
{
	static char text[65536];
	FILE *file = fopen(DOCS_DIR "/hwbroker-ctl.1.scd", "r");

	ck_assert_ptr_nonnull(file);
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	ck_assert_uint_lt(length, sizeof(text) - 1);
	fclose(file);
	text[length] = '\0';
	return text;
}

/* As the manual has the name of a command: "*list* *devices*" in the synopsis, "*list
 * devices*" where it is described. */
static void name_of(const struct command *command, char name[64])
{
	snprintf(name, 64, "%s%s%s", command->verb, command->object != NULL ? " " : "",
	         command->object != NULL ? command->object : "");
}

static const struct command *command_named(const char *name, size_t length)
{
	for (unsigned i = 0; i < command_count; i++) {
		char known[64];
		name_of(&commands[i], known);
		if (strlen(known) == length && memcmp(known, name, length) == 0)
			return &commands[i];
	}
	return NULL;
}

/* The text of a section, cut off at the next. */
static char *section(char *text, const char *heading)
{
	char *from = strstr(text, heading);

	ck_assert_msg(from != NULL, "no %s", heading);
	from += strlen(heading);
	char *end = strstr(from, "\n# ");
	if (end != NULL)
		*end = '\0';
	return from;
}

START_TEST(the_manual_describes_exactly_these_commands)
{
	char *text = section(manual(), "\n# DESCRIPTION\n");
	unsigned described = 0;

	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (line[0] != '*')
			continue;
		const char *end = strchr(line + 1, '*');
		ck_assert_ptr_nonnull(end);
		const struct command *command = command_named(line + 1, (size_t)(end - line - 1));
		ck_assert_msg(command != NULL || strchr(line, ' ') != NULL,
		              "the manual has `%s', which is no command", line);
		described += command != NULL;
	}
	ck_assert_uint_eq(described, command_count);
}
END_TEST

START_TEST(the_manual_describes_these_options)
{
	char *text = section(manual(), "\n# OPTIONS\n");

	for (unsigned i = 0; i < option_count; i++) {
		char name[32];
		snprintf(name, sizeof(name), "*--%s*", options[i].name);
		ck_assert_msg(strstr(text, name) != NULL, "the manual lacks %s", name);
	}
}
END_TEST

START_TEST(help_lists_all_within_80_columns)
{
	FILE *out = open_memstream(&said, &said_length);

	commands_help(out);
	fclose(out);
	for (unsigned i = 0; i < command_count; i++) {
		char name[64], line[80];
		name_of(&commands[i], name);
		snprintf(line, sizeof(line), "\n  %s%s%s", name,
		         commands[i].words != NULL ? " " : "",
		         commands[i].words != NULL ? commands[i].words : "");
		ck_assert_msg(strstr(said, line) != NULL, "no `%s'", line + 3);
		ck_assert_ptr_nonnull(strstr(said, commands[i].about));
	}
	for (unsigned i = 0; i < option_count; i++)
		ck_assert_ptr_nonnull(strstr(said, options[i].name));
	for (char *line = strtok(said, "\n"); line != NULL; line = strtok(NULL, "\n"))
		ck_assert_msg(strlen(line) <= 80, "%s", line);
	free(said);
}
END_TEST

START_TEST(the_table_makes_sense)
{
	for (unsigned i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		char name[64];
		name_of(command, name);
		ck_assert_ptr_eq(command_named(name, strlen(name)), command);
		ck_assert_ptr_nonnull(command->about);
		ck_assert(command->run != NULL);
		ck_assert_uint_le(command->least, command->most);
		ck_assert((command->most != 0) == (command->words != NULL));
		ck_assert((command->least != 0) == (command->needs != NULL));
	}
}
END_TEST

/* What stderr is told goes to a file meanwhile. */
static const struct command *find(char *line, unsigned *named)
{
	char *words[8];
	unsigned count = 0;
	static char buffer[1024];
	FILE *real = stderr, *file = fmemopen(buffer, sizeof(buffer), "w");

	memset(buffer, 0, sizeof(buffer));
	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
		words[count++] = word;
	ck_assert_ptr_nonnull(file);
	stderr = file;
	const struct command *command = commands_find(count, words, named);
	stderr = real;
	fclose(file);
	said = buffer;
	return command;
}

START_TEST(words_are_understood)
{
	static const struct {
		const char *line, *verb, *object;
		unsigned named;
	} good[] = {
		{ "list devices", "list", "devices", 2 },
		{ "status", "status", NULL, 1 },
		{ "revoke 00:03.0", "revoke", NULL, 1 },
		{ "quarantine clear 00:03.0", "quarantine", "clear", 2 },
		{ "run ls -l /tmp", "run", NULL, 1 },
	};
	static const struct {
		const char *line, *says;
	} bad[] = {
		{ "lst", "no such command `lst'; did you mean `list'?" },
		{ "hardware", "no such command `hardware'\n" },
		{ "list", "`list' needs one of: devices, clients, sessions" },
		{ "list devcies", "`list' knows no `devcies'; did you mean `devices'?" },
		{ "list devices 3", "`list devices' has a word too many behind it: `3'" },
		{ "revoke", "`revoke' needs the address of a device, such as 0000:00:03.0" },
		{ "revoke a b", "`revoke' has a word too many behind it: `b'" },
		{ "quarantine clear", "`quarantine clear' needs the address" },
		{ "run", "`run' needs a command, and before it --as CLIENT" },
		{ "status now", "`status' has a word too many behind it: `now'" },
	};
	char line[64];
	unsigned named;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(line, sizeof(line), "%s", good[i].line);
		const struct command *command = find(line, &named);
		ck_assert_msg(command != NULL, "%s: %s", good[i].line, said);
		ck_assert_str_eq(command->verb, good[i].verb);
		ck_assert((command->object == NULL) == (good[i].object == NULL));
		ck_assert_uint_eq(named, good[i].named);
		ck_assert_str_eq(said, "");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "%s", bad[i].line);
		ck_assert_ptr_null(find(line, &named));
		ck_assert_msg(strstr(said, bad[i].says) != NULL, "%s: %s", bad[i].line, said);
		ck_assert_ptr_nonnull(strstr(said, "Try `hwbroker-ctl --help'.\n"));
	}
}
END_TEST

/* From its first word on, a command that is run has its options for itself. */
START_TEST(options_of_what_is_run_are_its_own)
{
	static const struct {
		const char *line, *words, *as;
		bool json;
	} cases[] = {
		{ "x run --as a ls", "run ls", "a", false },
		{ "x --as a run ls --json -l", "run ls --json -l", "a", false },
		{ "x run --as a -- ls --as b", "run ls --as b", "a", false },
		{ "x run ls --as a", "run ls --as a", NULL, false },
		{ "x --as a -- run ls", "run ls", "a", false },
		{ "x run --as a -- -x", "run -x", "a", false },
		{ "x run", "run", NULL, false },
		{ "x status --json", "status", NULL, true },
		{ "x list --json devices", "list devices", NULL, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct context context = { .out = stdout };
		char line[64], *argv[16], words[64] = "";
		unsigned given;
		int argc = 0, status;
		snprintf(line, sizeof(line), "%s", cases[i].line);
		for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
			argv[argc++] = word;
		argv[argc] = NULL;
		int first = options_read(argc, argv, &context, &given, &status);
		ck_assert_int_gt(first, 0);
		for (int at = first; at < argc; at++) {
			strcat(words, at == first ? "" : " ");
			strcat(words, argv[at]);
		}
		ck_assert_str_eq(words, cases[i].words);
		ck_assert_pstr_eq(context.as, cases[i].as);
		ck_assert(context.json == cases[i].json);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hwbroker-ctl's commands");
	TCase *all = tcase_create("all");

	tcase_add_test(all, the_manual_describes_exactly_these_commands);
	tcase_add_test(all, the_manual_describes_these_options);
	tcase_add_test(all, help_lists_all_within_80_columns);
	tcase_add_test(all, the_table_makes_sense);
	tcase_add_test(all, words_are_understood);
	tcase_add_test(all, options_of_what_is_run_are_its_own);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
