/* SPDX-License-Identifier: MIT */
/* What the service manager hears: that the loop turns, and what there is to say. */
#include "server/manager.h"

#include "server/notify.h"
#include "server/peer.h"
#include "suite.h"
#include "test_service_manager.h"
#include "util/cleanup.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct broker broker;
static int ear;
static char heard[512];

static void set(void)
{
	ear = service_manager();
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	broker = (struct broker){ .loop = ev_loop_new(0) };
}

static void clear(void)
{
	manager_stop(&broker);
	ev_loop_destroy(broker.loop);
	close_fd(ear);
}

static void stop_loop(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

static void turn_for(double seconds)
{
	ev_timer end;

	ev_now_update(broker.loop);
	ev_timer_init(&end, stop_loop, seconds, 0.0);
	ev_timer_start(broker.loop, &end);
	ev_run(broker.loop, 0);
}

/* The next message; "": none. */
static const char *hear(void)
{
	ssize_t length = recv(ear, heard, sizeof(heard) - 1, 0);

	heard[length > 0 ? length : 0] = '\0';
	return heard;
}

static unsigned count(const char *state)
{
	unsigned times = 0;

	while (hear()[0] != '\0')
		times += strcmp(heard, state) == 0;
	return times;
}

START_TEST(says_twice_an_interval_that_the_loop_turns)
{
	setenv("WATCHDOG_USEC", "400000", 1);
	manager_start(&broker);
	ck_assert_str_eq(hear(), "READY=1");
	turn_for(0.9);
	unsigned times = count("WATCHDOG=1");
	ck_assert_uint_ge(times, 3);
	ck_assert_uint_le(times, 4);
}
END_TEST

START_TEST(a_loop_that_does_not_turn_says_nothing)
{
	setenv("WATCHDOG_USEC", "100000", 1);
	manager_start(&broker);
	usleep(300000);
	ck_assert_uint_eq(count("WATCHDOG=1"), 0);
}
END_TEST

START_TEST(a_watchdog_of_another_process_is_not_ours)
{
	setenv("WATCHDOG_USEC", "100000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	manager_start(&broker);
	turn_for(0.3);
	ck_assert_uint_eq(count("WATCHDOG=1"), 0);
}
END_TEST

START_TEST(what_is_not_taken_is_said_again)
{
	setenv("WATCHDOG_USEC", "1000000", 1);
	manager_start(&broker);
	while (notify_try("X=1"))
		;
	turn_for(0.6);
	ck_assert_uint_eq(count("WATCHDOG=1"), 0);
	turn_for(0.2);
	ck_assert_uint_ge(count("WATCHDOG=1"), 1);
}
END_TEST

/* Or the service would be ended for never having been ready. */
START_TEST(ready_is_said_until_it_is_taken)
{
	while (notify_try("X=1"))
		;
	manager_start(&broker);
	ck_assert_uint_eq(count("READY=1"), 0);
	turn_for(0.3);
	ck_assert_uint_eq(count("READY=1"), 1);
}
END_TEST

START_TEST(the_status_is_said_when_it_changes)
{
	manager_start(&broker);
	ck_assert_str_eq(hear(), "READY=1");
	turn_for(1.2);
	ck_assert_str_eq(hear(), "STATUS=0 devices granted, 0 connections");
	/* Nothing new, and then many changes at once. */
	manager_changed(&broker);
	turn_for(1.2);
	ck_assert_str_eq(hear(), "");
	for (unsigned i = 0; i < 100; i++) {
		broker.peer_count = i;
		manager_changed(&broker);
	}
	turn_for(1.2);
	ck_assert_str_eq(hear(), "STATUS=0 devices granted, 99 connections");
	ck_assert_str_eq(hear(), "");
}
END_TEST

START_TEST(the_status_counts_what_needs_somebody)
{
	struct device_session *somebody = (struct device_session *)&broker;
	struct device devices[] = { { .state = LIFE_GRANTED },
		                    { .state = LIFE_QUARANTINED },
		                    { .state = LIFE_REVOKING, .held = somebody },
		                    { .state = LIFE_HOST } };
	struct device *list[] = { devices, devices + 1, devices + 2, devices + 3 };
	char text[MANAGER_STATUS_SIZE];

	broker.inventory.devices = list;
	broker.inventory.count = 4;
	broker.peer_count = 3;
	broker.stranger_count = 2;
	broker.host.problems.count = 1;
	broker.host.lockdown = true;
	broker.policy_refused = true;
	manager_status(&broker, text);
	ck_assert_str_eq(text, "1 device granted, 1 connection; 1 quarantined; 1 given back, but "
	                       "still mapped by somebody; the policy file has mistakes, the former "
	                       "policy is in force; 2 problems of the host: hwbroker-ctl status");
	broker.policy_unread = true;
	manager_status(&broker, text);
	ck_assert_ptr_nonnull(strstr(text, "; the policy file could not be read, the former "
	                                   "policy is in force; "));
}
END_TEST

START_TEST(a_reload_has_a_begin_and_an_end)
{
	manager_start(&broker);
	ck_assert_str_eq(hear(), "READY=1");
	manager_reloading();
	ck_assert_ptr_eq(strstr(hear(), "RELOADING=1\nMONOTONIC_USEC="), heard);
	while (notify_try("X=1"))
		;
	manager_reloaded(&broker);
	ck_assert_uint_eq(count("READY=1"), 0);
	turn_for(0.3);
	ck_assert_uint_eq(count("READY=1"), 1);
}
END_TEST

START_TEST(the_end_takes_as_long_as_devices_are_given_back)
{
	manager_start(&broker);
	broker.busy_devices = 1;
	manager_stopping(&broker);
	ck_assert_str_eq(hear(), "READY=1");
	ck_assert_str_eq(hear(), "STOPPING=1");
	turn_for(5.5);
	ck_assert_uint_eq(count("EXTEND_TIMEOUT_USEC=15000000"), 1);
	broker.busy_devices = 0;
	turn_for(5.0);
	ck_assert_uint_eq(count("EXTEND_TIMEOUT_USEC=15000000"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("manager");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, set, clear);
	tcase_add_test(tests, says_twice_an_interval_that_the_loop_turns);
	tcase_add_test(tests, a_loop_that_does_not_turn_says_nothing);
	tcase_add_test(tests, a_watchdog_of_another_process_is_not_ours);
	tcase_add_test(tests, what_is_not_taken_is_said_again);
	tcase_add_test(tests, ready_is_said_until_it_is_taken);
	tcase_add_test(tests, the_status_is_said_when_it_changes);
	tcase_add_test(tests, the_status_counts_what_needs_somebody);
	tcase_add_test(tests, a_reload_has_a_begin_and_an_end);
	tcase_add_test(tests, the_end_takes_as_long_as_devices_are_given_back);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
