/* SPDX-License-Identifier: MIT */
/* A policy of several files: policy.d. */
#include "policy/users.h"
#include "suite.h"
#include "test_policy_load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_drop_ins.XXXXXX";

/* A path below the folder, in a buffer that the next call but three uses again. */
static const char *path_of(const char *name)
{
	static char paths[4][64];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path_of(name), 0644), 0);
}

static void set_up(void)
{
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(mkdir(path_of("policy.d"), 0755), 0);
	put("main.conf", "[client one]\nuser = alice\n");
}

static void tear_down(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static struct policy *load(void)
{
	struct policy *policy = NULL;
	char *report = NULL;

	ck_assert_msg(policy_load_with(path_of("main.conf"), &test_users, &policy, &report) == 0,
	              "%s", report);
	return policy;
}

/* What is wrong, with the folder's name left out; freed by the caller. */
static char *mistakes(void)
{
	struct policy *policy = NULL;
	char *report = NULL, *at;
	size_t length = strlen(folder) + 1;

	ck_assert_int_eq(policy_load_with(path_of("main.conf"), &test_users, &policy, &report), -1);
	ck_assert_ptr_nonnull(report);
	while ((at = strstr(report, folder)) != NULL)
		memmove(at, at + length, strlen(at + length) + 1);
	return report;
}

static void wrong(const char *expected)
{
	char *said = mistakes();

	ck_assert_str_eq(said, expected);
	free(said);
}

static const struct policy_device card = {
	.address = { .bus = 3 },
	.vendor = 0x8086,
	.device = 0x10d3,
	.class_code = 0x020000,
};

static void decide(const struct policy *policy, const char *client, struct policy_verdict *verdict)
{
	const struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &card };

	policy_decide(policy, policy_client_named(policy, client), &resource, verdict);
}

START_TEST(there_need_be_none)
{
	ck_assert_int_eq(rmdir(path_of("policy.d")), 0);
	policy_free(load());
}
END_TEST

START_TEST(they_add_to_the_first_file)
{
	struct policy_verdict verdict;

	put("policy.d/10-card.conf",
	    "# a card\n[device card]\nclient = one, two\nid = 8086:10d3\n");
	put("policy.d/20-two.conf", "[client two]\nuser = bob\n");
	struct policy *policy = load();
	decide(policy, "one", &verdict);
	ck_assert(verdict.granted);
	ck_assert_str_eq(verdict.file, path_of("policy.d/10-card.conf"));
	ck_assert_uint_eq(verdict.line, 2);
	decide(policy, "two", &verdict);
	ck_assert(verdict.granted);
	ck_assert_str_eq(policy_path(policy), path_of("main.conf"));
	policy_free(policy);
}
END_TEST

START_TEST(a_refusal_names_the_file_of_its_rule)
{
	const struct policy_resource dma = { .kind = POLICY_DMA, .device = &card };
	struct policy_verdict verdict;
	char said[128];

	put("policy.d/card.conf", "[device card]\nclient = one\nid = 8086:10d3\n");
	struct policy *policy = load();
	policy_decide(policy, policy_client_named(policy, "one"), &dma, &verdict);
	ck_assert(!verdict.granted);
	snprintf(said, sizeof(said), "(%s:1) does not allow DMA", path_of("policy.d/card.conf"));
	ck_assert_ptr_nonnull(strstr(verdict.why.reason, said));
	policy_free(policy);
}
END_TEST

/* Whatever the locale: Z is before a. */
START_TEST(in_the_order_of_bytes)
{
	struct policy_verdict verdict;

	put("policy.d/a.conf", "[device any]\nclient = one\nid = 8086:*\n");
	put("policy.d/Z.conf", "[device card]\nclient = one\nid = 8086:10d3\ndma = yes\n");
	struct policy *policy = load();
	decide(policy, "one", &verdict);
	ck_assert_str_eq(verdict.section, "device card");
	policy_free(policy);

	ck_assert_int_eq(rename(path_of("policy.d/Z.conf"), path_of("policy.d/b.conf")), 0);
	wrong("policy.d/b.conf:1: [device card] can never be used for client `one': [device any] "
	      "in line 1 of policy.d/a.conf has all of its devices already; put the narrower "
	      "section first\n");
}
END_TEST

START_TEST(other_names_are_passed_over)
{
	static const char *const others[] = {
		"policy.d/.hidden.conf",       "policy.d/.conf",  "policy.d/card.conf~",
		"policy.d/card.conf.dpkg-old", "policy.d/README", "policy.d/conf"
	};

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		put(others[i], "nonsense\n");
	policy_free(load());
}
END_TEST

START_TEST(mistakes_are_told_by_file_and_line)
{
	put("main.conf", "[client one]\nuser = alice\nusr = bob\n");
	put("policy.d/1.conf", "client = one\n[device card]\nclient = one\nid = 8086\n");
	put("policy.d/2.conf", "[device disk]\nclient = other\nclass = nvme\n");
	char *said = mistakes();
	static const char *const starts[] = { "main.conf:3: [client] has no key `usr'",
		                              "policy.d/1.conf:1: `client' stands before the first",
		                              "policy.d/1.conf:4: `id': ",
		                              "policy.d/2.conf:2: there is no [client other]" };
	const char *line = said;
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_msg(strncmp(line, starts[i], strlen(starts[i])) == 0, "%s", line);
		line = strchr(line, '\n') + 1;
	}
	ck_assert_str_eq(line, "");
	free(said);
}
END_TEST

START_TEST(a_section_stands_in_one_file)
{
	put("policy.d/1.conf", "\n[client one]\nuser = bob\n");
	wrong("policy.d/1.conf:2: [client one] is already there in line 1 of main.conf; give one "
	      "of them another name\n");
	put("policy.d/1.conf", "[client two]\nuser = alice\n");
	wrong("policy.d/1.conf:2: `user': user alice is already named by [client one] in line 1 "
	      "of main.conf\n");
	put("policy.d/1.conf", "[ports a]\nclient = one\nrange = 0x40\n");
	put("policy.d/2.conf", "[ports b]\nclient = one\nrange = 0x40\n");
	wrong("policy.d/2.conf:3: port 0x40 is already in [ports a], line 3 of policy.d/1.conf; a "
	      "port stands in one section, which may name several clients\n");
}
END_TEST

START_TEST(the_folder_is_roots)
{
	ck_assert_int_eq(chmod(path_of("policy.d"), 0775), 0);
	wrong("policy.d: can be written by others than its owner (mode 0775); take that away "
	      "(chmod go-w)\n");
}
END_TEST

START_TEST(the_folder_is_no_link)
{
	ck_assert_int_eq(rename(path_of("policy.d"), path_of("elsewhere")), 0);
	ck_assert_int_eq(symlink("elsewhere", path_of("policy.d")), 0);
	wrong("policy.d: is not a folder, or a symbolic link to one\n");
	ck_assert_int_eq(unlink(path_of("policy.d")), 0);
	put("policy.d", "");
	wrong("policy.d: is not a folder, or a symbolic link to one\n");
}
END_TEST

START_TEST(each_file_is_roots)
{
	put("policy.d/1.conf", "");
	ck_assert_int_eq(chmod(path_of("policy.d/1.conf"), 0666), 0);
	wrong("policy.d/1.conf: can be written by others than its owner (mode 0666); take that "
	      "away (chmod go-w)\n");
	ck_assert_int_eq(unlink(path_of("policy.d/1.conf")), 0);
	ck_assert_int_eq(symlink("../main.conf", path_of("policy.d/1.conf")), 0);
	wrong("policy.d/1.conf: is a symbolic link; name the file that it points to\n");
}
END_TEST

/* Or its lines would be more than one, and a terminal do what they say. */
START_TEST(their_names_can_be_shown)
{
	static const char *const names[] = { "policy.d/a\nb.conf", "policy.d/\x1b[2J.conf",
		                             "policy.d/\xff.conf" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		put(names[i], "");
		wrong("policy.d: has a file whose name is not UTF-8, or has a control character; "
		      "rename it (`ls -b' shows it)\n");
		ck_assert_int_eq(unlink(path_of(names[i])), 0);
	}
	put("policy.d/10 \xc3\xa4.conf", "");
	policy_free(load());
}
END_TEST

/* Who can write the folder can put another file in the place of this one. */
START_TEST(so_is_the_folder_of_the_first_file)
{
	ck_assert_int_eq(chmod(folder, 0777), 0);
	wrong("main.conf: lies in a folder that can be written by others than its owner (mode "
	      "0777), who could put another file in its place; take that away (chmod go-w)\n");
	ck_assert_int_eq(chmod(folder, 0775), 0);
	char *said = mistakes();
	ck_assert_ptr_nonnull(strstr(said, "main.conf: lies in a folder"));
	free(said);
	/* Each file is its owner's alone. */
	ck_assert_int_eq(chmod(folder, 01777), 0);
	policy_free(load());
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(chown(folder, 4711, 0), 0);
	wrong("main.conf: lies in a folder of uid 4711, who could put another file in its place; "
	      "make that root's (chown root)\n");
}
END_TEST

START_TEST(not_more_than_can_be_counted)
{
	char name[32];

	for (unsigned i = 0; i < 2048; i++) {
		snprintf(name, sizeof(name), "policy.d/%u.conf", i);
		put(name, "");
	}
	wrong("policy.d: has more than 2047 files; put some together\n");
	ck_assert_int_eq(unlink(path_of("policy.d/0.conf")), 0);
	put("policy.d/999.conf", "[client one]\n");
	char *said = mistakes();
	ck_assert_ptr_nonnull(strstr(said, "policy.d/999.conf:1: [client one] is already there in "
	                                   "line 1 of main.conf"));
	free(said);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy.d");
	TCase *tests = tcase_create("drop-ins");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, there_need_be_none);
	tcase_add_test(tests, they_add_to_the_first_file);
	tcase_add_test(tests, a_refusal_names_the_file_of_its_rule);
	tcase_add_test(tests, in_the_order_of_bytes);
	tcase_add_test(tests, other_names_are_passed_over);
	tcase_add_test(tests, mistakes_are_told_by_file_and_line);
	tcase_add_test(tests, a_section_stands_in_one_file);
	tcase_add_test(tests, the_folder_is_roots);
	tcase_add_test(tests, the_folder_is_no_link);
	tcase_add_test(tests, each_file_is_roots);
	tcase_add_test(tests, their_names_can_be_shown);
	tcase_add_test(tests, so_is_the_folder_of_the_first_file);
	tcase_add_test(tests, not_more_than_can_be_counted);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
