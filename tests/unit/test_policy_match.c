/* SPDX-License-Identifier: MIT */
/* Which devices a rule is about: by numbers, names, slot, driver and path, with wildcards. */
#include "policy/match.h"
#include "policy/patterns.h"
#include "suite.h"
#include "test_policy_load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLIENT "[client a]\nuser = alice\n"

static struct policy_device nic;

static void setup(void)
{
	nic = (struct policy_device){
		.address = { .bus = 3, .device = 0x1a, .function = 1 },
		.vendor = 0x8086,
		.device = 0x10d3,
		.subsystem_vendor = 0x8086,
		.subsystem_device = 0xa01f,
		.class_code = 0x020000,
		.traits = { .slot = "4-1",
		            .driver = "e1000e",
		            .path = "/sys/devices/pci0000:00/0000:00:0b.0/0000:03:1a.1" },
	};
}

/* ---- patterns ---- */

static const struct {
	const char *pattern, *text;
	bool matches;
} pattern_cases[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "a", "a", true },
	{ "a", "A", false },
	{ "*", "", true },
	{ "*", "a/b", true },
	{ "?", "", false },
	{ "?", "a", true },
	{ "?", "ab", false },
	{ "a*", "a", true },
	{ "*a", "ba", true },
	{ "*a", "ab", false },
	{ "a*b*c", "abbbcbc", true },
	{ "a*b*c", "abbbcb", false },
	{ "*ab", "aab", true },
	{ "*?b", "b", false },
	{ "e1000*", "e1000e", true },
	{ "?*", "*", true },
	{ "a?", "a*", true },
	{ "/sys/*/0000:03:??.0", "/sys/devices/x/0000:03:1a.0", true },
};

START_TEST(patterns_match)
{
	ck_assert(pattern_matches(pattern_cases[_i].pattern, pattern_cases[_i].text) ==
	          pattern_cases[_i].matches);
}
END_TEST

/* No stars make it take for ever. */
START_TEST(many_stars_end)
{
	char pattern[200], text[2000];

	for (size_t i = 0; i + 1 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*a", 2);
	strcpy(pattern + sizeof(pattern) - 2, "b");
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert(!pattern_matches(pattern, text));
}
END_TEST

static const struct {
	const char *wide, *narrow;
	bool covers;
} cover_cases[] = {
	{ "*", "*", true },       { "*", "?", true },        { "*", "abc", true },
	{ "?", "*", false },      { "?", "a", true },        { "?", "?", true },
	{ "a*", "a?b", true },    { "a*", "ab*", true },     { "ab*", "a*", false },
	{ "*b", "*ab", true },    { "*ab", "*b", false },    { "a?", "a*", false },
	{ "a*c", "a*b*c", true }, { "a*b*c", "a*c", false }, { "abc", "a?c", false },
	{ "?*", "?*", true },     { "?*", "??*", true },     { "??*", "?*", false },
};

START_TEST(patterns_cover)
{
	ck_assert_msg(pattern_covers(cover_cases[_i].wide, cover_cases[_i].narrow) ==
	                      cover_cases[_i].covers,
	              "%s %s", cover_cases[_i].wide, cover_cases[_i].narrow);
}
END_TEST

/* What is said to be covered is: by all texts of few letters. */
START_TEST(covering_is_no_lie)
{
	static const char letters[] = "ab*?";
	char patterns[341][5], texts[63][6];
	int pattern_count = 0, text_count = 0;

	for (int length = 0; length <= 4; length++) {
		for (int code = 0; code < 1 << 2 * length; code++) {
			char *pattern = patterns[pattern_count++];
			for (int i = 0; i < length; i++)
				pattern[i] = letters[code >> 2 * i & 3];
			pattern[length] = '\0';
			pattern_normalise(pattern);
		}
	}
	for (int length = 0; length <= 5; length++) {
		for (int code = 0; code < 1 << length; code++) {
			char *text = texts[text_count++];
			for (int i = 0; i < length; i++)
				text[i] = letters[code >> i & 1];
			text[length] = '\0';
		}
	}
	ck_assert_int_eq(pattern_count, 341);
	for (int a = 0; a < pattern_count; a++) {
		for (int b = 0; b < pattern_count; b++) {
			if (!pattern_covers(patterns[a], patterns[b]))
				continue;
			for (int i = 0; i < text_count; i++)
				ck_assert_msg(!pattern_matches(patterns[b], texts[i]) ||
				                      pattern_matches(patterns[a], texts[i]),
				              "`%s' does not cover `%s': `%s'", patterns[a],
				              patterns[b], texts[i]);
		}
	}
}
END_TEST

START_TEST(patterns_have_one_spelling)
{
	char pattern[] = "*?a**b?*?c";

	pattern_normalise(pattern);
	ck_assert_str_eq(pattern, "?*a*b??*c");
}
END_TEST

/* ---- keys ---- */

static bool has(const char *keys, const struct policy_device *device)
{
	char text[512];
	struct policy_verdict verdict;
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = device };

	snprintf(text, sizeof(text), CLIENT "[device d]\nclient = a\n%s\n", keys);
	struct policy *policy = test_policy(text);
	policy_decide(policy, policy_client_named(policy, "a"), &resource, &verdict);
	ck_assert(verdict.granted == (strcmp(policy_rule_for(policy, device), "d") == 0));
	policy_free(policy);
	return verdict.granted;
}

static const struct {
	const char *keys;
	bool has;
} key_cases[] = {
	{ "address = 03:1a.1", true },
	{ "address = 03:1a.?", true },
	{ "address = 03:1?.*", true },
	{ "address = 03:0?.*", false },
	{ "address = 03:?a.1", true },
	{ "address = 03:*", true },
	{ "address = 04:*", false },
	{ "address = 0?:*", true },
	{ "address = 0000:*:1a.1", true },
	{ "address = *:03:1a.1", true },
	{ "address = *:*:*", true },
	{ "address = 000?:03:1a.1", true },
	{ "address = 0001:*:*", false },
	{ "address = *:*:1a.0", false },
	{ "id = 8086:10d3", true },
	{ "id = 8086:10*", true },
	{ "id = 8086:*3", true },
	{ "id = 8086:1?d3", true },
	{ "id = 8086:11*", false },
	{ "id = *:10d3", true },
	{ "id = 80*:*", true },
	{ "id = Intel Corporation:82574L Gigabit Network Connection", true },
	{ "id = intel corporation:10d3", true },
	{ "id = 8086:82574L gigabit network connection", true },
	{ "id = Intel Corporation:*", true },
	{ "id = Intel Corporation:I210 Gigabit Network Connection", false },
	{ "id = Intel Corporation:I211: with a colon", false },
	{ "id = Red Hat, Inc.:*", false },
	{ "subsystem = 8086:*", true },
	{ "subsystem = 17aa:*", false },
	{ "subsystem = Intel Corporation:Gigabit CT Desktop Adapter", true },
	{ "subsystem = Lenovo:ThinkServer I210", false },
	{ "class = 02", true },
	{ "class = 02*", true },
	{ "class = ??00*", true },
	{ "class = 0300*", false },
	{ "class = Ethernet controller", true },
	{ "class = ethernet", true },
	{ "class = NVM Express", false },
	{ "slot = 4-1", true },
	{ "slot = 4*", true },
	{ "slot = 4", false },
	{ "slot = *", true },
	{ "driver = e1000e", true },
	{ "driver = e1000", false },
	{ "driver = e1000?", true },
	{ "driver = igb*", false },
	{ "path = /sys/devices/pci0000:00/0000:00:0b.0/*", true },
	{ "path = /sys/devices/pci0000:00/0000:00:0b.0/0000:03:1a.1", true },
	{ "path = /sys/devices/pci0000:00/0000:00:0c.0/*", false },
	{ "path = */0000:00:0b.?/*", true },
	/* All of them. */
	{ "driver = e1000e\nslot = 4-?\nid = 8086:*\npath = */0000:03:*", true },
	{ "driver = e1000e\nslot = 5-?\nid = 8086:*", false },
	{ "driver = e1000e\nid = 8087:*", false },
	{ "driver = e10*\nid = 8087:*", false },
};

START_TEST(keys_match)
{
	ck_assert_msg(has(key_cases[_i].keys, &nic) == key_cases[_i].has, "%s", key_cases[_i].keys);
}
END_TEST

/* A rule that asks for what a device has not is not about it, whatever the pattern. */
START_TEST(what_a_device_has_not)
{
	nic.traits = (struct policy_traits){ 0 };
	ck_assert(!has("slot = *", &nic));
	ck_assert(!has("driver = *", &nic));
	ck_assert(!has("path = *", &nic));
	ck_assert(!has("driver = e1000e", &nic));
	ck_assert(has("id = 8086:*", &nic));
	/* What a device says is no pattern. */
	nic.traits.driver = "*";
	ck_assert(!has("driver = e1000e", &nic));
	ck_assert(!has("driver = e*", &nic));
	ck_assert(has("driver = ?", &nic));
}
END_TEST

static const struct {
	const char *value;
	const char *mistake;
} name_cases[] = {
	{ "id = Intel Corporatoin:*", "`id': pci.ids has no vendor `Intel Corporatoin'; did you "
	                              "mean `Intel Corporation'?" },
	{ "id = intel:*",
	  "`id': pci.ids has no vendor `intel'; did you mean `Intel Corporation'?" },
	{ "id = Of nobody:*", "`id': pci.ids has no vendor `Of nobody'" },
	{ "id = Twice:*", "`id': pci.ids has more than one vendor `Twice': 9004, 9005; write the "
	                  "number" },
	{ "id = Intel Corporation:82574L Gigabit Network Conection",
	  "`id': pci.ids has no device of this vendor `82574L Gigabit Network Conection'; did you "
	  "mean `82574L Gigabit Network Connection'?" },
	{ "id = Intel Corporation:Same", "`id': pci.ids has more than one device of this vendor "
	                                 "`Same': 10d4, 10d5; write the number" },
	{ "id = Lenovo:Same", "`id': pci.ids has no device of this vendor `Same'" },
	{ "id = *:Same", "`id': `Same' is a name, for which the vendor must be one" },
	{ "subsystem = Intel Corporation:Ethernet Server Adapter I210-T1",
	  "`subsystem': pci.ids has more than one subsystem of this vendor `Ethernet Server Adapter "
	  "I210-T1': 0001, 0002; write the number" },
	{ "class = Network controller", "`class': pci.ids has more than one device class `Network "
	                                "controller': 02, 0280; write the number" },
	{ "class = NVM Expres", "`class': pci.ids has no device class `NVM Expres'; did you mean "
	                        "`NVM Express'?" },
	{ "class = ether*", "`class': `ether*' is neither the name of a device class nor 2, 4 or 6 "
	                    "hexadecimal digits like 0200; did you mean `ethernet'?" },
	{ "id = 8086:10**", "`id': pci.ids has no device of this vendor `10**'" },
	{ "address = 03:2?.0", "`address': `03:2?.0' cannot be: a device number is at most 1f, a "
	                       "function at most 7" },
	{ "address = 0*:03:1a.0", "`address': `0*:03:1a.0' is not the address of a PCI device; "
	                          "write it like 0000:03:00.0, or 0000:03:00.* for all of its "
	                          "functions" },
	{ "address = 03", "`address': `03' is not the address of a PCI device; write it like "
	                  "0000:03:00.0, or 0000:03:00.* for all of its functions" },
	{ "slot = a/b", "`slot': `a/b' is not the name of a slot; /sys/bus/pci/slots has them" },
	{ "driver = a/b", "`driver': `a/b' is not the name of a driver; write it like e1000e, or "
	                  "virtio* for all that begin so" },
	{ "driver = a23456789012345678901234567890123",
	  "`driver': `a23456789012345678901234567890123' is too long: a driver's name has at most 31 "
	  "characters" },
	{ "path = /devices/x", "`path': `/devices/x' is no device's path; it begins with "
	                       "/sys/devices/ (`readlink -f /sys/bus/pci/devices/ADDRESS' shows "
	                       "it) or `*'" },
};

START_TEST(wrong_values)
{
	char text[512], expected[512];

	snprintf(text, sizeof(text), CLIENT "[device d]\nclient = a\n%s\n", name_cases[_i].value);
	snprintf(expected, sizeof(expected), "F:5: %s\n", name_cases[_i].mistake);
	char *report = test_report(text, strlen(text));
	ck_assert_str_eq(report, expected);
	free(report);
}
END_TEST

/* ---- rules against each other ---- */

static const struct {
	const char *first, *second;
	bool good;
} order_cases[] = {
	{ "driver = e1000e", "driver = e1000e", false },
	{ "driver = e1000*", "driver = e1000*", false },
	{ "driver = e1000*", "driver = e1000?", false },
	{ "driver = e1000*", "driver = e1000e\nid = 8086:10d3", false },
	{ "driver = e1000e", "driver = e1000*", true },
	{ "driver = *", "id = 8086:10d3", true }, /* it may have no driver */
	{ "driver = *", "slot = 3", true },
	{ "path = /sys/devices/*", "path = /sys/devices/pci0000:00/*", false },
	{ "path = /sys/devices/pci0000:00/*", "path = /sys/devices/*", true },
	{ "slot = 3\ndriver = e*", "slot = 3\ndriver = e1000*", false },
	{ "slot = 3\ndriver = e*", "slot = ?\ndriver = e1000*", true },
	{ "slot = ?\ndriver = e*", "slot = 3\ndriver = e1000*", false },
	{ "slot = 3", "slot = 4", true },
	{ "driver = e*", "driver = *e", true },
	{ "address = 03:*", "address = 03:1a.*", false },
	{ "id = *:10d3", "id = 8086:10d3", false },
	{ "id = 8086:1*", "id = 8086:10*", false },
	{ "id = 8086:10*", "id = 8086:1*", true },
	{ "id = Intel Corporation:*", "id = 8086:*", false },
	{ "class = Ethernet controller", "class = ethernet", false },
	{ "driver = e*\nid = 8086:*", "driver = e1000e\nid = 8087:*", true },
	{ "id = 8086:*", "driver = e1000*\nid = 8086:10d3", false },
};

START_TEST(rules_that_an_earlier_one_leaves_nothing)
{
	char text[512];

	snprintf(text, sizeof(text),
	         CLIENT "[device d]\nclient = a\n%s\n[device e]\nclient = a\n%s\n",
	         order_cases[_i].first, order_cases[_i].second);
	if (order_cases[_i].good) {
		policy_free(test_policy(text));
		return;
	}
	char *report = test_report(text, strlen(text));
	ck_assert_ptr_nonnull(strstr(report, "[device e]"));
	ck_assert_ptr_nonnull(strstr(report, "[device d] in line 3"));
	free(report);
}
END_TEST

static const struct {
	const char *value;
	bool has;
} function_cases[] = {
	{ "0000:03:00.0", true },  { "03:00.0", true },  { "00000000:03:00.0", true },
	{ "03:00.*", true },       { "03:*", true },     { "*:03:00.0", true },
	{ "0000:0?:00.0", true },  { "03:00.1", false }, { "0001:03:00.0", false },
	{ "0000:04:00.*", false },
};

START_TEST(functions_of)
{
	char key[80];

	snprintf(key, sizeof(key), "virtual_function_of = %s", function_cases[_i].value);
	ck_assert(!has(key, &nic));
	nic.traits.physical = "0000:03:00.0";
	ck_assert_msg(has(key, &nic) == function_cases[_i].has, "%s", key);
}
END_TEST

START_TEST(functions_of_an_address_in_capitals)
{
	nic.traits.physical = "0000:af:00.0";
	ck_assert(has("virtual_function_of = AF:00.0", &nic));
	ck_assert(!has("virtual_function_of = AF:01.0", &nic));
}
END_TEST

START_TEST(how_many_functions)
{
	struct policy *policy =
	        test_policy("[virtual v]\naddress = 03:1a.1\nid = 8086:*\nfunctions = 4\n"
	                    "[virtual w]\ndriver = e1000*\nfunctions = 2\nrestore = yes\n");
	struct policy_virtual wanted;

	ck_assert(policy_virtual_for(policy, &nic, &wanted));
	ck_assert_uint_eq(wanted.functions, 4);
	ck_assert(!wanted.restore);
	ck_assert_str_eq(wanted.section, "virtual v");
	ck_assert_uint_eq(wanted.line, 1);
	nic.vendor = 0x1af4;
	ck_assert(policy_virtual_for(policy, &nic, &wanted));
	ck_assert_uint_eq(wanted.functions, 2);
	ck_assert(wanted.restore);
	nic.traits.driver = NULL;
	ck_assert(!policy_virtual_for(policy, &nic, &wanted));
	ck_assert_uint_eq(policy_rule_count(policy), 2);
	/* They give nobody anything. */
	ck_assert_str_eq(policy_rule_for(policy, &nic), "");
	policy_free(policy);
}
END_TEST

/* Rules with a wildcard stand in the same order as others. */
START_TEST(the_first_rule_wins)
{
	struct policy *policy = test_policy(CLIENT "[device d]\nclient = a\ndriver = igb*\n"
	                                           "[device e]\nclient = a\nid = 8086:10d3\n"
	                                           "[device f]\nclient = a\ndriver = e1000*\n"
	                                           "[device g]\nclient = a\nclass = network\n");

	ck_assert_str_eq(policy_rule_for(policy, &nic), "e");
	nic.device = 0x10d4;
	ck_assert_str_eq(policy_rule_for(policy, &nic), "f");
	nic.traits.driver = "ixgbe";
	ck_assert_str_eq(policy_rule_for(policy, &nic), "g");
	nic.device = 0x10d3;
	nic.traits.driver = "igbvf";
	ck_assert_str_eq(policy_rule_for(policy, &nic), "d");
	policy_free(policy);
}
END_TEST

/* ---- many rules ---- */

enum { MANY = 10000, WILD = 100 };

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(many_rules_by_text)
{
	char *many = NULL;
	size_t size;
	FILE *stream = open_memstream(&many, &size);

	fputs(CLIENT, stream);
	for (unsigned int i = 0; i < MANY; i++) {
		fprintf(stream, "[device d%u]\nclient = a\n", i);
		if (i < WILD)
			fprintf(stream, "path = /sys/devices/pci%04x:00/*\n", i);
		else if (i % 2 == 0)
			fprintf(stream, "slot = %u\n", i);
		else
			fprintf(stream, "driver = d%u\nid = Red Hat, Inc.:*\n", i);
	}
	fclose(stream);
	double start = seconds();
	struct policy *policy = test_policy(many);
	double loaded = seconds();
	const struct policy_client *client = policy_client_named(policy, "a");
	for (unsigned int i = 0; i < MANY; i++) {
		char driver[32], slot[32], path[64], expected[40];
		struct policy_device device = {
			.vendor = 0x1b36,
			.traits = { .slot = slot, .driver = driver, .path = path },
		};
		struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &device };
		struct policy_verdict verdict;

		snprintf(driver, sizeof(driver), "d%u", i);
		snprintf(slot, sizeof(slot), "%u", i);
		snprintf(path, sizeof(path), "/sys/devices/pci%04x:00/0000:00:03.0", i);
		snprintf(expected, sizeof(expected), "device d%u", i);
		policy_decide(policy, client, &resource, &verdict);
		ck_assert_str_eq(verdict.section, expected);
	}
	double decided = seconds();
	printf("%d rules by text, %d with wildcards: load %.1f ms, decide and compare %.2f us\n",
	       MANY, WILD, (loaded - start) * 1e3, (decided - loaded) * 1e6 / MANY);
	ck_assert_double_lt(loaded - start, 5.0);
	ck_assert_double_lt(decided - loaded, 2.0);
	policy_free(policy);
	free(many);
}
END_TEST

#define LOOP(test, cases) \
	tcase_add_loop_test(tests, test, 0, (int)(sizeof(cases) / sizeof((cases)[0])))

int main(void)
{
	Suite *suite = suite_create("policy match");
	TCase *tests = tcase_create("match");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_set_timeout(tests, 30);
	LOOP(patterns_match, pattern_cases);
	tcase_add_test(tests, many_stars_end);
	LOOP(patterns_cover, cover_cases);
	tcase_add_test(tests, covering_is_no_lie);
	tcase_add_test(tests, patterns_have_one_spelling);
	LOOP(keys_match, key_cases);
	tcase_add_test(tests, what_a_device_has_not);
	LOOP(wrong_values, name_cases);
	LOOP(rules_that_an_earlier_one_leaves_nothing, order_cases);
	LOOP(functions_of, function_cases);
	tcase_add_test(tests, functions_of_an_address_in_capitals);
	tcase_add_test(tests, how_many_functions);
	tcase_add_test(tests, the_first_rule_wins);
	tcase_add_test(tests, many_rules_by_text);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
