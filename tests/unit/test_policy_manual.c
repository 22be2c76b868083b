/* SPDX-License-Identifier: MIT */
/* What ships beside the parser says the same as the parser: the man page, the
 * shipped policy and the worked examples. */
#include "policy/class_names.h"
#include "policy/keys.h"
#include "suite.h"
#include "test_policy_load.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "r");
	char *content = calloc(1, 1 << 16);

	ck_assert_msg(file != NULL, "%s", path);
	ck_assert_uint_lt(fread(content, 1, (1 << 16) - 1, file), (1 << 16) - 1);
	fclose(file);
	return content;
}

/* Copies what the man page says about a key: from its line to the next key or
 * heading. False if it has no such key in the section. */
static bool entry_of(const char *page, const struct key *key, char *entry, size_t size)
{
	char heading[64], item[64];

	snprintf(heading, sizeof(heading), "\n## [%s%s]\n", policy_sections[key->section].word,
	         policy_sections[key->section].named ? " NAME" : "");
	snprintf(item, sizeof(item), "\n*%s* = ", key->name);
	const char *section = strstr(page, heading);
	if (section == NULL)
		return false;
	const char *end = strstr(section + 1, "\n#");
	const char *start = strstr(section, item);
	if (start == NULL || (end != NULL && start > end))
		return false;
	const char *next = strstr(start + 1, "\n*");
	if (next != NULL && (end == NULL || next < end))
		end = next;
	snprintf(entry, size, "%.*s", (int)(end - start), start);
	return true;
}

START_TEST(every_key_is_in_the_man_page)
{
	char *page = read_all(DOCS_DIR "/hwbroker-policy.5.scd");

	for (size_t i = 0; i < policy_key_count; i++) {
		const struct key *key = &policy_keys[i];
		const char *section = policy_sections[key->section].word;
		char entry[2048], words[64];

		ck_assert_msg(entry_of(page, key, entry, sizeof(entry)),
		              "[%s] %s is not in the man page", section, key->name);
		snprintf(words, sizeof(words), "Default: *%s*.",
		         key->preset != NULL ? key->preset : "");
		ck_assert_msg((strstr(entry, key->preset != NULL ? words : "Default: ") != NULL) ==
		                      (key->preset != NULL),
		              "[%s] %s: the default is not `%s'", section, key->name, words);
		ck_assert_msg((strstr(entry, "Required.") != NULL) == key->required,
		              "[%s] %s: whether it is required", section, key->name);
		snprintf(words, sizeof(words), "Example: _%s = ", key->name);
		ck_assert_msg(strstr(entry, words) != NULL, "[%s] %s has no example", section,
		              key->name);
	}
	free(page);
}
END_TEST

START_TEST(the_man_page_has_no_other_keys)
{
	char *page = read_all(DOCS_DIR "/hwbroker-policy.5.scd");
	size_t items = 0;

	for (const char *at = strstr(page, "\n*"); at != NULL; at = strstr(at + 1, "\n*")) {
		const char *end = at + 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz_");
		items += strncmp(end, "* = ", 4) == 0;
	}
	ck_assert_uint_eq(items, policy_key_count);
	free(page);
}
END_TEST

START_TEST(every_class_is_in_the_man_page)
{
	char *page = read_all(DOCS_DIR "/hwbroker-policy.5.scd");

	for (size_t i = 0; i < class_name_count; i++) {
		char word[64];
		snprintf(word, sizeof(word), "*%s*", class_names[i].name);
		ck_assert_msg(strstr(page, word) != NULL, "%s", word);
		ck_assert_uint_eq(class_names[i].code & ~class_names[i].mask, 0);
	}
	free(page);
}
END_TEST

static struct policy *load(const char *path)
{
	struct policy *policy = NULL;
	char *report = NULL;

	test_make_ids();
	int result = policy_load_with(path, &test_any_users, &policy, &report);
	test_remove_ids();

	ck_assert_msg(result == 0, "%s", report);
	return policy;
}

START_TEST(shipped_policy_grants_nothing)
{
	struct policy *policy = load(CONFIG_DIR "/hwbroker.conf");
	struct policy_subject subject = { .uid = 4711, .gid = 4711 };

	ck_assert_uint_eq(policy_rule_count(policy), 0);
	ck_assert_ptr_null(policy_client_of(policy, &subject));
	policy_free(policy);
}
END_TEST

/* The commented part of the shipped policy is what a person begins with. */
START_TEST(shipped_policy_works_uncommented)
{
	char *content = read_all(CONFIG_DIR "/hwbroker.conf");
	char *to = content;

	for (char *line = content; *line != '\0';) {
		char *end = strchr(line, '\n') + 1;
		bool setting = line[0] == '#' && line[1] != ' ';
		line += setting;
		memmove(to, line, (size_t)(end - line));
		to += end - line;
		line = end;
	}
	*to = '\0';
	char *path = test_file(content, strlen(content), 0600);
	struct policy *policy = load(path);
	ck_assert_uint_eq(policy_rule_count(policy), 2);
	policy_free(policy);
	remove(path);
	free(path);
	free(content);
}
END_TEST

START_TEST(examples_load)
{
	glob_t found;

	ck_assert_int_eq(glob(CONFIG_DIR "/examples/*.conf", 0, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, 6);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct policy *policy = load(found.gl_pathv[i]);
		ck_assert_uint_ge(policy_rule_count(policy), 1);
		policy_free(policy);
	}
	globfree(&found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy manual");
	TCase *tests = tcase_create("manual");

	tcase_add_test(tests, every_key_is_in_the_man_page);
	tcase_add_test(tests, the_man_page_has_no_other_keys);
	tcase_add_test(tests, every_class_is_in_the_man_page);
	tcase_add_test(tests, shipped_policy_grants_nothing);
	tcase_add_test(tests, shipped_policy_works_uncommented);
	tcase_add_test(tests, examples_load);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
