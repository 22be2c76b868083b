/* SPDX-License-Identifier: MIT */
/* What stands in the way of a device and of ports, step by step. */
#include "session/acquire/assess.h"

#include "session/port/port_use.h"
#include "session/session.h"
#include "suite.h"
#include "test_policy_load.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char text[] = "[client a]\nuser = alice\n"
                           "[client b]\nuser = bob\n"
                           "[device one]\nclient = a\naddress = 00:01.0\ntake = yes\ncount = 1\n"
                           "[ports timer]\nclient = a\nrange = 0x40-0x43\n";

enum { DEVICES = 2 };

static const struct kernel_backend backend = { .name = "none" };
static struct group group = { .id = 7 };
static struct device devices[DEVICES];
static struct device *list[DEVICES] = { &devices[0], &devices[1] };
static struct broker broker;
static struct peer peer;
static struct asker asker;
static struct policy_verdict verdict;
static struct fault fault;

static void setup(void)
{
	memset(devices, 0, sizeof(devices));
	broker = (struct broker){ .inventory = { .devices = list, .count = DEVICES } };
	broker.host.backend = &backend;
	broker.policy = test_policy(text);
	for (uint8_t i = 0; i < DEVICES; i++) {
		devices[i].facts.address.device = (uint8_t)(i + 1);
		devices[i].group = &group;
		strcpy(devices[i].name, i == 0 ? "one" : "two");
	}
	peer = (struct peer){ .broker = &broker,
		              .client = policy_client_named(broker.policy, "b"),
		              .name = "b" };
	/* Of a client that is not connected, as an operator asks. */
	asker = (struct asker){ .broker = &broker,
		                .client = policy_client_named(broker.policy, "a"),
		                .name = "a" };
}

static void teardown(void)
{
	policy_free(broker.policy);
}

static int step(enum assess_step which)
{
	fault = (struct fault){ 0 };
	return assess_device(&asker, &devices[0], which, &verdict, NULL, &fault);
}

START_TEST(nothing_is_in_the_way)
{
	for (int which = 0; which < ASSESS_STEPS; which++) {
		ck_assert_int_eq(step((enum assess_step)which), 0);
		ck_assert_ptr_nonnull(assess_code((enum assess_step)which));
	}
	ck_assert_str_eq(verdict.section, "device one");
	ck_assert_uint_eq(verdict.line, 5);
}
END_TEST

START_TEST(the_policy)
{
	asker.client = peer.client;
	ck_assert_int_eq(step(ASSESS_POLICY), -1);
	ck_assert_int_eq(fault.status, HWB_NOT_FOUND);
	asker.client = NULL;
	ck_assert_int_eq(step(ASSESS_POLICY), -1);
}
END_TEST

START_TEST(the_host)
{
	broker.host.backend = NULL;
	ck_assert_int_eq(step(ASSESS_HOST), -1);
	ck_assert_int_eq(fault.status, HWB_UNSUPPORTED);
}
END_TEST

START_TEST(its_state)
{
	devices[0].owner = &peer;
	devices[0].state = LIFE_GRANTED;
	ck_assert_int_eq(step(ASSESS_STATE), -1);
	ck_assert_int_eq(fault.status, HWB_BUSY);
	ck_assert_int_eq(step(ASSESS_GROUP), 0);
	devices[0].owner = NULL;
	devices[0].state = LIFE_QUARANTINED;
	strcpy(devices[0].note, "burnt");
	ck_assert_int_eq(step(ASSESS_STATE), -1);
	ck_assert_int_eq(fault.status, HWB_UNSAFE);
	ck_assert_ptr_nonnull(strstr(fault.reason, "burnt"));
	devices[0].state = LIFE_FREE;
	ck_assert_int_eq(step(ASSESS_STATE), 0);
}
END_TEST

START_TEST(its_neighbours)
{
	devices[1].owner = &peer;
	ck_assert_int_eq(step(ASSESS_STATE), 0);
	ck_assert_int_eq(step(ASSESS_GROUP), -1);
	ck_assert_int_eq(fault.status, HWB_BUSY);
	/* Whoever has the neighbour himself may. */
	asker.peer = &peer;
	ck_assert_int_eq(step(ASSESS_GROUP), 0);
	devices[1].owner = NULL;
	devices[1].state = LIFE_QUARANTINED;
	ck_assert_int_eq(step(ASSESS_GROUP), -1);
	ck_assert_int_eq(fault.status, HWB_UNSAFE);
}
END_TEST

START_TEST(who_may_take_what)
{
	static struct operate_targets targets;

	ck_assert_int_eq(assess_targets(&asker, &devices[1], &targets, &fault), 0);
	ck_assert_uint_eq(targets.count, 2);
	ck_assert_ptr_eq(targets.items[0].device, &devices[1]);
	ck_assert(!targets.items[0].may_take && targets.items[1].may_take);
	ck_assert(!targets.items[1].may_force);
}
END_TEST

START_TEST(ports)
{
	struct port_session session = { .base = 0x42, .count = 4 };

	ck_assert_int_eq(assess_ports(&asker, 0x40, 4, &verdict, &fault), 0);
	ck_assert_str_eq(verdict.section, "ports timer");
	ck_assert_int_eq(assess_ports(&asker, 0x40, 5, &verdict, &fault), -1);
	ck_assert_int_eq(assess_ports_of_host(&broker, &fault), -1);
	broker.host.ports = true;
	ck_assert_int_eq(assess_ports_of_host(&broker, &fault), 0);
	session.session.peer = &peer;
	ck_assert_int_eq(assess_ports_free(&asker, 0x40, 3, &fault), 0);
	ck_assert_int_eq(port_use_begin(&broker, &session), 0);
	ck_assert_int_eq(assess_ports_free(&asker, 0x40, 2, &fault), 0);
	ck_assert_int_eq(assess_ports_free(&asker, 0x40, 3, &fault), -1);
	ck_assert_int_eq(fault.status, HWB_BUSY);
	asker.peer = &peer;
	ck_assert_int_eq(assess_ports_free(&asker, 0x40, 3, &fault), 0);
	asker.peer = NULL;
	port_use_end(&broker, &session);
	ck_assert_int_eq(assess_ports_free(&asker, 0x40, 3, &fault), 0);
	free(broker.port_uses);
	broker.port_uses = NULL;
}
END_TEST

/* Sessions of one connection may overlap: what is in use is what any of them has. */
START_TEST(ports_in_use)
{
	struct port_session first = { .base = 0x40, .count = 4 },
	                    second = { .base = 0x42, .count = 4 };
	bool used;

	first.session.peer = second.session.peer = &peer;
	ck_assert_int_eq(port_use_begin(&broker, &first), 0);
	ck_assert_int_eq(port_use_begin(&broker, &second), 0);
	ck_assert_uint_eq(port_use_change(&broker, 0x3e, 0x50, &used), 0x40);
	ck_assert(!used);
	ck_assert_uint_eq(port_use_change(&broker, 0x40, 0x50, &used), 0x46);
	ck_assert(used);
	ck_assert_uint_eq(port_use_change(&broker, 0x40, 0x43, &used), 0x43);
	port_use_end(&broker, &second);
	ck_assert_uint_eq(port_use_change(&broker, 0x40, 0x50, &used), 0x44);
	ck_assert(port_use_is_free(&broker, NULL, 0x44, 4));
	ck_assert(!port_use_is_free(&broker, NULL, 0x43, 4));
	ck_assert(port_use_is_free(&broker, &peer, 0, 0x10000));
	port_use_end(&broker, &first);
	ck_assert_ptr_null(broker.port_sessions);
	ck_assert(port_use_is_free(&broker, NULL, 0, 0x10000));
	free(broker.port_uses);
	broker.port_uses = NULL;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("assess");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, nothing_is_in_the_way);
	tcase_add_test(all, the_policy);
	tcase_add_test(all, the_host);
	tcase_add_test(all, its_state);
	tcase_add_test(all, its_neighbours);
	tcase_add_test(all, who_may_take_what);
	tcase_add_test(all, ports);
	tcase_add_test(all, ports_in_use);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
