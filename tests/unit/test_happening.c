/* SPDX-License-Identifier: MIT */
/* The words for what happens: complete, bounded, and the same for all who are told. */
#include "session/admin/happening.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct device net = {
	.name = "0000:00:03.0",
	.facts = { .vendor = 0x8086, .device = 0x10d3, .class_code = 0x020000 },
	.grace = 5,
};

static const char *text_of(const struct happening *what)
{
	static char text[HAPPENING_TEXT_SIZE];

	happening_text(what, text);
	return text;
}

START_TEST(each_kind_has_a_name_of_its_own)
{
	for (unsigned i = 0; i < HAPPENED_KINDS; i++) {
		ck_assert_ptr_nonnull(happening_name((enum happening_kind)i));
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(happening_name((enum happening_kind)i),
			                 happening_name((enum happening_kind)j));
	}
	ck_assert_str_eq(happening_name(HAPPENED_KINDS), "?");
}
END_TEST

START_TEST(each_kind_has_a_text)
{
	static const char *const texts[HAPPENED_KINDS] = {
		[HAPPENED_GRANTED] = "0000:00:03.0: granted to `net' (pid 7) WHY",
		[HAPPENED_REFUSED] = "`net' (pid 7, uid 100) is refused DEVICE_ACQUIRE of "
		                     "0000:00:03.0: WHY",
		[HAPPENED_ASKED_BACK] = "0000:00:03.0: `net' (pid 7) is asked to give it back "
		                        "within 5 s: WHY",
		[HAPPENED_REVOKED] = "0000:00:03.0: taken from `net' (pid 7): WHY",
		[HAPPENED_HELD] = "0000:00:03.0: kept from everybody, since WHY",
		[HAPPENED_RELEASED] = "0000:00:03.0: at rest after `net', WHY",
		[HAPPENED_QUARANTINED] = "0000:00:03.0: could not be brought to rest and is "
		                         "quarantined: WHY",
		[HAPPENED_CLEARED] = "0000:00:03.0: uid 100 lets it out of quarantine, if it "
		                     "comes to rest",
		[HAPPENED_PORTS_GRANTED] = "0000:00:03.0: granted to `net' (pid 7) WHY",
		[HAPPENED_PORTS_RELEASED] = "0000:00:03.0: given back by `net' (pid 7)",
		[HAPPENED_CONNECTED] = "`net' (pid 7, uid 100) has connected",
		[HAPPENED_DISCONNECTED] = "`net' (pid 7, uid 100) has no connection any more: WHY",
		[HAPPENED_NOT_ADMITTED] = "uid 100 (pid 7) is not admitted: WHY",
		[HAPPENED_POLICY_LOADED] = "policy reloaded: WHY from 0000:00:03.0",
		[HAPPENED_POLICY_REFUSED] = "0000:00:03.0 has mistakes: the policy in force stays",
		[HAPPENED_DEVICE_ARRIVED] = "0000:00:03.0: 8086:10d3, class 020000, is on the bus",
		[HAPPENED_DEVICE_LEFT] = "0000:00:03.0: has left the bus",
		[HAPPENED_LINE_OPENED] = "0000:00:03.0: granted to `net' (pid 7) WHY",
		[HAPPENED_LINE_CLOSED] = "0000:00:03.0: given back by `net' (pid 7)",
		[HAPPENED_MEMORY_GRANTED] = "0000:00:03.0: granted to `net' (pid 7) WHY",
		[HAPPENED_MEMORY_RELEASED] = "0000:00:03.0: given back by `net' (pid 7)",
	};

	for (unsigned i = 0; i < HAPPENED_KINDS; i++) {
		struct happening what = { .kind = (enum happening_kind)i,
			                  .client = "net",
			                  .uid = 100,
			                  .pid = 7,
			                  .device = &net,
			                  .opcode = HWB_DEVICE_ACQUIRE,
			                  .reason = "WHY" };
		ck_assert_str_eq(text_of(&what), texts[i]);
	}
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
	struct happening ports = { .kind = HAPPENED_PORTS_GRANTED,
		                   .client = "timer",
		                   .pid = 7,
		                   .port = 0x40,
		                   .port_count = 4,
		                   .reason = "" };
	struct happening line = { .kind = HAPPENED_LINE_OPENED,
		                  .client = "timer",
		                  .pid = 7,
		                  .has_line = true,
		                  .reason = "to be polled" };
	struct happening ping = {
		.kind = HAPPENED_REFUSED, .client = "-", .opcode = HWB_ADMIN_STATUS, .reason = "no"
	};
	struct happening found = {
		.kind = HAPPENED_RELEASED, .client = "", .device = &net, .reason = "free"
	};

	ck_assert_str_eq(text_of(&ports), "ports 0x40-0x43: granted to `timer' (pid 7)");
	ck_assert_str_eq(text_of(&line), "interrupt 0: granted to `timer' (pid 7) to be polled");
	ck_assert_str_eq(text_of(&ping), "`-' (pid 0, uid 0) is refused ADMIN_STATUS: no");
	ck_assert_str_eq(text_of(&found), "0000:00:03.0: at rest, free");
}
END_TEST

START_TEST(a_rule_is_cited_with_its_place)
{
	struct policy_verdict verdict = { .section = "device net", .file = "/etc/x", .line = 12 };
	char text[HAPPENING_RULE_SIZE];

	happening_cite(&verdict, text);
	ck_assert_str_eq(text, "[device net] at /etc/x:12");
	verdict.section[0] = '\0';
	happening_cite(&verdict, text);
	ck_assert_str_eq(text, "");
	memset(verdict.section, 'S', sizeof(verdict.section) - 1);
	memset(verdict.file, 'F', sizeof(verdict.file) - 1);
	verdict.line = UINT32_MAX;
	happening_cite(&verdict, text);
	ck_assert_str_eq(text + strlen(text) - 11, ":4294967295");
}
END_TEST

START_TEST(a_long_reason_is_cut)
{
	char reason[2 * HAPPENING_TEXT_SIZE];
	struct happening what = { .kind = HAPPENED_QUARANTINED, .device = &net, .reason = reason };

	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	ck_assert_uint_eq(strlen(text_of(&what)), HAPPENING_TEXT_SIZE - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("happening");
	TCase *tests = tcase_create("all");

	tcase_add_test(tests, each_kind_has_a_name_of_its_own);
	tcase_add_test(tests, each_kind_has_a_text);
	tcase_add_test(tests, what_is_not_known_is_left_out);
	tcase_add_test(tests, a_rule_is_cited_with_its_place);
	tcase_add_test(tests, a_long_reason_is_cut);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
