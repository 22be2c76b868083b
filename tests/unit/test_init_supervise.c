/* SPDX-License-Identifier: MIT */
/* What hwb-init starts, ends and starts again, with processes that are numbers. */
#include "cgroup.h"
#include "process.h"
#include "say.h"
#include "suite.h"
#include "supervise.h"

#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXITED_0 = 0, EXITED_1 = 1 << 8, EXITED_78 = 78 << 8, KILLED = SIGKILL };

static struct config config;
static struct supervisor self;
static char said[8192];
static char did[1024]; /* starts and signals, each a word */
static pid_t last_pid; /* the newest process */
static bool refuse;    /* to start anything */
static bool left[2];   /* whether something is left in a session's group */
static bool dying;     /* whether the broker is */

/* ---- the world ---- */

void say(const char *format, ...)
{
	va_list arguments;
	size_t used = strlen(said);

	va_start(arguments, format);
	vsnprintf(said + used, sizeof(said) - used, format, arguments);
	va_end(arguments);
	strcat(said, "\n");
}

void say_restore(void)
{
}

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
	va_list arguments;
	size_t used = strlen(did);

	va_start(arguments, format);
	vsnprintf(did + used, sizeof(did) - used, format, arguments);
	va_end(arguments);
	strcat(did, " ");
}

static pid_t begin(const char *name, struct fault *fault)
{
	if (refuse)
		return fault_set(fault, HWB_INVALID, "refused");
	note("%s", name);
	return ++last_pid;
}

pid_t process_start_broker(const char *command, struct fault *fault)
{
	return begin(command, fault);
}

pid_t process_start_session(const struct config_session *session, struct fault *fault)
{
	return begin(session->name, fault);
}

bool process_dying(pid_t process)
{
	(void)process;
	return dying;
}

int cgroup_make(const char *name)
{
	(void)name;
	return 0;
}

bool cgroup_populated(const char *name)
{
	return left[name[0] - 'a'];
}

void cgroup_kill(const char *name)
{
	note("kill-%s", name);
}

int __wrap_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number)
{
	note("%d:%s", (int)pid, number == SIGTERM ? "TERM" : "KILL");
	return 0;
}

/* ---- what is wanted of it ---- */

/* What it does now is that, and it wants to be called again then. */
static void step(int64_t now, const char *expected, int64_t wake)
{
	did[0] = '\0';
	int64_t got = supervise_step(&self, now);
	ck_assert_str_eq(did, expected);
	ck_assert_int_eq(got, wake);
}

static void says(const char *text)
{
	ck_assert_msg(strstr(said, text) != NULL, "not `%s' but:\n%s", text, said);
}

/* Two sessions, `a' and `b', and a broker that is ready at 100: processes 1 to 3. */
static void set_up(void)
{
	config = (struct config){
		.broker = "broker",
		.ready_seconds = 30,
		.broker_stop_seconds = 5,
		.broker_needed = true,
		.sessions = { { .name = "a", .stop_seconds = 2, .at_end = END_RESTART },
		              { .name = "b", .stop_seconds = 2, .at_end = END_HOLD } },
		.session_count = 2,
	};
	self = (struct supervisor){ .config = &config, .file = "init.conf" };
	said[0] = '\0';
	last_pid = 0;
	refuse = left[0] = left[1] = dying = false;
	step(0, "broker ", 30000);
	step(50, "", 30000);
	supervise_ready(&self, 100);
	step(100, "a b ", SUPERVISE_NEVER);
}

START_TEST(sessions_wait_for_the_broker)
{
	says("hwbrokerd is ready (process 1, 100 ms)");
	step(5000, "", SUPERVISE_NEVER);
}
END_TEST

START_TEST(session_is_started_again_later_each_time)
{
	supervise_exited(&self, 2, EXITED_1, 200);
	says("session a ended with status 1; at_end = restart");
	step(200, "", 1200);
	step(1200, "a ", SUPERVISE_NEVER);
	supervise_exited(&self, 4, KILLED, 1300);
	says("session a was ended by signal 9 (Killed)");
	step(1300, "", 3300);
	step(3300, "a ", SUPERVISE_NEVER);
	/* A long run makes it one second again. */
	supervise_exited(&self, 5, EXITED_0, 3300 + 60000);
	step(63300, "", 64300);
}
END_TEST

START_TEST(session_that_is_to_hold_stays_ended)
{
	supervise_exited(&self, 3, EXITED_0, 200);
	step(100000, "", SUPERVISE_NEVER);
}
END_TEST

START_TEST(what_a_session_leaves_is_ended_first)
{
	left[0] = true;
	supervise_exited(&self, 2, EXITED_0, 200);
	step(200, "kill-a ", 300);
	step(2000, "kill-a ", 2100);
	left[0] = false;
	step(2100, "a ", SUPERVISE_NEVER);
}
END_TEST

START_TEST(sessions_end_with_the_broker)
{
	supervise_exited(&self, 1, KILLED, 200);
	says("hwbrokerd was ended by signal 9 (Killed); in 1 s it is started again");
	step(200, "2:TERM 3:TERM ", 2200);
	supervise_exited(&self, 2, SIGTERM, 300);
	step(1500, "", 2200);
	step(2200, "3:KILL ", 4200);
	supervise_exited(&self, 3, KILLED, 2300);
	left[1] = true;
	step(2300, "kill-b ", 2400);
	left[1] = false;
	step(2400, "broker ", 32400);
	supervise_ready(&self, 2500);
	/* Session `b' did not end by itself: it runs again, as `a' does. */
	step(3300, "a b ", SUPERVISE_NEVER);
}
END_TEST

/* Seen by the session before init sees it. */
START_TEST(session_that_ends_for_the_broker_s_end)
{
	config.sessions[0].at_end = END_POWEROFF;
	dying = true;
	supervise_exited(&self, 2, EXITED_1, 200);
	supervise_exited(&self, 3, EXITED_1, 200);
	ck_assert(!self.ending);
	supervise_exited(&self, 1, KILLED, 300);
	dying = false;
	step(1300, "broker ", 31300);
	supervise_ready(&self, 1400);
	step(1400, "a b ", SUPERVISE_NEVER);
}
END_TEST

START_TEST(broker_that_is_not_ready_in_time)
{
	supervise_exited(&self, 1, KILLED, 200);
	supervise_exited(&self, 2, KILLED, 200);
	supervise_exited(&self, 3, KILLED, 200);
	step(1200, "broker ", 31200);
	step(31200, "4:KILL ", SUPERVISE_NEVER);
	says("hwbrokerd is not ready within 30 s: killed");
	step(31201, "", SUPERVISE_NEVER);
	supervise_exited(&self, 4, KILLED, 31300);
	step(31300, "", 33300);
	step(33300, "broker ", 63300);
}
END_TEST

START_TEST(broker_that_refuses_its_policy)
{
	supervise_exited(&self, 1, EXITED_78, 200);
	says("starting it again would not help");
	says("on_error = hold");
	supervise_exited(&self, 2, KILLED, 300);
	step(100000, "", SUPERVISE_NEVER);
	ck_assert(!self.over);
}
END_TEST

START_TEST(sessions_that_need_no_broker)
{
	config.broker_needed = false;
	supervise_exited(&self, 1, EXITED_78, 200);
	supervise_exited(&self, 2, KILLED, 300);
	step(1300, "a ", SUPERVISE_NEVER);
}
END_TEST

START_TEST(end_in_order)
{
	config.sessions[0].at_end = END_POWEROFF;
	supervise_exited(&self, 2, EXITED_0, 200);
	says("poweroff: sessions end first");
	step(200, "3:TERM ", 2200);
	supervise_exited(&self, 3, SIGTERM, 300);
	step(300, "1:TERM ", 5300);
	step(5300, "1:KILL ", 10300);
	supervise_exited(&self, 1, KILLED, 5400);
	step(5400, "", SUPERVISE_NEVER);
	ck_assert(self.over);
	ck_assert_int_eq(self.action, END_POWEROFF);
}
END_TEST

START_TEST(first_end_counts)
{
	supervise_end(&self, END_REBOOT);
	supervise_end(&self, END_POWEROFF);
	ck_assert_int_eq(self.action, END_REBOOT);
}
END_TEST

START_TEST(command_that_cannot_be_executed)
{
	config.on_error = END_POWEROFF;
	refuse = true;
	supervise_exited(&self, 2, EXITED_0, 200);
	step(1200, "", 1200);
	says("init.conf:0: session a: refused");
	step(1200, "3:TERM ", 3200);
}
END_TEST

START_TEST(broker_that_cannot_be_executed)
{
	supervise_exited(&self, 1, KILLED, 200);
	supervise_exited(&self, 2, KILLED, 200);
	supervise_exited(&self, 3, KILLED, 200);
	refuse = true;
	step(1200, "", 1200);
	says("init.conf:0: refused");
	refuse = false;
	step(1200, "", SUPERVISE_NEVER);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("init_supervise");
	TCase *tests = tcase_create("init_supervise");

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, sessions_wait_for_the_broker);
	tcase_add_test(tests, session_is_started_again_later_each_time);
	tcase_add_test(tests, session_that_is_to_hold_stays_ended);
	tcase_add_test(tests, what_a_session_leaves_is_ended_first);
	tcase_add_test(tests, sessions_end_with_the_broker);
	tcase_add_test(tests, session_that_ends_for_the_broker_s_end);
	tcase_add_test(tests, broker_that_is_not_ready_in_time);
	tcase_add_test(tests, broker_that_refuses_its_policy);
	tcase_add_test(tests, sessions_that_need_no_broker);
	tcase_add_test(tests, end_in_order);
	tcase_add_test(tests, first_end_counts);
	tcase_add_test(tests, command_that_cannot_be_executed);
	tcase_add_test(tests, broker_that_cannot_be_executed);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
