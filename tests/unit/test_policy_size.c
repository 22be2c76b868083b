/* SPDX-License-Identifier: MIT */
/* Policies of 10,000 sections: they load, each rule decides, and mistakes are told. What grows
 * with the square of their number shows here by the time that it takes. */
#include "test_policy_load.h"

#include "policy/policy.h"
#include "suite.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECTIONS = 10000, TEXT_MAX = 1 << 20 };

static char text[TEXT_MAX + 1];
static size_t length;

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int added = vsnprintf(text + length, sizeof(text) - length, format, arguments);
	va_end(arguments);
	length += (size_t)added;
	ck_assert_uint_le(length, TEXT_MAX);
}

static void empty(void)
{
	length = 0;
	text[0] = '\0';
}

static bool gives(const struct policy *policy, const struct policy_client *client,
                  const struct policy_device *device, const char *section)
{
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = device };
	struct policy_verdict verdict;

	policy_decide(policy, client, &resource, &verdict);
	return verdict.granted && strcmp(verdict.section, section) == 0;
}

static struct policy_device device_at(unsigned number)
{
	return (struct policy_device){
		.address = { .domain = number >> 16,
		             .bus = (uint8_t)(number >> 8),
		             .device = number >> 3 & 31,
		             .function = number & 7 },
		.class_code = 0x020000,
	};
}

START_TEST(a_client_with_many_devices)
{
	char section[48];

	add("[client a]\nuser = alice\n");
	for (unsigned i = 0; i < SECTIONS; i++)
		add("[device d%u]\nclient = a\naddress = %04x:%02x:%02x.%x\ntake = yes\n", i,
		    i >> 16, i >> 8 & 255, i >> 3 & 31, i & 7);
	struct policy *policy = test_policy(text);
	const struct policy_client *a = policy_client_named(policy, "a");
	ck_assert_uint_eq(policy_rule_count(policy), SECTIONS);
	for (unsigned i = 0; i < SECTIONS; i++) {
		struct policy_device device = device_at(i);
		snprintf(section, sizeof(section), "device d%u", i);
		ck_assert_msg(gives(policy, a, &device, section), "%s", section);
	}
	policy_free(policy);
}
END_TEST

/* Each with a rule of its own for the same devices. */
START_TEST(many_clients)
{
	struct policy_device device = device_at(3);
	char name[48];

	for (unsigned i = 0; i < SECTIONS; i++)
		add("[client c%u]\nuser = %u\n[device d%u]\nclient = c%u\nclass = network\n", i,
		    1000 + i, i, i);
	struct policy *policy = test_policy(text);
	for (unsigned i = 0; i < SECTIONS; i += 97) {
		struct policy_subject subject = { .uid = 1000 + i, .gid = 4711 };
		const struct policy_client *client = policy_client_of(policy, &subject);
		snprintf(name, sizeof(name), "c%u", i);
		ck_assert_ptr_nonnull(client);
		ck_assert_str_eq(client->name, name);
		snprintf(name, sizeof(name), "device d%u", i);
		ck_assert_msg(gives(policy, client, &device, name), "%s", name);
	}
	policy_free(policy);
}
END_TEST

START_TEST(a_client_of_many_users)
{
	for (unsigned i = 0; i < SECTIONS / 10; i++) {
		add("[client c%u]\nuser = %u", i, 20000 + i);
		for (unsigned j = 1; j < 10; j++)
			add(", %u", 30000 + i * 10 + j);
		add("\n");
	}
	struct policy *policy = test_policy(text);
	struct policy_subject subject = { .uid = 30000 + 9999 };
	ck_assert_str_eq(policy_client_of(policy, &subject)->name, "c999");
	policy_free(policy);
	add("[client again]\ngroup = 30011\nuser = 30011\n");
	char *report = test_report(text, length);
	ck_assert_str_eq(report,
	                 "F:2003: `user': user 30011 is already named by [client c1] in line 3\n");
	free(report);
}
END_TEST

START_TEST(many_ports)
{
	add("[client a]\nuser = alice\n");
	for (unsigned i = 0; i < SECTIONS; i++)
		add("[ports p%u]\nclient = a\nrange = 0x%x-0x%x\n", i, 0x1000 + 4 * i,
		    0x1003 + 4 * i);
	struct policy *policy = test_policy(text);
	struct policy_resource ports = { .kind = POLICY_PORTS,
		                         .offset = 0x1000,
		                         .count = 4 * SECTIONS };
	ck_assert_int_eq(policy_may(policy, policy_client_named(policy, "a"), &ports, NULL), 0);
	policy_free(policy);
}
END_TEST

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Rules of several shapes, by address, id and subsystem, for two clients. */
static char *many_rules(void)
{
	char *many = NULL;
	size_t size;
	FILE *stream = open_memstream(&many, &size);

	fputs("[client a]\nuser = alice\n[client b]\nuser = bob\n", stream);
	for (unsigned int i = 0; i < SECTIONS; i++) {
		fprintf(stream, "[device d%u]\nclient = %c\n", i, "ab"[i & 1]);
		if (i % 3 == 0)
			fprintf(stream, "address = %04x:%02x:%02x.%x\n", i >> 12, i >> 4 & 0xff,
			        i & 0xf, i & 7);
		else if (i % 3 == 1)
			fprintf(stream, "id = 8086:%04x\n", i);
		else
			fprintf(stream, "id = 10ec:%04x\nsubsystem = 1af4:%04x\nclass = network\n",
			        i, i);
	}
	fclose(stream);
	return many;
}

START_TEST(many_rules_cost_no_more_than_few)
{
	char *many = many_rules();
	double start = seconds();
	struct policy *large = test_policy(many);
	double loaded = seconds();
	const struct policy_client *clients[] = { policy_client_named(large, "a"),
		                                  policy_client_named(large, "b") };
	unsigned int granted = 0;

	for (unsigned int i = 0; i < SECTIONS; i++) {
		struct policy_device device = {
			.address = { .domain = i >> 12,
			             .bus = (uint8_t)(i >> 4),
			             .device = i & 0xf,
			             .function = i & 7 },
			.vendor = i % 3 == 2 ? 0x10ec : 0x8086,
			.device = i % 3 == 0 ? 0xffff : (uint16_t)i,
			.subsystem_vendor = 0x1af4,
			.subsystem_device = (uint16_t)i,
			.class_code = 0x020000,
		};
		struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &device };
		struct policy_verdict verdict;
		char expected[40];

		policy_decide(large, clients[i & 1], &resource, &verdict);
		snprintf(expected, sizeof(expected), "device d%u", i);
		ck_assert_str_eq(verdict.section, expected);
		policy_decide(large, clients[~i & 1], &resource, &verdict);
		granted += verdict.granted;
	}
	ck_assert_uint_eq(granted, 0);
	double decided = seconds();
	/* Generous, for sanitizers and busy machines: a walk over the rules for
	 * each question would take more than ten times as long. */
	printf("%d rules: load %.1f ms, decide and compare %.2f us\n", SECTIONS,
	       (loaded - start) * 1e3, (decided - loaded) * 1e6 / (2 * SECTIONS));
	ck_assert_double_lt(loaded - start, 5.0);
	ck_assert_double_lt(decided - loaded, 2.0);
	policy_free(large);
	free(many);
}
END_TEST

/* Of so many only the first are told, and nothing is suggested for the others. */
START_TEST(many_mistakes)
{
	for (unsigned i = 0; i < SECTIONS; i++)
		add("[client c%u]\nuser = %u\n", i, 1000 + i);
	for (unsigned i = 0; i < SECTIONS; i++)
		add("[device d%u]\nclient = x%u\nclass = network\n", i, i);
	char *report = test_report(text, length);
	ck_assert_ptr_nonnull(strstr(report, "F:20002: there is no [client x0]"));
	ck_assert_ptr_nonnull(strstr(report, "and 9800 more mistakes\n"));
	free(report);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy size");
	TCase *tests = tcase_create("size");

	tcase_add_checked_fixture(tests, empty, NULL);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, a_client_with_many_devices);
	tcase_add_test(tests, many_clients);
	tcase_add_test(tests, a_client_of_many_users);
	tcase_add_test(tests, many_ports);
	tcase_add_test(tests, many_rules_cost_no_more_than_few);
	tcase_add_test(tests, many_mistakes);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
