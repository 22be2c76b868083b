/* SPDX-License-Identifier: MIT */
/*
 * The states of a device: each pair of state and event against a matrix that
 * is written out by hand, so that a change of the table must be meant.
 */
#include "device/lifecycle.h"
#include "suite.h"
#include "util/log.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NO LIFE_STATES

/* Columns: claim, granted, not_claimed, not_opened, taken_along, release, cut,
 * reset, reset_failed, freed, restored, removed, arrived, cleared,
 * found, resumed. */
static const enum lifecycle_state expected[LIFE_STATES][LIFE_EVENTS] = {
	[LIFE_HOST] = { LIFE_CLAIMING, NO, NO, NO, LIFE_FREE, NO, NO, NO, NO, NO, NO, LIFE_GONE, NO,
	                NO, LIFE_REVOKING, LIFE_GRANTED },
	[LIFE_CLAIMING] = { NO, LIFE_GRANTED, LIFE_HOST, LIFE_FREE, NO, NO, NO, NO,
	                    LIFE_QUARANTINED, NO, NO, LIFE_GONE, NO, NO, NO, NO },
	[LIFE_FREE] = { LIFE_CLAIMING, NO, NO, NO, NO, LIFE_REVOKING, NO, NO, NO, NO, LIFE_HOST,
	                LIFE_GONE, NO, NO, NO, NO },
	[LIFE_GRANTED] = { NO, NO, NO, NO, NO, LIFE_REVOKING, NO, NO, NO, NO, NO, LIFE_GONE, NO, NO,
	                   NO, NO },
	[LIFE_REVOKING] = { NO, NO, NO, NO, NO, NO, LIFE_RESETTING, NO, NO, NO, NO, LIFE_GONE, NO,
	                    NO, NO, NO },
	[LIFE_RESETTING] = { NO, NO, NO, NO, NO, NO, NO, LIFE_SCRUBBED, LIFE_QUARANTINED, NO, NO,
	                     LIFE_GONE, NO, NO, NO, NO },
	[LIFE_SCRUBBED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO, LIFE_FREE, LIFE_HOST, LIFE_GONE, NO,
	                    NO, NO, NO },
	[LIFE_QUARANTINED] = { NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, LIFE_GONE, NO,
	                       LIFE_RESETTING, NO, NO },
	[LIFE_GONE] = { NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, LIFE_HOST, NO, NO, NO },
};

START_TEST(every_transition_is_as_written)
{
	enum lifecycle_state state = (enum lifecycle_state)_i;

	for (unsigned event = 0; event < LIFE_EVENTS; event++)
		ck_assert_msg(lifecycle_next(state, (enum lifecycle_event)event) ==
		                      expected[state][event],
		              "%s in %s", lifecycle_event_name((enum lifecycle_event)event),
		              lifecycle_state_name(state));
}
END_TEST

START_TEST(steps_follow_the_table_and_bugs_quarantine)
{
	for (unsigned event = 0; event < LIFE_EVENTS; event++) {
		enum lifecycle_state state = (enum lifecycle_state)_i;
		enum lifecycle_state next = expected[state][event];
		bool legal = lifecycle_step(&state, (enum lifecycle_event)event, "0000:00:03.0");
		ck_assert_int_eq(legal, next != LIFE_STATES);
		ck_assert_uint_eq(state, next != LIFE_STATES ? next : LIFE_QUARANTINED);
	}
}
END_TEST

START_TEST(values_beyond_the_enums_lead_nowhere)
{
	ck_assert_uint_eq(lifecycle_next(LIFE_HOST, LIFE_EVENTS), LIFE_STATES);
	ck_assert_uint_eq(lifecycle_next(LIFE_STATES, LIFE_CLAIM), LIFE_STATES);
	enum lifecycle_state state = LIFE_GRANTED;
	ck_assert(!lifecycle_step(&state, LIFE_EVENTS, "0000:00:03.0"));
	ck_assert_uint_eq(state, LIFE_QUARANTINED);
}
END_TEST

/* From `state` over events that need neither hotplug nor an operator. */
static void reach(enum lifecycle_state state, bool *reached)
{
	if (reached[state])
		return;
	reached[state] = true;
	for (unsigned event = 0; event < LIFE_EVENTS; event++)
		if (event != LIFE_REMOVED && event != LIFE_ARRIVED && event != LIFE_CLEARED &&
		    expected[state][event] != LIFE_STATES)
			reach(expected[state][event], reached);
}

START_TEST(no_state_is_a_trap)
{
	enum lifecycle_state state = (enum lifecycle_state)_i;
	bool reached[LIFE_STATES] = { false };

	reach(state, reached);
	if (state == LIFE_QUARANTINED) {
		/* Only an operator, and only through another reset. */
		ck_assert(!reached[LIFE_FREE] && !reached[LIFE_HOST] && !reached[LIFE_GRANTED]);
		ck_assert_uint_eq(lifecycle_next(state, LIFE_CLEARED), LIFE_RESETTING);
	} else if (state == LIFE_GONE) {
		ck_assert(!reached[LIFE_FREE] && !reached[LIFE_HOST]);
		ck_assert_uint_eq(lifecycle_next(state, LIFE_ARRIVED), LIFE_HOST);
	} else {
		ck_assert(reached[LIFE_FREE]);
		ck_assert(reached[LIFE_HOST]);
	}
}
END_TEST

/* Isolation: what somebody owned comes to somebody else only after a reset. */
START_TEST(no_way_from_owner_to_owner_without_a_reset)
{
	bool reached[LIFE_STATES] = { false };
	bool grew = true;

	reached[LIFE_GRANTED] = true;
	while (grew) {
		grew = false;
		for (unsigned from = 0; from < LIFE_STATES; from++)
			for (unsigned event = 0; event < LIFE_EVENTS; event++) {
				enum lifecycle_state to = lifecycle_next(
				        (enum lifecycle_state)from, (enum lifecycle_event)event);
				if (!reached[from] || event == LIFE_DID_RESET ||
				    event == LIFE_ARRIVED || to == LIFE_STATES || reached[to])
					continue;
				reached[to] = true;
				grew = true;
			}
	}
	ck_assert(!reached[LIFE_FREE]);
	ck_assert(!reached[LIFE_HOST]);
	ck_assert(!reached[LIFE_CLAIMING]);
	ck_assert(!reached[LIFE_SCRUBBED]);
}
END_TEST

START_TEST(a_whole_life)
{
	static const struct {
		enum lifecycle_event event;
		enum lifecycle_state state;
	} life[] = {
		{ LIFE_CLAIM, LIFE_CLAIMING },
		{ LIFE_DID_GRANT, LIFE_GRANTED },
		{ LIFE_RELEASE, LIFE_REVOKING },
		{ LIFE_DID_CUT, LIFE_RESETTING },
		{ LIFE_DID_RESET, LIFE_SCRUBBED },
		{ LIFE_DID_FREE, LIFE_FREE },
		{ LIFE_CLAIM, LIFE_CLAIMING },
		{ LIFE_DID_GRANT, LIFE_GRANTED },
		{ LIFE_RELEASE, LIFE_REVOKING },
		{ LIFE_DID_CUT, LIFE_RESETTING },
		{ LIFE_RESET_FAILED, LIFE_QUARANTINED },
		{ LIFE_CLEARED, LIFE_RESETTING },
		{ LIFE_DID_RESET, LIFE_SCRUBBED },
		{ LIFE_DID_RESTORE, LIFE_HOST },
		{ LIFE_REMOVED, LIFE_GONE },
		{ LIFE_ARRIVED, LIFE_HOST },
	};
	enum lifecycle_state state = LIFE_HOST;

	for (size_t i = 0; i < sizeof(life) / sizeof(life[0]); i++) {
		ck_assert(lifecycle_step(&state, life[i].event, "0000:00:03.0"));
		ck_assert_uint_eq(state, life[i].state);
	}
}
END_TEST

START_TEST(names_are_present_and_distinct)
{
	for (unsigned i = 0; i < LIFE_STATES; i++) {
		const char *name = lifecycle_state_name((enum lifecycle_state)i);
		ck_assert_ptr_nonnull(name);
		ck_assert_str_ne(name, "?");
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(name, lifecycle_state_name((enum lifecycle_state)j));
	}
	for (unsigned i = 0; i < LIFE_EVENTS; i++) {
		const char *name = lifecycle_event_name((enum lifecycle_event)i);
		ck_assert_ptr_nonnull(name);
		ck_assert_str_ne(name, "?");
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(name, lifecycle_event_name((enum lifecycle_event)j));
	}
	ck_assert_str_eq(lifecycle_state_name(LIFE_QUARANTINED), "quarantined");
	ck_assert_str_eq(lifecycle_event_name(LIFE_RESET_FAILED), "reset_failed");
	ck_assert_str_eq(lifecycle_state_name(LIFE_STATES), "?");
	ck_assert_str_eq(lifecycle_event_name(LIFE_EVENTS), "?");
}
END_TEST

START_TEST(what_others_are_told)
{
	static const enum hwb_device_state public[LIFE_STATES + 1] = {
		[LIFE_HOST] = HWB_DEVICE_HOST,
		[LIFE_CLAIMING] = HWB_DEVICE_GRANTED,
		[LIFE_FREE] = HWB_DEVICE_FREE,
		[LIFE_GRANTED] = HWB_DEVICE_GRANTED,
		[LIFE_REVOKING] = HWB_DEVICE_REVOKING,
		[LIFE_RESETTING] = HWB_DEVICE_REVOKING,
		[LIFE_SCRUBBED] = HWB_DEVICE_REVOKING,
		[LIFE_QUARANTINED] = HWB_DEVICE_QUARANTINED,
		[LIFE_GONE] = HWB_DEVICE_GONE,
		/* Nothing that is unknown is for anybody. */
		[LIFE_STATES] = HWB_DEVICE_QUARANTINED,
	};

	for (unsigned i = 0; i <= LIFE_STATES; i++) {
		ck_assert_uint_eq(lifecycle_public((enum lifecycle_state)i), public[i]);
		ck_assert_int_eq(lifecycle_in_transit((enum lifecycle_state)i),
		                 public[i] == HWB_DEVICE_REVOKING);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lifecycle");
	TCase *table = tcase_create("table");
	TCase *words = tcase_create("words");

	log_set_level((enum log_level)0); /* the errors here are expected */
	tcase_add_loop_test(table, every_transition_is_as_written, 0, LIFE_STATES);
	tcase_add_loop_test(table, steps_follow_the_table_and_bugs_quarantine, 0, LIFE_STATES);
	tcase_add_test(table, values_beyond_the_enums_lead_nowhere);
	tcase_add_loop_test(table, no_state_is_a_trap, 0, LIFE_STATES);
	tcase_add_test(table, no_way_from_owner_to_owner_without_a_reset);
	tcase_add_test(table, a_whole_life);
	tcase_add_test(words, names_are_present_and_distinct);
	tcase_add_test(words, what_others_are_told);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, words);
	return suite_run(suite);
}
