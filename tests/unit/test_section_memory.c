/* SPDX-License-Identifier: MIT */
/* [memory NAME]: what is a mistake in it, what it gives, and in which order that is listed. */
#include "policy/dangerous_memory.h"
#include "suite.h"
#include "test_policy_load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT "[client a]\nuser = 1\n"
#define CLIENTS "[client a]\nuser = 1\n[client b]\nuser = 2\n"
#define MEMORY CLIENT "[memory m]\nclient = a\n"

static const struct {
	const char *text;
	const char *report;
} bad_policies[] = {
	{ CLIENT "[memory m]\nclient = a\n", "F:3: [memory m] has no `range', which it needs\n" },
	{ CLIENT "[memory m]\nrange = 0x40\n",
	  "F:3: [memory m] has no `client', which it needs\n" },
	{ CLIENT "[memory m]\nclient = b\nrange = 0xa0000\n", "F:4: there is no [client b]\n" },
	{ MEMORY "range = 4276092928\n",
	  "F:5: `range': `4276092928' is not a range of memory; write its first and its last "
	  "address like 0xfed00000-0xfed003ff\n" },
	{ MEMORY "range = 0xfed00000+0x400\n",
	  "F:5: `range': `0xfed00000+0x400' is not a range of memory; write its first and its "
	  "last address like 0xfed00000-0xfed003ff\n" },
	{ MEMORY "range = 0x10000000000000000\n",
	  "F:5: `range': `0x10000000000000000' is not a range of memory; write its first and its "
	  "last address like 0xfed00000-0xfed003ff\n" },
	{ MEMORY "range = 0xfed00400-0xfed003ff\n",
	  "F:5: `range': 0xfed00400-0xfed003ff ends before it begins\n" },
	{ MEMORY "range = 0xfed00000-0xfed003ff,\n", "F:5: `range': empty entry in the list\n" },
	{ MEMORY "range = 0xfed00000-0xfed003ff, 0xfed003ff\n",
	  "F:5: memory 0xfed003ff is named twice\n" },
	{ CLIENTS "[memory m]\nclient = a\nrange = 0xa0000-0xbffff\n"
	          "[memory n]\nclient = b\nrange = 0xfed00000, 0x90000-0xa0000\n",
	  "F:10: memory 0xa0000 is already in [memory m], line 7; it stands in one section, "
	  "which may name several clients\n" },
	{ MEMORY "range = 0xa0000\naccess = map\n",
	  "F:6: `access': `map' is neither `mediated' nor `fd'\n" },
	{ MEMORY "range = 0xa0000\naccess = fd\n",
	  "F:6: `access = fd' hands out a descriptor of /dev/mem, which reaches every address "
	  "that the kernel lets anybody reach there, and cannot be taken back; only `force = "
	  "yes' in [memory m] grants it\n" },
	{ MEMORY "range = 0xa0000\nwriet = yes\n",
	  "F:6: [memory] has no key `wriet'; did you mean `write'?\n" },
};

START_TEST(mistake_is_reported)
{
	char *report = test_report(bad_policies[_i].text, strlen(bad_policies[_i].text));

	ck_assert_str_eq(report, bad_policies[_i].report);
	free(report);
}
END_TEST

/* ---- dangerous memory ---- */

static const struct {
	const char *range;
	const char *named; /* NULL: not dangerous */
	bool write;
} dangers[] = {
	{ "0x0-0xfff", NULL, false },
	{ "0x0-0xfff", "memory 0x0 holds the interrupt vectors of real mode", true },
	{ "0x400-0x4ff", "memory 0x400 holds the interrupt vectors of real mode", true },
	{ "0xfff-0x2000", "memory 0xfff holds the interrupt vectors of real mode", true },
	{ "0x1000-0x9ffff", NULL, true },
	{ "0xfed00000-0xfed003ff", NULL, true },
	{ "0xa0000-0xfffff", NULL, false },
	{ "0xfebfffff", NULL, false },
	{ "0xfebfffff-0xfec00000", "memory 0xfec00000 belongs to the I/O APICs", false },
	{ "0xfecfffff", "memory 0xfecfffff belongs to the I/O APICs", false },
	{ "0xfed00000-0xfed003ff", NULL, false },
	{ "0xfed40000-0xfed44fff", "memory 0xfed40000 belongs to the TPM", false },
	{ "0xfed50000-0xfed8ffff", NULL, false },
	{ "0xfed91000", "memory 0xfed91000 belongs to the IOMMU", false },
	{ "0xfeda0000-0xfedfffff", NULL, false },
	{ "0xfee00000", "memory 0xfee00000 is the local APIC", false },
	{ "0xfeefffff", "memory 0xfeefffff is the local APIC", false },
	{ "0xfef00000-0xffffffffffffffff", NULL, false },
	{ "0x0-0xffffffffffffffff", "memory 0xfec00000 belongs to the I/O APICs", false },
};

START_TEST(dangerous_memory_needs_force)
{
	char text[256], expected[128];

	snprintf(text, sizeof(text), MEMORY "range = %s\nwrite = %s\n", dangers[_i].range,
	         dangers[_i].write ? "yes" : "no");
	if (dangers[_i].named == NULL) {
		policy_free(test_policy(text));
		return;
	}
	char *report = test_report(text, strlen(text));
	snprintf(expected, sizeof(expected), "F:5: %s", dangers[_i].named);
	ck_assert_msg(strncmp(report, expected, strlen(expected)) == 0, "%s", report);
	ck_assert_ptr_nonnull(strstr(report, "; only `force = yes' in [memory m] grants it\n"));
	free(report);
	strcat(text, "force = yes\n");
	policy_free(test_policy(text));
}
END_TEST

/* ---- deciding ---- */

static const char text[] = CLIENTS "[memory hpet]\n"                            /* 5 */
                                   "client = a, b\n"                            /* 6 */
                                   "range = 0xfed00000-0xfed003ff\n"            /* 7 */
                                   "[memory vga]\n"                             /* 8 */
                                   "client = b\n"                               /* 9 */
                                   "range = 0xc0000-0xfffff, 0xa0000-0xbffff\n" /* 10 */
                                   "write = yes\n"                              /* 11 */
                                   "[memory high]\n"                            /* 12 */
                                   "force = yes\n"                              /* 13 */
                                   "access = fd\n"                              /* 14 */
                                   "client = b\n"                               /* 15 */
                                   "range = 0xffffffff00000000-0xffffffffffffffff\n";

static struct policy_verdict ask(const struct policy *policy, const char *client, uint64_t base,
                                 uint64_t size)
{
	struct policy_resource resource = { .kind = POLICY_MEMORY, .base = base, .size = size };
	struct policy_verdict verdict;

	memset(&verdict, 0xa5, sizeof(verdict));
	policy_decide(policy, client != NULL ? policy_client_named(policy, client) : NULL,
	              &resource, &verdict);
	return verdict;
}

static void expect_denied(const struct policy_verdict *verdict, const char *words)
{
	ck_assert(!verdict->granted);
	ck_assert_int_eq((int)verdict->why.status, HWB_DENIED);
	ck_assert_msg(strstr(verdict->why.reason, words) != NULL, "%s", verdict->why.reason);
}

START_TEST(a_range_is_given_or_a_part_of_one)
{
	struct policy *policy = test_policy(text);
	struct policy_verdict verdict = ask(policy, "a", 0xfed000f0, 8);

	ck_assert(verdict.granted);
	ck_assert_str_eq(verdict.section, "memory hpet");
	ck_assert_uint_eq(verdict.line, 5);
	ck_assert(!verdict.memory.fd && !verdict.memory.write && !verdict.memory.force);
	ck_assert(ask(policy, "a", 0xfed00000, 0x400).granted);
	ck_assert(ask(policy, "b", 0xfed003ff, 1).granted);
	verdict = ask(policy, "b", 0xa0000, 0x20000);
	ck_assert(verdict.granted && verdict.memory.write && !verdict.memory.fd);
	verdict = ask(policy, "b", 0xffffffffffffffff, 1);
	ck_assert(verdict.granted && verdict.memory.fd && verdict.memory.force);

	verdict = ask(policy, "a", 0xfed00000, 0x401);
	expect_denied(&verdict, "gives client `a' memory 0xfed00000-0xfed003ff, not the whole of "
	                        "0xfed00000-0xfed00400; change `range' there");
	verdict = ask(policy, "a", 0xfecfffff, 2);
	expect_denied(&verdict, "not the whole of 0xfecfffff-0xfed00000");
	/* Two ranges of one section are two. */
	verdict = ask(policy, "b", 0xb0000, 0x20000);
	expect_denied(&verdict, "gives client `b' memory 0xa0000-0xbffff, not the whole of");
	verdict = ask(policy, "a", 0xa0000, 1);
	expect_denied(&verdict, "no [memory] section of ");
	verdict = ask(policy, "a", 0xfed00400, 1);
	expect_denied(&verdict, " gives memory 0xfed00400-0xfed00400 to client `a'; add it");
	verdict = ask(policy, NULL, 0xfed00000, 1);
	expect_denied(&verdict, "who is no client is given nothing");
	verdict = ask(policy, "a", 0xfed00000, 0);
	ck_assert_int_eq((int)verdict.why.status, HWB_INVALID);
	verdict = ask(policy, "b", 0xffffffffffffffff, 2);
	ck_assert_int_eq((int)verdict.why.status, HWB_INVALID);
	policy_free(policy);
}
END_TEST

START_TEST(it_is_listed_by_client_and_address)
{
	struct policy *policy = test_policy(text);
	const struct policy_client *b = policy_client_named(policy, "b");
	struct policy_memory memory;
	char words[64];
	static const struct {
		const char *client;
		uint64_t first;
		const char *words;
	} all[] = {
		{ "a", 0xfed00000, "access=mediated" },
		{ "b", 0xa0000, "access=mediated write" },
		{ "b", 0xc0000, "access=mediated write" },
		{ "b", 0xfed00000, "access=mediated" },
		{ "b", 0xffffffff00000000, "access=fd force" },
	};
	uint32_t count = sizeof(all) / sizeof(all[0]);

	for (uint32_t i = 0; i < count; i++) {
		ck_assert(policy_memory_at(policy, i, &memory));
		ck_assert_str_eq(memory.client->name, all[i].client);
		ck_assert_uint_eq(memory.first, all[i].first);
		policy_memory_text(&memory.access, words, sizeof(words));
		ck_assert_str_eq(words, all[i].words);
	}
	ck_assert(!policy_memory_at(policy, count, &memory));
	ck_assert_uint_eq(policy_rule_count(policy), 3);

	ck_assert(policy_memory_from(policy, b, 0xbffff, &memory));
	ck_assert_uint_eq(memory.first, 0xa0000);
	ck_assert(policy_memory_from(policy, b, 0x100000, &memory));
	ck_assert_uint_eq(memory.first, 0xfed00000);
	ck_assert_str_eq(memory.section, "memory hpet");
	ck_assert(
	        !policy_memory_from(policy, policy_client_named(policy, "a"), 0xfed00400, &memory));
	policy_free(policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("section memory");
	TCase *tests = tcase_create("all");

	tcase_add_loop_test(tests, mistake_is_reported, 0,
	                    (int)(sizeof(bad_policies) / sizeof(bad_policies[0])));
	tcase_add_loop_test(tests, dangerous_memory_needs_force, 0,
	                    (int)(sizeof(dangers) / sizeof(dangers[0])));
	tcase_add_test(tests, a_range_is_given_or_a_part_of_one);
	tcase_add_test(tests, it_is_listed_by_client_and_address);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
