/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "watch.h"

#include "child.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* From the polite signal to the other one, when the ports are taken. */
enum { GRACE_MS = 2000, RETRY_MS = 20, QUIET_ROUNDS = 3 };

struct watched {
	pid_t program;
	bool running;
	int status;
	bool ending;
	struct timespec since; /* of the ending */
	struct others *others;
};

/* False: this kernel (without CONFIG_PROC_CHILDREN) does not tell them. */
static FILE *list_children(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	return fopen(path, "re");
}

bool watch_note_others(struct others *others)
{
	pid_t child;

	*others = (struct others){ 0 };
	FILE *list = list_children();
	while (list != NULL && fscanf(list, "%d", &child) == 1) {
		pid_t *more = reallocarray(others->pids, others->count + 1, sizeof(*more));
		if (more == NULL) {
			fclose(list);
			return false;
		}
		others->pids = more;
		others->pids[others->count++] = child;
	}
	if (list != NULL)
		fclose(list);
	return true;
}

static pid_t *find(const struct others *others, pid_t child)
{
	for (size_t i = 0; i < others->count; i++)
		if (others->pids[i] == child)
			return &others->pids[i];
	return NULL;
}

/* The program's own children that lost their parents are ours (PR_SET_CHILD_SUBREAPER), and
 * may have the ports. How many there are; -1: that is not known. */
static int kill_children(const struct watched *watched)
{
	pid_t child;
	int count = 0;
	FILE *list = list_children();

	if (list == NULL)
		return -1;
	/* Not yet reaped, so none of the numbers is another's. */
	while (fscanf(list, "%d", &child) == 1) {
		if (find(watched->others, child) != NULL)
			continue;
		kill(child, SIGKILL);
		count++;
	}
	fclose(list);
	return count;
}

/* A shell that waits for us is to see that its job has stopped. */
static void stop_too(const struct watched *watched)
{
	kill(getpid(), SIGSTOP);
	kill(watched->program, SIGCONT);
}

static void reap(struct watched *watched)
{
	int status;
	pid_t child;

	while ((child = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		/* From now on the number may be that of another. */
		pid_t *other = find(watched->others, child);
		if (other != NULL && !WIFSTOPPED(status))
			*other = 0;
		if (child != watched->program)
			continue;
		if (WIFSTOPPED(status)) {
			if (!watched->ending)
				stop_too(watched);
			continue;
		}
		watched->running = false;
		watched->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static bool anybody_left(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* What the terminal sends, it sends to the whole group, the program included, unless that has made
 * itself a group of its own. Only to the leader of its session it says that it hangs up. And what
 * the program tells its parent, such as that it is ready, was not meant for itself. */
static bool has_it(const struct watched *watched, const struct signalfd_siginfo *signal)
{
	if (signal->ssi_code == SI_USER && (pid_t)signal->ssi_pid == watched->program)
		return true;
	if (signal->ssi_code != SI_KERNEL || getpgid(watched->program) != getpgrp())
		return false;
	switch (signal->ssi_signo) {
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGWINCH:
		return true;
	case SIGHUP:
	case SIGCONT:
		return getsid(0) != getpid();
	default: /* such as an alarm that was set before we were executed */
		return false;
	}
}

static void pass_on(const struct watched *watched, const struct signalfd_siginfo *signal)
{
	if (signal->ssi_signo != SIGCHLD && watched->running && !has_it(watched, signal))
		kill(watched->program, (int)signal->ssi_signo);
}

static void take_signals(int signals, struct watched *watched)
{
	struct signalfd_siginfo signal;

	while (read(signals, &signal, sizeof(signal)) == sizeof(signal))
		pass_on(watched, &signal);
	reap(watched);
}

static void begin_ending(struct watched *watched, const char *why)
{
	fprintf(stderr, "hwbroker-ctl: run: %s: the program is ended\n", why);
	watched->ending = true;
	clock_gettime(CLOCK_MONOTONIC, &watched->since);
	kill(watched->program, SIGTERM);
	kill(watched->program, SIGCONT);
}

static int grace_left(const struct watched *watched)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	long passed = (now.tv_sec - watched->since.tv_sec) * 1000 +
	              (now.tv_nsec - watched->since.tv_nsec) / 1000000;
	return passed < GRACE_MS ? (int)(GRACE_MS - passed) : 0;
}

/* Who forks faster than we look is looked for again; also if others are left, so that there is
 * somebody in any case: the kernel may not tell of one while another ends. */
static void end_all(struct watched *watched)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };

	for (int quiet = 0; anybody_left() && quiet < QUIET_ROUNDS;) {
		int count = kill_children(watched);
		if (count < 0 && !watched->running)
			return;
		if (count < 0)
			kill(watched->program, SIGKILL);
		quiet = count == 0 && watched->others->count != 0 ? quiet + 1 : 0;
		nanosleep(&pause, NULL);
		reap(watched);
	}
}

int watch(struct grant *grant, pid_t program, struct others *others)
{
	struct watched watched = {
		.program = program, .running = true, .status = CANNOT_START, .others = others
	};
	sigset_t all;
	const char *why;

	sigfillset(&all);
	struct pollfd polled[] = {
		{ .fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN },
		{ .fd = grant->broker.socket, .events = POLLIN },
	};
	if (polled[0].fd < 0) {
		perror("hwbroker-ctl: run: signalfd");
		end_all(&watched);
		return CANNOT_START;
	}
	while (watched.running && !(watched.ending && grace_left(&watched) == 0)) {
		if (poll(polled, 2, watched.ending ? grace_left(&watched) : -1) < 0)
			continue;
		if (polled[0].revents != 0)
			take_signals(polled[0].fd, &watched);
		if (polled[1].fd >= 0 && polled[1].revents != 0 && watched.running &&
		    !grant_holds(grant, &why)) {
			begin_ending(&watched, why);
			polled[1].fd = -1;
		}
	}
	end_all(&watched);
	return watched.status;
}
