/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pidfd_open */
#include "server/whence.h"

#include "kernel/sysfs.h"
#include "util/cleanup.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* asm-generic/socket.h, Linux 6.5 */
#endif

/* A path for each of the old hierarchies, of which there are some ten. More is nobody's. */
enum { CGROUPS_MAX = 64 * 1024 };

static const char ended[] = "the process that connected has ended";

double whence_now(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The process at the other end, or -1; of a listening socket our own. */
static int peer_of(int socket)
{
	int process = -1;
	socklen_t size = sizeof(process);

	return getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &process, &size) == 0 ? process : -1;
}

bool whence_keeps(int listener)
{
	_cleanup_fd_ int process = peer_of(listener);

	return process >= 0;
}

void whence_begin(struct whence *whence, int socket, pid_t pid, double quiet)
{
	*whence = (struct whence){ .process = peer_of(socket), .pid = pid, .quiet = quiet };
	/* If the kernel keeps it but says no more who it is, it has ended. */
	whence->kept = whence->process >= 0 || errno != ENOPROTOOPT;
	if (!whence->kept && pid > 0)
		whence->process = pidfd_open(pid, 0);
}

long long whence_start(const char *stat)
{
	/* The 22nd word; the second is the name, in parentheses and with whatever in it. */
	const char *at = strrchr(stat, ')');
	char *end;

	for (int word = 2; at != NULL && word < 22; word++) {
		at = strchr(at, ' ');
		at = at != NULL ? at + 1 : NULL;
	}
	if (at == NULL || *at < '0' || *at > '9')
		return -1;
	long long start = strtoll(at, &end, 10);
	return *end == ' ' ? start : -1;
}

static bool is_older(const struct whence *whence)
{
	char path[40], stat[1024];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)whence->pid);
	if (sysfs_read(path, stat, sizeof(stat)) <= 0)
		return false;
	long long start = whence_start(stat);
	/* The start is rounded down to a tick. */
	return start >= 0 && (double)(start + 1) / (double)sysconf(_SC_CLK_TCK) <= whence->quiet;
}

static const char *find(const struct whence *whence, struct unit_place *place)
{
	struct pollfd end = { .fd = whence->process, .events = POLLIN };
	_cleanup_free_ char *text = malloc(CGROUPS_MAX);
	char path[40];

	if (whence->process < 0)
		return ended;
	if (text == NULL)
		return "the broker had no memory to look";
	if (!whence->kept && !is_older(whence))
		return "connect again, as it had not run for a second, and Linux before 6.5 does "
		       "not keep the process with its connection";
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)whence->pid);
	int length = sysfs_read(path, text, CGROUPS_MAX);
	/* The number was its own while we looked, if it lives now. */
	if (poll(&end, 1, 0) != 0)
		return ended;
	if (length < 0 || length >= CGROUPS_MAX - 1)
		return "its control groups cannot be read";
	return unit_of_cgroups(text, place) ? NULL : "it is in no unit or slice of systemd";
}

const char *whence_end(struct whence *whence, struct unit_place *place)
{
	const char *why = find(whence, place);

	whence->process = close_fd(whence->process);
	return why;
}

/* ---- not for ever ---- */

/* Shared by who asks and who looks: the last of them frees it. */
struct search {
	pthread_mutex_t lock;
	pthread_cond_t found;
	struct whence whence;
	struct unit_place place;
	const char *why;
	bool over, given_up;
};

static void free_search(struct search *self)
{
	pthread_cond_destroy(&self->found);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

static void *run_search(void *context)
{
	struct search *self = context;
	const char *why = whence_end(&self->whence, &self->place);

	pthread_mutex_lock(&self->lock);
	self->why = why;
	self->over = true;
	bool given_up = self->given_up;
	pthread_cond_signal(&self->found);
	pthread_mutex_unlock(&self->lock);
	if (given_up)
		free_search(self);
	return NULL;
}

static struct search *new_search(const struct whence *whence)
{
	struct search *self = calloc(1, sizeof(*self));
	pthread_condattr_t clock;

	if (self == NULL)
		return NULL;
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->found, &clock);
	pthread_condattr_destroy(&clock);
	self->whence = *whence;
	return self;
}

static double monotonic(struct timespec *now)
{
	clock_gettime(CLOCK_MONOTONIC, now);
	return (double)now->tv_sec + (double)now->tv_nsec / 1e9;
}

/* Whether it is over within that time. */
static bool await(struct search *self, double seconds)
{
	struct timespec until;

	double end = monotonic(&until) + seconds;
	until.tv_sec = (time_t)end;
	until.tv_nsec = (long)((end - (double)until.tv_sec) * 1e9);
	pthread_mutex_lock(&self->lock);
	while (!self->over &&
	       pthread_cond_timedwait(&self->found, &self->lock, &until) != ETIMEDOUT)
		;
	bool over = self->over;
	self->given_up = !over;
	pthread_mutex_unlock(&self->lock);
	return over;
}

const char *whence_end_within(struct whence *whence, struct unit_place *place, double *seconds)
{
	static const char late[] = "the kernel did not say in time; connect again";
	struct search *self = *seconds > 0.0 ? new_search(whence) : NULL;
	struct timespec now;
	pthread_t thread;

	if (self == NULL || pthread_create(&thread, NULL, run_search, self) != 0) {
		if (self != NULL)
			free_search(self);
		whence->process = close_fd(whence->process);
		return late;
	}
	pthread_detach(thread);
	whence->process = -1; /* the thread's */
	double before = monotonic(&now);
	bool over = await(self, *seconds);
	*seconds -= monotonic(&now) - before;
	if (!over)
		return late;
	const char *why = self->why;
	*place = self->place;
	free_search(self);
	return why;
}
