/* SPDX-License-Identifier: MIT */
/* The completions of bash and zsh have a table of commands and their options: it is the
 * same as hwbroker-ctl's own. */
#include "commands.h"
#include "options.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *read_table(const char *name)
{
	static char text[65536];
	char path[256];

	snprintf(path, sizeof(path), COMPLETIONS_DIR "/%s", name);
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot open %s", path);
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	ck_assert_uint_lt(length, sizeof(text) - 1);
	fclose(file);
	text[length] = '\0';
	/* The first text that begins and ends on lines of its own. */
	char *from = strstr(text, "='\n");
	ck_assert_ptr_nonnull(from);
	char *end = strstr(from, "\n'\n");
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	return from + 3;
}

/* As the tables have it: "list devices|--json|". The kind of words is theirs alone. */
static void line_of(const struct command *command, char line[256])
{
	int length =
	        snprintf(line, 256, "%s%s%s|", command->verb, command->object != NULL ? " " : "",
	                 command->object != NULL ? command->object : "");
	const char *between = "";

	for (unsigned i = 0; i < option_count; i++)
		if ((options[i].bit & command->options) != 0) {
			length += snprintf(line + length, 256 - (size_t)length, "%s--%s", between,
			                   options[i].name);
			between = " ";
		}
	snprintf(line + length, 256 - (size_t)length, "|");
}

static bool table_has(const char *table, const char *wanted)
{
	size_t length = strlen(wanted);

	for (const char *at = table; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, wanted, length) == 0)
			return true;
	}
	return false;
}

static const char *const files[] = { "hwbroker-ctl.bash", "_hwbroker-ctl" };

START_TEST(they_have_exactly_the_commands)
{
	char *table = read_table(files[_i]);
	unsigned lines = 1;

	for (unsigned i = 0; i < command_count; i++) {
		char line[256];
		line_of(&commands[i], line);
		ck_assert_msg(table_has(table, line), "%s lacks the line %s", files[_i], line);
	}
	for (const char *at = table; *at != '\0'; at++)
		lines += *at == '\n';
	ck_assert_msg(lines == command_count, "%s has %u commands, not %u", files[_i], lines,
	              command_count);
}
END_TEST

START_TEST(they_know_which_options_take_a_word)
{
	static char text[65536];
	char path[256];

	snprintf(path, sizeof(path), COMPLETIONS_DIR "/%s", files[_i]);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	char *follows = strstr(text, "follows=");
	ck_assert_ptr_nonnull(follows);
	*strchr(follows, '\n') = '\0';
	for (unsigned i = 0; i < option_count; i++) {
		char name[64];
		snprintf(name, sizeof(name), "--%s", options[i].name);
		ck_assert_msg((strstr(follows, name) != NULL) == (options[i].argument != NULL),
		              "%s: %s", files[_i], name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hwbroker-ctl's completions");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, they_have_exactly_the_commands, 0, 2);
	tcase_add_loop_test(all, they_know_which_options_take_a_word, 0, 2);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
