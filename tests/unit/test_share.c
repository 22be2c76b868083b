/* SPDX-License-Identifier: MIT */
/* How many devices of a rule a client has, and all clients together. */
#include "session/acquire/share.h"

#include "suite.h"
#include "test_policy_load.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const char text[] = "[client a]\n"
                           "user = alice\n"
                           "[client b]\n"
                           "user = bob\n"
                           "[device one]\n"
                           "client = a, b\n"
                           "address = 00:09.0\n"
                           "[device vf]\n"
                           "client = a, b\n"
                           "id = 8086:154c\n"
                           "count = 2\n"
                           "total = 3\n";

enum { DEVICES = 6 };

static struct device devices[DEVICES];
static struct device *list[DEVICES];
static struct broker broker;
static struct peer a, b;

static void make_peer(struct peer *peer, const char *name)
{
	*peer = (struct peer){ .broker = &broker };
	peer->client = policy_client_named(broker.policy, name);
	snprintf(peer->name, sizeof(peer->name), "%s", name);
}

static void setup(void)
{
	memset(devices, 0, sizeof(devices));
	broker = (struct broker){ .inventory = { .devices = list, .count = DEVICES } };
	broker.policy = test_policy(text);
	make_peer(&a, "a");
	make_peer(&b, "b");
	for (uint8_t i = 0; i < DEVICES; i++) {
		devices[i].facts.address.device = i;
		devices[i].facts.vendor = 0x8086;
		devices[i].facts.device = 0x154c;
		list[i] = &devices[i];
	}
}

static void teardown(void)
{
	policy_free(broker.policy);
}

static void give(unsigned device, const struct peer *peer, enum lifecycle_state state)
{
	devices[device].owner = peer;
	devices[device].state = state;
}

/* What is said of one more; the wanted one is `wanted`, or any with -1. */
static enum hwb_status more(const struct peer *peer, int wanted, struct device **busy,
                            struct fault *fault)
{
	const struct device *device = wanted < 0 ? &devices[DEVICES - 1] : &devices[wanted];
	struct policy_device about = device_for_policy(device);
	struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &about };
	struct policy_verdict verdict;

	*fault = (struct fault){ 0 };
	policy_decide(broker.policy, peer->client, &resource, &verdict);
	ck_assert(verdict.granted);
	struct asker asker = asker_of(peer);
	if (share_check(&asker, wanted < 0 ? NULL : device, &verdict, busy, fault) == 0)
		return HWB_OK;
	return fault->status;
}

START_TEST(each_has_so_many)
{
	struct device *busy;
	struct fault fault;

	ck_assert_int_eq(more(&a, -1, &busy, &fault), HWB_OK);
	give(0, &a, LIFE_GRANTED);
	ck_assert_int_eq(more(&a, -1, &busy, &fault), HWB_OK);
	give(1, &a, LIFE_CLAIMING);
	ck_assert_int_eq(more(&a, -1, &busy, &fault), HWB_QUOTA);
	ck_assert_ptr_null(busy);
	ck_assert_ptr_nonnull(strstr(fault.reason, "client `a' has 2"));
	ck_assert_ptr_nonnull(strstr(fault.reason, "[device vf]"));
	ck_assert_ptr_nonnull(strstr(fault.reason, "count = 2"));
	ck_assert_int_eq(more(&b, -1, &busy, &fault), HWB_OK);
	give(1, NULL, LIFE_FREE);
	ck_assert_int_eq(more(&a, -1, &busy, &fault), HWB_OK);
}
END_TEST

START_TEST(all_have_so_many)
{
	struct device *busy;
	struct fault fault;

	give(0, &a, LIFE_GRANTED);
	give(1, &a, LIFE_GRANTED);
	ck_assert_int_eq(more(&b, -1, &busy, &fault), HWB_OK);
	give(2, &b, LIFE_GRANTED);
	ck_assert_int_eq(more(&b, -1, &busy, &fault), HWB_QUOTA);
	ck_assert_ptr_nonnull(strstr(fault.reason, "3 of the devices"));
	ck_assert_ptr_nonnull(strstr(fault.reason, "total = 3"));
	ck_assert_ptr_null(strstr(fault.reason, "`a'"));
}
END_TEST

/* What is of another section, or is acquired itself, does not count. */
START_TEST(what_does_not_count)
{
	struct device *busy;
	struct fault fault;
	policy_free(broker.policy);
	broker.policy = test_policy("[client a]\nuser = alice\n"
	                            "[device one]\nclient = a\naddress = 00:00.0\n"
	                            "[device vf]\nclient = a\nid = 8086:*\ncount = 1\n");
	make_peer(&a, "a");
	give(0, &a, LIFE_GRANTED);
	ck_assert_int_eq(more(&a, -1, &busy, &fault), HWB_OK);
	give(1, &a, LIFE_REVOKING);
	ck_assert_int_eq(more(&a, 1, &busy, &fault), HWB_OK);
	ck_assert_int_eq(more(&a, 2, &busy, &fault), HWB_QUOTA);
	ck_assert_int_eq(more(&a, 0, &busy, &fault), HWB_OK);
}
END_TEST

/* Who gives back and asks anew could hold all, by registers that he keeps. */
START_TEST(what_is_given_back_counts_until_it_is_at_rest)
{
	struct device_session *held = (struct device_session *)&devices;
	struct device *busy;
	struct fault fault;

	give(0, &a, LIFE_GRANTED);
	give(1, &a, LIFE_REVOKING);
	ck_assert_int_eq(more(&a, -1, &busy, &fault), HWB_QUOTA);
	ck_assert_ptr_eq(busy, &devices[1]);
	/* The one who had it has hung up. */
	a.client = NULL;
	make_peer(&b, "a");
	ck_assert_int_eq(more(&b, -1, &busy, &fault), HWB_QUOTA);
	give(1, NULL, LIFE_REVOKING);
	devices[1].held = held;
	memcpy(devices[1].former, "a", 2);
	ck_assert_int_eq(more(&b, -1, &busy, &fault), HWB_QUOTA);
	/* Another one will be at rest before that. */
	give(0, &a, LIFE_RESETTING);
	ck_assert_int_eq(more(&b, -1, &busy, &fault), HWB_QUOTA);
	ck_assert_ptr_eq(busy, &devices[0]);
	devices[1].held = NULL;
	ck_assert_int_eq(more(&b, -1, &busy, &fault), HWB_OK);
}
END_TEST

START_TEST(another_policy_counts_by_its_own)
{
	struct device *busy;
	struct fault fault;

	give(0, &a, LIFE_GRANTED);
	give(1, &a, LIFE_GRANTED);
	policy_free(broker.policy);
	broker.policy = test_policy("[client a]\nuser = alice\n"
	                            "[device first]\nclient = a\naddress = 00:00.0\n"
	                            "[device vf]\nclient = a\nid = 8086:*\ncount = 2\n");
	make_peer(&a, "a");
	ck_assert_int_eq(more(&a, -1, &busy, &fault), HWB_OK);
	policy_free(broker.policy);
	broker.policy = test_policy("[client a]\nuser = alice\n"
	                            "[device vf]\nclient = a\nid = 8086:*\ncount = 1\n");
	make_peer(&a, "a");
	ck_assert_int_eq(more(&a, -1, &busy, &fault), HWB_QUOTA);
	ck_assert_ptr_nonnull(strstr(fault.reason, "has 2"));
	/* Whoever the policy does not know has nothing of it. */
	policy_free(broker.policy);
	broker.policy = test_policy("[client b]\nuser = bob\n"
	                            "[device vf]\nclient = b\nid = 8086:*\ntotal = 1\n");
	a.client = NULL;
	make_peer(&b, "b");
	ck_assert_int_eq(more(&b, -1, &busy, &fault), HWB_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("share");
	TCase *tests = tcase_create("share");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, each_has_so_many);
	tcase_add_test(tests, all_have_so_many);
	tcase_add_test(tests, what_does_not_count);
	tcase_add_test(tests, what_is_given_back_counts_until_it_is_at_rest);
	tcase_add_test(tests, another_policy_counts_by_its_own);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
