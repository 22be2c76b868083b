/* SPDX-License-Identifier: MIT */
/* What `hwbroker-ctl diff' finds and prints: rules as the daemon tells them against policies. */
#include "changes.h"
#include "json.h"
#include "print.h"
#include "suite.h"
#include "test_policy_load.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Those of a section that names none, hwbroker-policy(5). */
#define LIMITS                                                                             \
	"connections=16 dma_bytes=268435456 dma_mappings=4096 irq_vectors=64 requests=32 " \
	"sessions=1024"

static const struct hwb_admin_member members[] = {
	{ .address = { .device = 3 },
	  .flags = HWB_MEMBER_ON_BUS,
	  .vendor = 0x1234,
	  .device = 0x11e8,
	  .connection = 4,
	  .client = "a",
	  .driver = "vfio-pci",
	  .home = "edu" },
	{ .address = { .device = 4 }, .flags = HWB_MEMBER_ON_BUS, .vendor = 0x1234, .slot = "7" },
	{ .address = { .device = 5 }, .flags = HWB_MEMBER_BRIDGE },
};

static const struct hwb_admin_rule rules[] = {
	{ .kind = HWB_RULE_CLIENT,
	  .line = 1,
	  .client = "a",
	  .rule = "client a",
	  .file = "/old",
	  .grant = LIMITS " user=1000" },
	{ .kind = HWB_RULE_CLIENT,
	  .line = 3,
	  .client = "gone",
	  .rule = "client gone",
	  .file = "/old",
	  .grant = LIMITS " user=1001" },
	{ .address = { .device = 3 },
	  .line = 5,
	  .client = "a",
	  .rule = "device edu",
	  .file = "/old",
	  .grant = "dma revoke=9" },
	{ .address = { .device = 4 },
	  .line = 9,
	  .client = "gone",
	  .rule = "device other",
	  .file = "/old",
	  .grant = "revoke=5" },
	{ .kind = HWB_RULE_PORTS,
	  .line = 12,
	  .first = 0x40,
	  .last = 0x43,
	  .client = "a",
	  .rule = "ports timer",
	  .file = "/old" },
	{ .kind = HWB_RULE_MEMORY,
	  .line = 20,
	  .memory = 0xfed00000,
	  .memory_size = 0x400,
	  .client = "a",
	  .rule = "memory hpet",
	  .file = "/old",
	  .grant = "access=mediated" },
	{ .kind = HWB_RULE_INTERRUPT,
	  .line = 24,
	  .first = 1,
	  .last = 1,
	  .client = "a",
	  .rule = "interrupt keys",
	  .file = "/old",
	  .grant = "rate=100 source=auto" },
};

/* Without the memory and the interrupt, which are in one test each. */
static size_t rule_count = 5;

static struct changes_facts facts = { .rules = rules, .members = members, .member_count = 3 };
static bool as_json;
static unsigned columns; /* of the terminal; 0: none */

/* What is printed of a change to this policy; the new file is "F". */
static char *diff(const char *text)
{
	static char result[4096];
	struct policy *policy = test_policy(text);
	struct changes changes;
	char *printed = NULL, *at, *to = result;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	facts.rule_count = rule_count;
	changes_find(&changes, &facts, policy);
	ck_assert(!changes.out_of_memory);
	if (as_json)
		json_changes(out, &changes);
	else
		print_changes(out, columns, &changes);
	fclose(out);
	at = printed;
	while (*at != '\0') {
		size_t length = strlen(policy_path(policy));
		if (strncmp(at, policy_path(policy), length) == 0) {
			*to++ = 'F';
			at += length;
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
	free(printed);
	changes_free(&changes);
	policy_free(policy);
	return result;
}

#define CLIENT "[client a]\nuser = 1000\n"
#define GONE "[client gone]\nuser = 1001\n"
#define EDU "[device edu]\nclient = a\naddress = 00:03.0\n"
#define OTHER "[device other]\nclient = gone\naddress = 00:04.0\n"
#define HPET "[memory hpet]\nclient = a\nrange = 0xfed00000-0xfed003ff\n"
#define TIMER "[ports timer]\nclient = a\nrange = 0x40-0x43\n"

START_TEST(the_same_changes_nothing)
{
	ck_assert_str_eq(diff(CLIENT GONE EDU "dma = yes\nrevoke = 9\n" OTHER TIMER),
	                 "nothing changes hands\n");
}
END_TEST

START_TEST(what_is_lost)
{
	ck_assert_str_eq(diff(CLIENT TIMER),
	                 "- gone loses a place, given by [client gone] /old:3\n"
	                 "- a loses 0000:00:03.0, given by [device edu] /old:5\n"
	                 "    in use: it is asked back, and taken after 9 s\n"
	                 "- gone loses 0000:00:04.0, given by [device other] /old:9\n");
}
END_TEST

START_TEST(what_is_gained)
{
	ck_assert_str_eq(diff(CLIENT GONE EDU
	                      "dma = yes\nrevoke = 9\n" OTHER TIMER
	                      "[device slot]\nclient = a\nslot = 7\ntake = yes\n"
	                      "[ports more]\nclient = a\nrange = 0x61, 0x70-0x71\n"),
	                 "+ a gains 0000:00:04.0 by [device slot] F:16\n"
	                 "    +revoke=5 +take\n"
	                 "+ a gains ports 0x61-0x61 by [ports more] F:20\n"
	                 "+ a gains ports 0x70-0x71 by [ports more] F:20\n");
}
END_TEST

START_TEST(what_is_on_other_terms)
{
	ck_assert_str_eq(diff(CLIENT GONE EDU "force = yes\nrevoke = 9\n" OTHER TIMER),
	                 "~ a 0000:00:03.0 by [device edu] F:5\n"
	                 "    +force -dma\n"
	                 "    in use: if it does DMA now, it is asked back, and taken after 9 s\n");
	ck_assert_str_eq(diff(CLIENT GONE EDU "dma = yes\nrevoke = 2\n" OTHER TIMER),
	                 "~ a 0000:00:03.0 by [device edu] F:5\n"
	                 "    +revoke=2 -revoke=9\n"
	                 "    in use: it stays, and the new terms hold from the next taking on\n");
}
END_TEST

/* By the driver that it goes back to, not the one that has it meanwhile. */
START_TEST(rules_by_driver_see_the_host_driver)
{
	ck_assert_str_eq(diff(CLIENT GONE "[device edu]\nclient = a\ndriver = edu\ndma = yes\n"
	                                  "revoke = 9\n" OTHER TIMER),
	                 "nothing changes hands\n");
}
END_TEST

START_TEST(ports_that_are_lost_in_part)
{
	ck_assert_str_eq(diff(CLIENT GONE EDU "dma = yes\nrevoke = 9\n" OTHER
	                                      "[ports timer]\nclient = a\nrange = 0x41-0x42\n"),
	                 "- a loses ports 0x40-0x40, given by [ports timer] /old:12\n"
	                 "- a loses ports 0x43-0x43, given by [ports timer] /old:12\n");
}
END_TEST

START_TEST(memory_that_comes_goes_and_is_on_other_terms)
{
	rule_count = 6;
	ck_assert_str_eq(diff(CLIENT GONE EDU
	                      "dma = yes\nrevoke = 9\n" OTHER TIMER
	                      "[memory rom]\nclient = a\nrange = 0xc0000-0xdffff\n"),
	                 "- a loses memory 0xfed00000-0xfed003ff, given by [memory hpet] /old:20\n"
	                 "+ a gains memory 0xc0000-0xdffff by [memory rom] F:16\n"
	                 "    +access=mediated\n");
	ck_assert_str_eq(
	        diff(CLIENT GONE EDU "dma = yes\nrevoke = 9\n" OTHER TIMER HPET "write = yes\n"),
	        "~ a memory 0xfed00000-0xfed003ff by [memory hpet] F:16\n"
	        "    +write\n");
}
END_TEST

START_TEST(interrupts_that_come_go_and_are_on_other_terms)
{
	rule_count = 7;
	ck_assert_str_eq(diff(CLIENT GONE EDU "dma = yes\nrevoke = 9\n" OTHER TIMER HPET
	                                      "[interrupt mouse]\nclient = a\nirq = 12\n"),
	                 "- a loses interrupt 1, given by [interrupt keys] /old:24\n"
	                 "+ a gains interrupt 12 by [interrupt mouse] F:19\n"
	                 "    +rate=100 +source=auto\n");
	ck_assert_str_eq(diff(CLIENT GONE EDU "dma = yes\nrevoke = 9\n" OTHER TIMER HPET
	                                      "[interrupt keys]\nclient = a\nirq = 1\n"
	                                      "rate = 200\n"),
	                 "~ a interrupt 1 by [interrupt keys] F:19\n"
	                 "    +rate=200 -rate=100\n");
}
END_TEST

START_TEST(clients_that_come_and_are_others)
{
	ck_assert_str_eq(
	        diff("[client a]\nuser = 1000, 1002\nsessions = 9\n" GONE EDU
	             "dma = yes\nrevoke = 9\n" OTHER TIMER "[client new]\ngroup = 7\n"),
	        "~ a who it is, and limits by [client a] F:1\n"
	        "    +sessions=9 +user=1002 -sessions=1024\n"
	        "+ new gains a place by [client new] F:17\n"
	        "    +connections=16 +dma_bytes=268435456 +dma_mappings=4096 +irq_vectors=64 "
	        "+requests=32 +sessions=1024 +group=7\n");
}
END_TEST

/* Connections of client a. */
static const struct hwb_admin_client connected[] = {
	{ .id = 4, .uid = 1000, .sessions = 12, .mappings = 7, .dma_bytes = 8192, .client = "a" },
	{ .id = 5, .uid = 1000, .sessions = 3, .mappings = 7, .dma_bytes = 8192, .client = "a" },
	{ .id = 6, .uid = 1001, .sessions = 99, .client = "gone" },
};

static const struct hwb_admin_session sessions[] = {
	{ .connection = 4,
	  .kind = HWB_SESSION_IRQ,
	  .client = "a",
	  .resource = "0000:00:03.0 MSI-X, 8 vectors" },
	{ .connection = 5,
	  .kind = HWB_SESSION_IRQ,
	  .client = "a",
	  .resource = "0000:00:07.0 INTx, 1 vector, not enabled" },
	{ .connection = 4, .kind = HWB_SESSION_DOMAIN, .client = "a", .resource = "1, 9 vectors" },
};

static void connect_all(void)
{
	facts.clients = connected;
	facts.client_count = 3;
	facts.sessions = sessions;
	facts.session_count = 3;
}

#define LESS                                                                         \
	"[client a]\nuser = 1000\nsessions = 9\nconnections = 1\ndma_bytes = 4096\n" \
	"dma_mappings = 6\nirq_vectors = 4\n" GONE EDU "dma = yes\nrevoke = 9\n" OTHER TIMER

START_TEST(limits_below_what_is_in_use)
{
	connect_all();
	ck_assert_str_eq(diff(LESS),
	                 "~ a who it is, and limits by [client a] F:1\n"
	                 "    +connections=1 +dma_bytes=4096 +dma_mappings=6 +irq_vectors=4 "
	                 "+sessions=9 -connections=16 -dma_bytes=268435456 -dma_mappings=4096 "
	                 "-irq_vectors=64 -sessions=1024\n"
	                 "    in use: 12 sessions of connection 4: they stay; none is added "
	                 "above 9\n"
	                 "    in use: 2 connections: they stay; none is added above 1\n"
	                 "    in use: 8 interrupt vectors of a device of connection 4: they "
	                 "stay; none is added above 4\n"
	                 "    in use: 7 DMA mappings: they stay; none is added above 6\n"
	                 "    in use: 8192 bytes of DMA: they stay; none is added above 4096\n");
}
END_TEST

START_TEST(limits_below_what_is_in_use_for_programs)
{
	connect_all();
	as_json = true;
	const char *text = diff("[client a]\nuser = 1000\nsessions = 9\n" GONE EDU
	                        "dma = yes\nrevoke = 9\n" OTHER TIMER);
	ck_assert_ptr_nonnull(strstr(text, "\"limit\": \"sessions\""));
	ck_assert_ptr_nonnull(strstr(text, "\"connection\": 4"));
	ck_assert_ptr_nonnull(strstr(text, "\"now\": 12"));
	ck_assert_ptr_nonnull(strstr(text, "\"allowed\": 9"));
	ck_assert_ptr_nonnull(strstr(text, "\"now_untold\": 0"));
	ck_assert_ptr_null(strstr(text, "\"connection\": 5"));
	as_json = false;
}
END_TEST

START_TEST(connections_that_are_nobodys)
{
	connect_all();
	ck_assert_str_eq(
	        diff("[client a]\nuser = 1002\n" EDU "dma = yes\nrevoke = 9\n" TIMER),
	        "- gone loses a place, given by [client gone] /old:3\n"
	        "    connection 6 of uid 1001: it gets nothing more, and its devices are asked "
	        "back\n"
	        "~ a who it is, and limits by [client a] F:1\n"
	        "    +user=1002 -user=1000\n"
	        "    connection 4 of uid 1000: it gets nothing more, and its devices are asked "
	        "back\n"
	        "    connection 5 of uid 1000: it gets nothing more, and its devices are asked "
	        "back\n"
	        "- gone loses 0000:00:04.0, given by [device other] /old:9\n");
	ck_assert_ptr_nonnull(strstr(
	        diff("[client a]\nuser = 1002\ngroup = 7\n" GONE EDU TIMER),
	        "    connection 5 of uid 1000, if its groups or unit are not named: it gets nothing "
	        "more, and its devices are asked back\n"));
}
END_TEST

/* A network card, two functions of it, and what there is to say of them. */
static struct hwb_admin_member card[3];
static struct hwb_admin_rule card_rule;

static void set_card(uint16_t now, uint16_t max, uint32_t flags, const char *driver)
{
	card[0] = (struct hwb_admin_member){ .address = { .bus = 3 },
		                             .flags = HWB_MEMBER_ON_BUS | flags,
		                             .vendor = 0x8086,
		                             .virtual_functions = now,
		                             .functions_max = max };
	snprintf(card[0].driver, sizeof(card[0].driver), "%s", driver);
	snprintf(card[0].home, sizeof(card[0].home), "%s", driver);
	for (unsigned i = 1; i < 3; i++)
		card[i] = (struct hwb_admin_member){
			.address = { .bus = 3, .device = 16, .function = (uint8_t)i },
			.flags = HWB_MEMBER_ON_BUS | HWB_MEMBER_VIRTUAL,
			.physical_function = 3 << 8,
		};
	card_rule = (struct hwb_admin_rule){ .kind = HWB_RULE_VIRTUAL,
		                             .address = { .bus = 3 },
		                             .line = 7,
		                             .first = 2,
		                             .last = 2,
		                             .rule = "virtual old",
		                             .file = "/old" };
}

/* `old': whether that rule is in force. */
static const char *card_diff(bool old, const char *text)
{
	const struct changes_facts before = facts;

	facts = (struct changes_facts){ .rules = &card_rule,
		                        .members = card,
		                        .member_count = card[0].virtual_functions != 0 ? 3 : 1 };
	rule_count = old;
	const char *result = diff(text);
	facts = before;
	rule_count = 5;
	return result;
}

#define MADE "[virtual net]\naddress = 03:00.0\nfunctions = "
#define NOTHING "nothing changes hands\n"

START_TEST(virtual_functions_are_made)
{
	set_card(0, 8, 0, "ixgbe");
	ck_assert_str_eq(card_diff(false, MADE "4\n"),
	                 "+ 0000:03:00.0 gets 4 virtual functions by [virtual net] F:1\n"
	                 "    at once\n");
	ck_assert_str_eq(card_diff(false, MADE "4\nrestore = yes\n"),
	                 "+ 0000:03:00.0 gets 4 virtual functions by [virtual net] F:1\n"
	                 "    +restore\n"
	                 "    at once\n");
	/* Somebody has removed them: reading the same again makes them. */
	ck_assert_str_eq(card_diff(true, MADE "2\n"),
	                 "+ 0000:03:00.0 gets 2 virtual functions by [virtual net] F:1\n"
	                 "    at once\n");
	ck_assert_str_eq(card_diff(true, ""), NOTHING);
	ck_assert_str_eq(card_diff(false, MADE "9\n"),
	                 "+ 0000:03:00.0 should get 9 virtual functions by [virtual net] F:1\n"
	                 "    never: it can have 8\n");
	set_card(0, 0, 0, "e1000e");
	ck_assert_str_eq(card_diff(false, MADE "1\n"),
	                 "+ 0000:03:00.0 should get 1 virtual function by [virtual net] F:1\n"
	                 "    never: it can have none (SR-IOV)\n");
	/* As was said when it was loaded. */
	ck_assert_str_eq(card_diff(true, MADE "2\n"), NOTHING);
	set_card(0, 8, 0, "vfio-pci");
	ck_assert_str_eq(card_diff(false, MADE "1\n"),
	                 "+ 0000:03:00.0 gets 1 virtual function by [virtual net] F:1\n"
	                 "    when its host driver, which makes them, has it: it is with "
	                 "`vfio-pci' now\n");
	set_card(0, 8, 0, "uio_pci_generic");
	ck_assert_str_eq(card_diff(false, MADE "1\n"),
	                 "+ 0000:03:00.0 gets 1 virtual function by [virtual net] F:1\n"
	                 "    when its host driver, which makes them, has it: it is with "
	                 "`uio_pci_generic' now\n");
	set_card(0, 8, 0, "");
	ck_assert_str_eq(card_diff(false, MADE "1\n"),
	                 "+ 0000:03:00.0 gets 1 virtual function by [virtual net] F:1\n"
	                 "    when its host driver, which makes them, has it: it is with "
	                 "no driver now\n");
}
END_TEST

START_TEST(virtual_functions_are_changed)
{
	set_card(2, 8, HWB_MEMBER_OWN, "ixgbe");
	ck_assert_str_eq(card_diff(true, MADE "2\n"), NOTHING);
	ck_assert_str_eq(card_diff(true, MADE "3\n"),
	                 "~ 0000:03:00.0 gets 3 virtual functions in place of 2 by "
	                 "[virtual net] F:1\n"
	                 "    at once: first all that are there are removed\n");
	ck_assert_str_eq(card_diff(true, MADE "2\nrestore = yes\n"),
	                 "~ 0000:03:00.0 keeps its 2 virtual functions by [virtual net] F:1\n"
	                 "    +restore\n"
	                 "    they are there\n");
	card[2].flags |= HWB_MEMBER_USED;
	snprintf(card[2].client, sizeof(card[2].client), "a");
	ck_assert_str_eq(card_diff(true, MADE "3\n"),
	                 "~ 0000:03:00.0 gets 3 virtual functions in place of 2 by "
	                 "[virtual net] F:1\n"
	                 "    when none is in use: first all that are there are removed; "
	                 "now 0000:03:10.2 is in use, by a\n");
	set_card(2, 8, HWB_MEMBER_OWN, "ixgbe");
	snprintf(card[1].driver, sizeof(card[1].driver), "ixgbevf");
	ck_assert_str_eq(card_diff(true, MADE "3\n"),
	                 "~ 0000:03:00.0 gets 3 virtual functions in place of 2 by "
	                 "[virtual net] F:1\n"
	                 "    when none is in use: first all that are there are removed; "
	                 "now 0000:03:10.1 is with the host driver `ixgbevf'\n");
	/* Made by somebody else. */
	set_card(2, 8, 0, "ixgbe");
	ck_assert_str_eq(card_diff(false, MADE "3\n"),
	                 "~ 0000:03:00.0 should get 3 virtual functions in place of 2 by "
	                 "[virtual net] F:1\n"
	                 "    never: there are 2, made by somebody else\n");
	ck_assert_str_eq(card_diff(false, MADE "2\n"),
	                 "~ 0000:03:00.0 keeps its 2 virtual functions by [virtual net] F:1\n"
	                 "    they are there\n");
	ck_assert_str_eq(card_diff(false, ""), NOTHING);
}
END_TEST

START_TEST(virtual_functions_are_removed)
{
	set_card(2, 8, HWB_MEMBER_OWN | HWB_MEMBER_OWN_END, "ixgbe");
	ck_assert_str_eq(card_diff(true, ""),
	                 "- 0000:03:00.0 loses its 2 virtual functions, asked for by "
	                 "[virtual old] /old:7\n"
	                 "    at once\n");
	card[1].flags |= HWB_MEMBER_USED;
	ck_assert_str_eq(card_diff(true, ""),
	                 "- 0000:03:00.0 loses its 2 virtual functions, asked for by "
	                 "[virtual old] /old:7\n"
	                 "    when none is in use; now 0000:03:10.1 is in use\n");
	set_card(2, 8, HWB_MEMBER_OWN, "ixgbe");
	ck_assert_str_eq(
	        card_diff(true, ""),
	        "- 0000:03:00.0 is asked no more for its 2 virtual functions, asked for by "
	        "[virtual old] /old:7\n"
	        "    they stay until the host is booted, or removes them\n");
}
END_TEST

/* Each line fits, and nothing is left out. */
START_TEST(changes_fit_a_terminal)
{
	char whole[4096], *word, *rest = NULL;

	set_card(2, 8, HWB_MEMBER_OWN, "ixgbe");
	card[2].flags |= HWB_MEMBER_USED;
	snprintf(whole, sizeof(whole), "%s", card_diff(true, MADE "3\nrestore = yes\n"));
	columns = 40;
	const char *text = card_diff(true, MADE "3\nrestore = yes\n");
	columns = 0;
	ck_assert_ptr_nonnull(strchr(whole, '\n'));
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 40, "%s", text);
	for (word = strtok_r(whole, " \n", &rest); word != NULL;
	     word = strtok_r(NULL, " \n", &rest))
		ck_assert_msg(strstr(text, word) != NULL, "%s lacks %s", text, word);
}
END_TEST

START_TEST(virtual_functions_for_programs)
{
	set_card(2, 8, HWB_MEMBER_OWN, "ixgbe");
	card[2].flags |= HWB_MEMBER_USED;
	as_json = true;
	const char *text = card_diff(true, MADE "3\n");
	as_json = false;
	ck_assert_msg(strstr(text, "\"client\": null") != NULL &&
	                      strstr(text, "\"change\": \"terms\"") != NULL &&
	                      strstr(text, "\"resource\": \"0000:03:00.0\"") != NULL &&
	                      strstr(text, "\"now\": 2") != NULL &&
	                      strstr(text, "\"wanted\": 3") != NULL &&
	                      strstr(text, "\"when\": \"idle\"") != NULL &&
	                      strstr(text, "\"reason\": \"0000:03:10.2 is in use\"") != NULL,
	              "%s", text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hwbroker-ctl diff");
	TCase *all = tcase_create("all");

	tcase_add_test(all, the_same_changes_nothing);
	tcase_add_test(all, what_is_lost);
	tcase_add_test(all, what_is_gained);
	tcase_add_test(all, what_is_on_other_terms);
	tcase_add_test(all, rules_by_driver_see_the_host_driver);
	tcase_add_test(all, ports_that_are_lost_in_part);
	tcase_add_test(all, memory_that_comes_goes_and_is_on_other_terms);
	tcase_add_test(all, interrupts_that_come_go_and_are_on_other_terms);
	tcase_add_test(all, clients_that_come_and_are_others);
	tcase_add_test(all, limits_below_what_is_in_use);
	tcase_add_test(all, limits_below_what_is_in_use_for_programs);
	tcase_add_test(all, connections_that_are_nobodys);
	tcase_add_test(all, virtual_functions_are_made);
	tcase_add_test(all, virtual_functions_are_changed);
	tcase_add_test(all, virtual_functions_are_removed);
	tcase_add_test(all, changes_fit_a_terminal);
	tcase_add_test(all, virtual_functions_for_programs);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
