/* SPDX-License-Identifier: MIT */
/* The unit of a process, from what the kernel says of its control groups; whatever names a user
 * has made there. And which client section it falls under by that. */
#include "policy/unit.h"
#include "suite.h"
#include "test_policy_load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *text;
	const char *unit; /* NULL: none that systemd knows of */
	const char *slices;
} cases[] = {
	{ "0::/system.slice/foo.service\n", "foo.service", "system.slice/" },
	{ "0::/system.slice/foo.service", "foo.service", "system.slice/" },
	{ "0::/system.slice/system-a.slice/a@1.service\n", "a@1.service",
	  "system.slice/system-a.slice/" },
	{ "0::/foo.service\n", "foo.service", "" },
	{ "0::/init.scope\n", "init.scope", "" },
	{ "0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope",
	  "user.slice/user-1000.slice/" },
	{ "0::/machine.slice\n", "", "machine.slice/" },
	/* A service's own groups, whatever they are called. */
	{ "0::/system.slice/foo.service/sub\n", "foo.service", "system.slice/" },
	{ "0::/system.slice/foo.service/system.slice/bar.service\n", "foo.service",
	  "system.slice/" },
	/* What a user has made below what is his. */
	{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service\n",
	  "user@1000.service", "user.slice/user-1000.slice/" },
	{ "0::/user.slice/user-1000.slice/user@1000.service/system.slice/foo.service\n",
	  "user@1000.service", "user.slice/user-1000.slice/" },
	/* Of a container that no systemd has made, also one with a systemd in it. */
	{ "0::/docker/0123abc/system.slice/foo.service\n", NULL, "" },
	{ "0::/lxc.payload.x/system.slice/foo.service\n", NULL, "" },
	/* Outside of our own namespace; deleted; nowhere. */
	{ "0::/../../system.slice/foo.service\n", NULL, "" },
	{ "0::/../foo.service\n", NULL, "" },
	{ "0::/system.slice/foo.service (deleted)\n", NULL, "" },
	{ "0::/system.slice/x/foo.service\n", NULL, "" },
	{ "0::/\n", NULL, "" },
	{ "0::\n", NULL, "" },
	{ "0::system.slice/foo.service\n", NULL, "" },
	{ "0:://foo.service\n", NULL, "" },
	{ "0::/system.slice//foo.service\n", NULL, "" },
	{ "0::/.service\n", NULL, "" },
	{ "0::/.slice/foo.service\n", NULL, "" },
	{ "0::/system.slice/f o.service\n", NULL, "" },
	{ "0::/system.slice/f\x01.service\n", NULL, "" },
	{ "", NULL, "" },
	{ "\n\n", NULL, "" },
	{ ":\n", NULL, "" },
	/* systemd's escape of names that are the kernel's; a name's own escapes stay. */
	{ "0::/system.slice/_cpu.service\n", "cpu.service", "system.slice/" },
	{ "0::/system.slice/__x.service\n", "_x.service", "system.slice/" },
	{ "0::/_memory.slice/foo.service\n", "foo.service", "memory.slice/" },
	{ "0::/system.slice/dev-disk-by\\x2duuid.swap\n", "dev-disk-by\\x2duuid.swap",
	  "system.slice/" },
	/* The old hierarchies: systemd has one of its own, whose word counts. */
	{ "12:pids:/system.slice/no.service\n1:name=systemd:/system.slice/foo.service\n"
	  "0::/system.slice/no.service\n",
	  "foo.service", "system.slice/" },
	{ "0::/system.slice/no.service\n1:name=systemd:/system.slice/foo.service\n", "foo.service",
	  "system.slice/" },
	{ "1:name=systemd:/\n0::/system.slice/no.service\n", NULL, "" },
	{ "3:cpu,cpuacct:/system.slice/no.service\n0::/system.slice/foo.service\n", "foo.service",
	  "system.slice/" },
	{ "5:name=other:/system.slice/no.service\n", NULL, "" },
	{ "10::/system.slice/no.service\n", NULL, "" },
};

START_TEST(unit_of_a_process)
{
	struct unit_place place;
	bool found;

	memset(&place, 'x', sizeof(place));
	found = unit_of_cgroups(cases[_i].text, &place);
	ck_assert_msg(found == (cases[_i].unit != NULL), "%s", cases[_i].text);
	ck_assert_str_eq(place.unit, found ? cases[_i].unit : "");
	ck_assert_str_eq(place.slices, cases[_i].slices);
}
END_TEST

/* Names and paths that are too long are of nobody, not cut to another's. */
START_TEST(long_names)
{
	struct unit_place place;
	char text[8192] = "0::/system.slice/";

	memset(text + strlen(text), 'a', 300);
	strcat(text, ".service\n");
	ck_assert(!unit_of_cgroups(text, &place));
	strcpy(text, "0::");
	for (int i = 0; i < 100; i++)
		strcat(text, "/a-b-c.slice");
	ck_assert(!unit_of_cgroups(text, &place));
	ck_assert_str_eq(place.slices, "");
	strcpy(text, "0::/system.slice/foo.service/");
	memset(text + strlen(text), 'a', 4090);
	strcat(text, "\n");
	ck_assert(!unit_of_cgroups(text, &place));
}
END_TEST

static struct unit_place place = { "foo.service", "system.slice/system-foo.slice/" };

static const char *client_of(const struct policy *policy, uid_t uid, const struct unit_place *where)
{
	struct policy_subject subject = { .uid = uid, .gid = 5, .place = where };
	const struct policy_client *client = policy_client_of(policy, &subject);

	return client != NULL ? client->name : "";
}

static bool admits(const char *keys, uid_t uid, const struct unit_place *where)
{
	char text[256];

	snprintf(text, sizeof(text), "[client a]\n%s\n", keys);
	struct policy *policy = test_policy(text);
	bool admitted = client_of(policy, uid, where)[0] != '\0';
	policy_free(policy);
	return admitted;
}

START_TEST(clients_by_unit_and_slice)
{
	ck_assert(admits("unit = foo.service", 7, &place));
	ck_assert(admits("unit = bar.service, foo.service", 7, &place));
	ck_assert(admits("unit = fo?.*", 7, &place));
	ck_assert(!admits("unit = bar.service", 7, &place));
	ck_assert(admits("slice = system.slice", 7, &place));
	ck_assert(admits("slice = system-foo.slice", 7, &place));
	ck_assert(admits("slice = *-foo.slice", 7, &place));
	ck_assert(!admits("slice = foo.slice", 7, &place));
	ck_assert(!admits("slice = *foo.service*", 7, &place));
	/* Each key that is there must hold. */
	ck_assert(admits("user = alice\nunit = foo.service", 1000, &place));
	ck_assert(!admits("user = alice\nunit = foo.service", 1001, &place));
	ck_assert(!admits("user = alice\nunit = bar.service", 1000, &place));
	ck_assert(admits("unit = foo.service\nslice = system.slice", 7, &place));
	ck_assert(!admits("unit = foo.service\nslice = user.slice", 7, &place));
	/* Not known, or none: whatever the pattern. */
	ck_assert(!admits("unit = *", 7, NULL));
	ck_assert(!admits("slice = *", 7, NULL));
	ck_assert(!admits("user = alice\nunit = *", 1000, NULL));
	struct unit_place none = { "", "system.slice/" };
	ck_assert(!admits("unit = *", 7, &none));
	ck_assert(admits("slice = *", 7, &none));
}
END_TEST

START_TEST(the_first_section_wins)
{
	struct policy *policy = test_policy("[client narrow]\nuser = alice\nunit = foo.service\n"
	                                    "[client wide]\nuser = alice, bob\n"
	                                    "[client rest]\nslice = *\n");
	struct unit_place other = { "bar.service", "system.slice/" };

	ck_assert(policy_asks_for_units(policy));
	ck_assert_str_eq(client_of(policy, 1000, &place), "narrow");
	ck_assert_str_eq(client_of(policy, 1000, &other), "wide");
	ck_assert_str_eq(client_of(policy, 1000, NULL), "wide");
	ck_assert_str_eq(client_of(policy, 1001, &place), "wide");
	ck_assert_str_eq(client_of(policy, 7, &place), "rest");
	ck_assert_str_eq(client_of(policy, 7, NULL), "");
	policy_free(policy);
	policy = test_policy("[client a]\nuser = alice\n");
	ck_assert(!policy_asks_for_units(policy));
	policy_free(policy);
}
END_TEST

static const struct {
	const char *text;
	const char *report; /* NULL: good */
} mistakes[] = {
	{ "[client a]\nuser = alice\n[client b]\nuser = alice\nunit = foo.service\n",
	  "F:4: `user': user alice is already named by [client a] in line 1\n" },
	{ "[client a]\nuser = alice\nunit = foo.service\n[client b]\nuser = alice\n", NULL },
	{ "[client a]\nuser = alice\nunit = foo*\n[client b]\nuser = alice\nunit = foo.service\n",
	  "F:5: `user': user alice is already named by [client a] in line 1\n" },
	{ "[client a]\nuser = alice\nunit = foo.service\n[client b]\nuser = alice\nunit = foo*\n",
	  NULL },
	{ "[client a]\nunit = foo.service\n[client b]\nunit = foo.service\n",
	  "F:3: [client b] can never be used: [client a] in line 1 has all of its processes already; "
	  "put the narrower section first\n" },
	{ "[client a]\nunit = foo*, bar*\n[client b]\nuser = bob\nunit = bar.service, foo.service\n",
	  "F:3: [client b] can never be used: [client a] in line 1 has all of its processes already; "
	  "put the narrower section first\n" },
	{ "[client a]\nunit = foo.service\n[client b]\nunit = foo.service, bar.service\n", NULL },
	{ "[client a]\nslice = *\n[client b]\nunit = foo.service\n", NULL },
	{ "[client a]\nconnections = 1\n",
	  "F:1: [client a] admits nobody; add `user', `group', `unit' or `slice'\n" },
	{ "[client a]\nunit = foo\n",
	  "F:2: `unit': `foo' is not the name of a unit; write it whole, like foo.service\n" },
	{ "[client a]\nunit = foo.service, foo.service\n",
	  "F:2: `unit': `foo.service' is named twice\n" },
	{ "[client a]\nunit = foo.service,\n", "F:2: `unit': empty entry in the list\n" },
	{ "[client a]\nunit = system.slice\n",
	  "F:2: `unit': `system.slice' is not the name of a unit; the key for it is `slice'\n" },
	{ "[client a]\nslice = a/b.slice\n",
	  "F:2: `slice': `a/b.slice' is not the name of a slice; write it like system.slice\n" },
	{ "[client a]\nslice = -.slice\n",
	  "F:2: `slice': every process is in -.slice; name a slice below it\n" },
	{ "[client a]\nuser = alice\nexecutable = /usr/bin/driver\n",
	  "F:3: [client] has no key `executable', as the file that a process was started from does "
	  "not say what it does; name a `unit', whose processes only root starts\n" },
};

START_TEST(wrong_clients)
{
	if (mistakes[_i].report == NULL) {
		policy_free(test_policy(mistakes[_i].text));
		return;
	}
	char *report = test_report(mistakes[_i].text, strlen(mistakes[_i].text));
	ck_assert_str_eq(report, mistakes[_i].report);
	free(report);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy unit");
	TCase *tests = tcase_create("unit");

	tcase_add_loop_test(tests, unit_of_a_process, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tests, long_names);
	tcase_add_test(tests, clients_by_unit_and_slice);
	tcase_add_test(tests, the_first_section_wins);
	tcase_add_loop_test(tests, wrong_clients, 0, (int)(sizeof(mistakes) / sizeof(mistakes[0])));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
