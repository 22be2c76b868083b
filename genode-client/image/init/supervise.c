/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sigdescr_np */
#include "supervise.h"

#include "cgroup.h"
#include "process.h"
#include "say.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* hwbrokerd(8): wrong usage, and a policy with mistakes. Trying again would not help. */
enum { BROKER_USAGE = 2, BROKER_POLICY = 78 };

/* How often to look whether killed processes are gone. */
enum { LOOK_MS = 100 };

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- endings ---- */

static const char *describe(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status)) {
		const char *name = sigdescr_np(WTERMSIG(status));
		snprintf(text, size, "was ended by signal %d (%s)", WTERMSIG(status),
		         name != NULL ? name : "unknown");
	} else {
		snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
	}
	return text;
}

void supervise_end(struct supervisor *self, enum end_action action)
{
	if (self->ending)
		return;
	self->ending = true;
	self->action = action;
	say("%s: sessions end first, then hwbrokerd", end_action_name(action));
}

void supervise_failed(struct supervisor *self)
{
	if (self->config->on_error != END_HOLD)
		supervise_end(self, self->config->on_error);
	else
		say("nothing more is done about it (on_error = hold); Ctrl-Alt-Del restarts the "
		    "machine");
}

static void broker_exited(struct supervisor *self, int status, int64_t now)
{
	struct service *broker = &self->broker;
	bool final = WIFEXITED(status) &&
	             (WEXITSTATUS(status) == BROKER_USAGE || WEXITSTATUS(status) == BROKER_POLICY);
	int64_t wait = backoff_next(&broker->backoff, now - broker->started);
	char text[80];

	self->ready = false;
	broker->next = now + wait;
	describe(status, text, sizeof(text));
	if (self->ending) {
		say("hwbrokerd %s", text);
	} else if (final) {
		broker->done = true;
		say("hwbrokerd %s; it said why above, and starting it again would not help", text);
		supervise_failed(self);
	} else {
		say("hwbrokerd %s; in %lld s it is started again, and then all sessions", text,
		    (long long)wait / 1000);
	}
}

/* Sessions see the broker's end before init does. */
static bool broker_lost(const struct supervisor *self)
{
	if (self->broker.pid == 0)
		return !self->broker.done;
	return !self->ready || process_dying(self->broker.pid);
}

static void session_exited(struct supervisor *self, uint32_t index, int status, int64_t now)
{
	const struct config_session *config = &self->config->sessions[index];
	struct service *session = &self->sessions[index];
	int64_t wait = backoff_next(&session->backoff, now - session->started);
	char text[80];

	session->next = now + wait;
	say_restore();
	describe(status, text, sizeof(text));
	/* Init or the broker made it end: how it goes on is not the session's matter. */
	if (self->ending || broker_lost(self)) {
		say("session %s %s", config->name, text);
		return;
	}
	say("session %s %s; at_end = %s", config->name, text, end_action_name(config->at_end));
	if (config->at_end == END_HOLD)
		session->done = true;
	else if (config->at_end != END_RESTART)
		supervise_end(self, config->at_end);
}

void supervise_exited(struct supervisor *self, pid_t pid, int status, int64_t now)
{
	if (pid == self->broker.pid) {
		self->broker.pid = 0;
		self->broker.kill = 0;
		broker_exited(self, status, now);
		return;
	}
	for (uint32_t i = 0; i < self->config->session_count; i++) {
		if (pid != self->sessions[i].pid)
			continue;
		self->sessions[i].pid = 0;
		self->sessions[i].kill = 0;
		session_exited(self, i, status, now);
		return;
	}
}

/* ---- stopping ---- */

/* Asks once, and forces when the time is up; returns when to look again. */
static int64_t stop_process(struct service *service, const char *what, uint64_t seconds,
                            int64_t now)
{
	if (service->kill == 0) {
		kill(service->pid, SIGTERM);
		service->kill = now + (int64_t)seconds * 1000;
	} else if (now >= service->kill) {
		say("%s does not end within %llu s: killed", what, (unsigned long long)seconds);
		kill(service->pid, SIGKILL);
		service->kill = now + (int64_t)seconds * 1000;
	}
	return service->kill;
}

/* Whether nothing of the session is left; what its main process left behind is killed. */
static bool session_gone(struct supervisor *self, uint32_t index, int64_t now, int64_t *wake)
{
	const char *name = self->config->sessions[index].name;

	if (self->sessions[index].pid != 0)
		return false;
	if (!cgroup_populated(name))
		return true;
	cgroup_kill(name);
	*wake = earlier(*wake, now + LOOK_MS);
	return false;
}

static bool sessions_gone(struct supervisor *self, int64_t now, int64_t *wake)
{
	bool gone = true;

	for (uint32_t i = 0; i < self->config->session_count; i++) {
		const struct config_session *config = &self->config->sessions[i];
		struct service *session = &self->sessions[i];
		if (session->pid != 0)
			*wake = earlier(*wake, stop_process(session, config->name,
			                                    config->stop_seconds, now));
		if (!session_gone(self, i, now, wake))
			gone = false;
	}
	return gone;
}

static void step_to_end(struct supervisor *self, int64_t now, int64_t *wake)
{
	if (!sessions_gone(self, now, wake))
		return;
	if (self->broker.pid != 0)
		*wake = earlier(*wake, stop_process(&self->broker, "hwbrokerd",
		                                    self->config->broker_stop_seconds, now));
	else
		self->over = true;
}

/* ---- starting ---- */

static void start_broker(struct supervisor *self, int64_t now, int64_t *wake)
{
	const struct config *config = self->config;
	struct fault fault;

	if (now < self->broker.next) {
		*wake = earlier(*wake, self->broker.next);
		return;
	}
	pid_t pid = process_start_broker(config->broker, &fault);
	if (pid < 0) {
		say("%s:%u: %s", self->file, config->broker_line, fault.reason);
		self->broker.done = true;
		supervise_failed(self);
		*wake = now;
		return;
	}
	self->broker.pid = pid;
	self->broker.started = now;
	*wake = earlier(*wake, now + (int64_t)config->ready_seconds * 1000);
}

void supervise_ready(struct supervisor *self, int64_t now)
{
	if (self->ready)
		return;
	self->ready = true;
	say("hwbrokerd is ready (process %d, %lld ms)", (int)self->broker.pid,
	    (long long)(now - self->broker.started));
}

static void wait_for_broker(struct supervisor *self, int64_t now, int64_t *wake)
{
	int64_t deadline = self->broker.started + (int64_t)self->config->ready_seconds * 1000;

	if (now < deadline) {
		*wake = earlier(*wake, deadline);
	} else if (self->broker.kill == 0) {
		say("hwbrokerd is not ready within %llu s: killed",
		    (unsigned long long)self->config->ready_seconds);
		kill(self->broker.pid, SIGKILL);
		self->broker.kill = now;
	}
}

static void start_session(struct supervisor *self, uint32_t index, int64_t now)
{
	const struct config_session *config = &self->config->sessions[index];
	struct service *session = &self->sessions[index];
	struct fault fault;
	int error = cgroup_make(config->name);

	if (error != 0)
		say("session %s: no control group: %s; what it leaves behind will stay",
		    config->name, strerror(error));
	pid_t pid = process_start_session(config, &fault);
	if (pid < 0) {
		say("%s:%u: session %s: %s", self->file, config->line, config->name, fault.reason);
		session->done = true;
		supervise_failed(self);
		return;
	}
	session->pid = pid;
	session->started = now;
	say("session %s starts: %s in %s as uid %u (process %d)", config->name, config->command,
	    config->directory, config->user, (int)pid);
}

static void start_sessions(struct supervisor *self, int64_t now, int64_t *wake)
{
	for (uint32_t i = 0; i < self->config->session_count && !self->ending; i++) {
		struct service *session = &self->sessions[i];
		if (session->pid != 0 || !session_gone(self, i, now, wake) || session->done)
			continue;
		if (now >= session->next)
			start_session(self, i, now);
		else
			*wake = earlier(*wake, session->next);
	}
	if (self->ending)
		*wake = now;
}

int64_t supervise_step(struct supervisor *self, int64_t now)
{
	int64_t wake = SUPERVISE_NEVER;

	if (self->ending)
		step_to_end(self, now, &wake);
	else if (self->broker.pid == 0 && !self->broker.done) {
		if (sessions_gone(self, now, &wake))
			start_broker(self, now, &wake);
	} else if (self->broker.pid != 0 && !self->ready)
		wait_for_broker(self, now, &wake);
	else if (self->ready || !self->config->broker_needed)
		start_sessions(self, now, &wake);
	return wake;
}
