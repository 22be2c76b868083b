/* SPDX-License-Identifier: MIT */
/* What is wrong with a policy as a file and as text, before its meaning. */
#include "policy/ini_reader.h"
#include "policy/safe_file.h"
#include "policy/suggest.h"
#include "suite.h"
#include "test_policy_load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct bad_text {
	const char *text;
	const char *report;
};

static const struct bad_text bad_texts[] = {
	{ "\xef\xbb\xbf[broker]\n",
	  "F:1: file begins with a byte order mark; save it as UTF-8 without one\n" },
	{ "# fine\n[broker]\r\n# also\r\n",
	  "F:2: line ends in CR LF; convert the file to plain newlines (dos2unix)\n" },
	{ "# a\rb\n", "F:1: control character 0x0d in column 4; remove it\n" },
	{ "# bell \a\n# \x1b[31m\n", "F:1: control character 0x07 in column 8; remove it\n"
	                             "F:2: control character 0x1b in column 3; remove it\n" },
	{ "# \x7f\n# \xc2\x85\n", "F:1: control character 0x7f in column 3; remove it\n"
	                          "F:2: control character 0x85 in column 3; remove it\n" },
	{ "# caf\xe9\n", "F:1: byte 0xe9 in column 6 is not UTF-8; save the file as UTF-8\n" },
	{ "# \xc0\xaf overlong\n# \xed\xa0\x80 surrogate\n# \xf4\x90\x80\x80 high\n# \xe2\x82\n",
	  "F:1: byte 0xc0 in column 3 is not UTF-8; save the file as UTF-8\n"
	  "F:2: byte 0xed in column 3 is not UTF-8; save the file as UTF-8\n"
	  "F:3: byte 0xf4 in column 3 is not UTF-8; save the file as UTF-8\n"
	  "F:4: byte 0xe2 in column 3 is not UTF-8; save the file as UTF-8\n" },
	{ "# \xe2\x81\xa6x\n# \xe2\x80\x8ex\n# \xd8\x9cx\n",
	  "F:1: invisible character U+2066 in column 3 changes the direction of the text; remove "
	  "it\n"
	  "F:2: invisible character U+200E in column 3 changes the direction of the text; remove "
	  "it\n"
	  "F:3: invisible character U+061C in column 3 changes the direction of the text; remove "
	  "it\n" },
	{ "# a\xe2\x80\x8b\n# \xef\xbb\xbf\n# \xc2\xad\n",
	  "F:1: invisible character U+200B in column 4; remove it\n"
	  "F:2: invisible character U+FEFF in column 3; remove it\n"
	  "F:3: invisible character U+00AD in column 3; remove it\n" },
	{ "# \xe2\x80\xae\n",
	  "F:1: invisible character U+202E in column 3 changes the direction of the text; "
	  "remove it\n" },
	{ "[broker\n[broker]\n", "F:1: section header is not closed; end it with `]'\n" },
	{ "[broker ;]\n", "F:1: section header is not closed; end it with `]'\n" },
	{ "[broker] query_group = drivers\n",
	  "F:1: `query_group = drivers' behind the section header; put it on a line of its own\n" },
	{ "[broker]\nquery_group\n", "F:2: `query_group' has no value; write `key = value'\n" },
	{ "[broker]\nquery_group ;= drivers\n",
	  "F:2: `query_group' has no value; write `key = value'\n" },
	{ "[broker]\nquery_group =  \t\n",
	  "F:2: `query_group' has no value; remove the line to get its default\n" },
	{ "[broker]\nquery_group = ; drivers\n",
	  "F:2: `query_group' has no value; remove the line to get its default\n" },
	{ "[broker]\nquery_group = # drivers\n",
	  "F:2: `query_group' has no value; remove the line to get its default\n" },
	{ "[broker]\n= drivers\n", "F:2: no key before `='\n" },
	{ "[broker]\nquery_group: drivers\n",
	  "F:2: `:' behind `query_group'; keys and values are separated by `='\n" },
	{ "[broker]\nquery_group = drivers # mine\n",
	  "F:2: `# mine' would be part of the value of `query_group'; a comment behind a value "
	  "begins with ` ;'\n" },
	{ "[broker]\nquery_group = drivers\n  hwbroker\n",
	  "F:3: `hwbroker' is indented, which would make it part of the line above; begin it in "
	  "the first column\n" },
	{ " [broker]\n",
	  "F:1: `[broker]' is indented, which would make it part of the line above; begin it in "
	  "the first column\n" },
	/* A header that cannot be read takes its keys with it, but not the file. */
	{ "[client x\nuser = nobody\n[broker]\nqury_group = drivers\n",
	  "F:1: section header is not closed; end it with `]'\n"
	  "F:4: [broker] has no key `qury_group'; did you mean `query_group'?\n" },
	{ "\n\n[\x01]\nuser = nobody\n", "F:3: control character 0x01 in column 2; remove it\n" },
};

START_TEST(text_is_refused)
{
	const struct bad_text *bad = &bad_texts[_i];
	char *report = test_report(bad->text, strlen(bad->text));

	ck_assert_str_eq(report, bad->report);
	free(report);
}
END_TEST

START_TEST(nul_is_refused)
{
	static const char text[] = "[broker]\nquery_group = drivers\0hidden\n";
	char *report = test_report(text, sizeof(text) - 1);

	ck_assert_str_eq(report, "F:2: control character 0x00 in column 22; remove it\n");
	free(report);
}
END_TEST

START_TEST(line_length_has_a_limit)
{
	char text[512];

	/* One byte below what inih would cut, in a comment: inih would read the
	 * rest of it as a line. */
	memset(text, '#', sizeof(text));
	text[INI_LINE_MAX] = '\0';
	policy_free(test_policy(text));
	strcpy(text + INI_LINE_MAX, "\n[broker]\n");
	policy_free(test_policy(text));
	strcpy(text + INI_LINE_MAX, "#\n");
	char *report = test_report(text, strlen(text));
	ck_assert_str_eq(report, "F:1: line has 199 bytes, at most 198 are possible; shorten it\n");
	free(report);
}
END_TEST

START_TEST(one_line_of_a_megabyte)
{
	char *text = malloc(SAFE_FILE_MAX);

	memset(text, 'a', SAFE_FILE_MAX);
	char *report = test_report(text, SAFE_FILE_MAX);
	ck_assert_str_eq(report,
	                 "F:1: line has 1048576 bytes, at most 198 are possible; shorten it\n");
	free(report);
	free(text);
}
END_TEST

START_TEST(mistakes_are_counted_beyond_the_limit)
{
	char text[(REPORT_MAX + 50) * 2 + 1] = "";

	for (int i = 0; i < REPORT_MAX + 50; i++)
		memcpy(text + 2 * i, "[\n", 3);
	char *report = test_report(text, strlen(text));
	ck_assert_ptr_nonnull(strstr(report, "F: and 50 more mistakes\n"));
	free(report);
}
END_TEST

START_TEST(harmless_text_is_accepted)
{
	static const char *const texts[] = {
		"",
		"\n\n\n",
		"# no newline at the end",
		"[broker]",
		"\t# an indented comment \xc3\xa9\n   ; another\n\n[broker] ; comment\n",
		"[broker] # comment\nquery_group=drivers",
		"[ broker ]\nquery_group\t=\tdrivers\t;\tcomment\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		policy_free(test_policy(texts[i]));
}
END_TEST

/* ---- what the sink is told ---- */

struct told {
	char text[512];
};

static void tell(struct told *told, const char *format, uint32_t line, const char *a, const char *b)
{
	char entry[128];

	snprintf(entry, sizeof(entry), "%u %s %s%s%s|", line, format, a, b[0] != '\0' ? "=" : "",
	         b);
	strcat(told->text, entry);
}

static void on_section(void *context, uint32_t line, const char *header)
{
	tell(context, "section", line, header != NULL ? header : "(lost)", "");
}

static void on_key(void *context, uint32_t line, const char *key, const char *value)
{
	tell(context, "key", line, key, value);
}

START_TEST(lines_are_told_with_their_numbers)
{
	static const char text[] = "# comment\n[a]\n\nx = 1 ; one\n[b]\n[b]\n[lost\ny=2\n[c d]\n"
	                           "long_key_name = a, b: c = d";
	struct told told = { "" };
	struct report report = { 0 };
	struct ini_sink sink = { .section = on_section, .key = on_key, .context = &told };

	ini_read_text(text, sizeof(text) - 1, 0, &sink, &report);
	/* The empty [a] and both [b] are seen, which inih alone does not tell. */
	ck_assert_str_eq(told.text,
	                 "2 section a|4 key x=1|5 section b|6 section b|7 section (lost)|"
	                 "8 key y=2|9 section c d|10 key long_key_name=a, b: c = d|");
	ck_assert_uint_eq(report.count, 1);
	report_release(&report);
}
END_TEST

/* ---- the file ---- */

static void expect_fault(const char *path, const char *reason)
{
	struct fault fault = { 0 };
	char *text = NULL;
	size_t size = 0;

	ck_assert_int_eq(safe_file_read(path, SAFE_FILE_MAX, &text, &size, &fault), -1);
	ck_assert_str_eq(fault.reason, reason);
}

START_TEST(files_that_others_can_write_are_refused)
{
	static const struct {
		unsigned int mode;
		const char *reason;
	} cases[] = {
		{ 0664, "can be written by others than its owner (mode 0664); take that away "
		        "(chmod go-w)" },
		{ 0646, "can be written by others than its owner (mode 0646); take that away "
		        "(chmod go-w)" },
		{ 0620, "can be written by others than its owner (mode 0620); take that away "
		        "(chmod go-w)" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *path = test_file("[broker]\n", 9, cases[i].mode);
		expect_fault(path, cases[i].reason);
		unlink(path);
		free(path);
	}
}
END_TEST

START_TEST(other_kinds_of_file_are_refused)
{
	char directory[] = "/tmp/test_policy.XXXXXX";
	char path[64], target[64];

	ck_assert_ptr_nonnull(mkdtemp(directory));
	expect_fault(directory, "is not a regular file");
	snprintf(path, sizeof(path), "%s/fifo", directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_fault(path, "is not a regular file"); /* and does not wait for a writer */
	unlink(path);
	expect_fault(path, "cannot open it: No such file or directory");
	expect_fault("/dev/null", "is not a regular file");

	snprintf(target, sizeof(target), "%s/target", directory);
	FILE *file = fopen(target, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	snprintf(path, sizeof(path), "%s/link", directory);
	ck_assert_int_eq(symlink("target", path), 0);
	expect_fault(path, "is a symbolic link; name the file that it points to");
	unlink(path);
	unlink(target);
	rmdir(directory);
}
END_TEST

START_TEST(large_files_are_refused)
{
	char *path = test_file("", 0, 0600);

	ck_assert_int_eq(truncate(path, SAFE_FILE_MAX + 1), 0);
	expect_fault(path, "is larger than 1 MiB");
	unlink(path);
	free(path);
}
END_TEST

START_TEST(files_of_other_users_are_refused)
{
	char *path = test_file("", 0, 0600);

	/* Only root can give a file away. */
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(path, 4711, 0), 0);
		expect_fault(path, "belongs to uid 4711, who could grant himself any device; make "
		                   "it root's (chown root)");
	}
	unlink(path);
	free(path);
}
END_TEST

START_TEST(file_mistakes_have_no_line)
{
	struct policy *policy = NULL;
	char *report = NULL;

	ck_assert_int_eq(policy_load("/nonexistent/policy", &policy, &report), -1);
	ck_assert_str_eq(report,
	                 "/nonexistent/policy: cannot open it: No such file or directory\n");
	ck_assert_ptr_null(policy);
	free(report);
}
END_TEST

/* Nothing is known of a file that cannot be read now: nobody is to look for a mistake. */
START_TEST(no_descriptor_is_no_mistake)
{
	struct rlimit limit, none;
	struct policy *policy = NULL;
	char *report = NULL;

	ck_assert_int_eq(policy_load("/nonexistent/policy", &policy, &report), POLICY_MISTAKEN);
	free(report);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(policy_load("/dev/null", &policy, &report), POLICY_UNREAD);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_ptr_nonnull(strstr(report, ": cannot open it: Too many open files\n"));
	ck_assert_ptr_null(policy);
	free(report);
}
END_TEST

/* Names stand for numbers in it: a list that is none is said where the first of them is. */
START_TEST(names_that_cannot_be_read)
{
	const char text[] = "[client a]\nuser = 1\n[device d]\nclient = a\nid = Nobody:0001\n";
	char *path = test_file(text, sizeof(text) - 1, 0600), *report = NULL;
	struct policy *policy = NULL;
	struct policy_users users = test_any_users;

	users.pci_ids = "/dev";
	ck_assert_int_eq(policy_load_with(path, &users, &policy, &report), POLICY_MISTAKEN);
	ck_assert_msg(strstr(report, "no names are known: /dev is not a regular file") != NULL,
	              "%s", report);
	free(report);
	users.pci_ids = "/nonexistent/pci.ids";
	ck_assert_int_eq(policy_load_with(path, &users, &policy, &report), POLICY_MISTAKEN);
	ck_assert_msg(strstr(report, "install the package pci.ids, or write numbers") != NULL, "%s",
	              report);
	free(report);
	unlink(path);
	free(path);
}
END_TEST

/* ---- suggestions ---- */

static const char *nearest(const char *word)
{
	static const char *const words[] = { "user", "group", "sessions", "requests",
		                             "dma_mappings" };
	struct suggestion suggestion;

	suggest_start(&suggestion, word);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		suggest_consider(&suggestion, words[i]);
	return suggestion.best != NULL ? suggestion.best : "";
}

START_TEST(nearest_spelling_is_suggested)
{
	ck_assert_str_eq(nearest("usr"), "user");
	ck_assert_str_eq(nearest("uesr"), "user");
	ck_assert_str_eq(nearest("User"), "user");
	ck_assert_str_eq(nearest("session"), "sessions");
	ck_assert_str_eq(nearest("dma_maping"), "dma_mappings");
	ck_assert_str_eq(nearest("interrupt"), "");
	ck_assert_str_eq(nearest(""), "");
	ck_assert_str_eq(nearest("a_word_that_is_much_longer_than_any_of_our_keys_ever_is"), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy reader");
	TCase *text = tcase_create("text");
	TCase *file = tcase_create("file");

	tcase_add_loop_test(text, text_is_refused, 0,
	                    (int)(sizeof(bad_texts) / sizeof(bad_texts[0])));
	tcase_add_test(text, nul_is_refused);
	tcase_add_test(text, line_length_has_a_limit);
	tcase_add_test(text, one_line_of_a_megabyte);
	tcase_add_test(text, mistakes_are_counted_beyond_the_limit);
	tcase_add_test(text, harmless_text_is_accepted);
	tcase_add_test(text, lines_are_told_with_their_numbers);
	tcase_add_test(text, nearest_spelling_is_suggested);
	tcase_add_test(file, files_that_others_can_write_are_refused);
	tcase_add_test(file, other_kinds_of_file_are_refused);
	tcase_add_test(file, large_files_are_refused);
	tcase_add_test(file, files_of_other_users_are_refused);
	tcase_add_test(file, file_mistakes_have_no_line);
	tcase_add_test(file, no_descriptor_is_no_mistake);
	tcase_add_test(file, names_that_cannot_be_read);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, file);
	return suite_run(suite);
}
