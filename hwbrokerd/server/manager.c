/* SPDX-License-Identifier: MIT */
#include "server/manager.h"

#include "kernel/host_now.h"
#include "server/notify.h"
#include "server/peer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A new status is told at most that often; what the manager did not take is told again. */
#define STATUS_SECONDS 1.0
#define AGAIN_SECONDS 0.1

/* How the end is extended, and how often: a device that hangs must not hold the host up for
 * ever. */
#define EXTEND_SECONDS 5.0
#define EXTENSION "EXTEND_TIMEOUT_USEC=15000000"
enum { EXTENSIONS_MAX = 120 };

static struct {
	struct broker *broker; /* NULL: nobody is told anything */
	ev_timer watchdog;
	ev_timer alive; /* once more, if it was not taken */
	ev_timer status;
	ev_timer ready;
	ev_timer extend;
	unsigned extensions;
	char told[MANAGER_STATUS_SIZE];
} manager;

/* ---- the watchdog ---- */

/* From the loop and nowhere else: a worker that hangs is not it. */
static void on_alive(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	if (notify_try("WATCHDOG=1"))
		ev_timer_stop(loop, &manager.alive);
	else
		ev_timer_again(loop, &manager.alive);
}

/* As sd_watchdog_enabled(3) does. 0: there is none. */
static double watchdog_seconds(void)
{
	const char *period = getenv("WATCHDOG_USEC");
	const char *process = getenv("WATCHDOG_PID");
	char *end;

	if (period == NULL || (process != NULL && strtol(process, NULL, 10) != (long)getpid()))
		return 0.0;
	unsigned long long microseconds = strtoull(period, &end, 10);
	return *end == '\0' ? (double)microseconds / 1e6 : 0.0;
}

/* ---- the status ---- */

static void add(char text[MANAGER_STATUS_SIZE], const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static void add(char text[MANAGER_STATUS_SIZE], const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, MANAGER_STATUS_SIZE - used, format, arguments);
	va_end(arguments);
}

static const char *plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

void manager_status(const struct broker *broker, char text[MANAGER_STATUS_SIZE])
{
	uint32_t granted = 0, quarantined = 0, held = 0;
	uint32_t clients = broker->peer_count - broker->stranger_count;
	struct host_now now;

	host_now(&broker->host, "", &now);
	for (uint32_t i = 0; i < broker->inventory.count; i++) {
		const struct device *device = broker->inventory.devices[i];
		granted += device->state == LIFE_GRANTED;
		quarantined += device->state == LIFE_QUARANTINED;
		held += device->held != NULL;
	}
	text[0] = '\0';
	add(text, "%" PRIu32 " device%s granted, %" PRIu32 " connection%s", granted,
	    plural(granted), clients, plural(clients));
	if (quarantined != 0)
		add(text, "; %" PRIu32 " quarantined", quarantined);
	if (held != 0)
		add(text, "; %" PRIu32 " given back, but still mapped by somebody", held);
	if (broker->policy_unread)
		add(text, "; the policy file could not be read, the former policy is in force");
	else if (broker->policy_refused)
		add(text, "; the policy file has mistakes, the former policy is in force");
	if (now.problems.count != 0)
		add(text, "; %" PRIu32 " problem%s of the host: hwbroker-ctl status",
		    now.problems.count, plural(now.problems.count));
}

static void on_status(struct ev_loop *loop, ev_timer *timer, int revents)
{
	char text[MANAGER_STATUS_SIZE], state[MANAGER_STATUS_SIZE + 8];
	(void)timer;
	(void)revents;

	manager_status(manager.broker, text);
	snprintf(state, sizeof(state), "STATUS=%s", text);
	if (strcmp(text, manager.told) == 0) {
		ev_timer_stop(loop, &manager.status);
	} else if (notify_try(state)) {
		ev_timer_stop(loop, &manager.status);
		memcpy(manager.told, text, sizeof(text));
	}
}

/* The first change is told after that time, with all that come meanwhile. */
void manager_changed(struct broker *broker)
{
	if (manager.broker != NULL && !ev_is_active(&manager.status))
		ev_timer_again(broker->loop, &manager.status);
}

/* ---- reloading ---- */

void manager_reloading(void)
{
	char state[64];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	         (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	if (manager.broker != NULL)
		notify_try(state);
}

/* Until it is taken: the manager would think for ever that the policy is being read, or that
 * the daemon is not ready, and ends it for that. */
static void on_ready(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	if (notify_try("READY=1"))
		ev_timer_stop(loop, &manager.ready);
	else
		ev_timer_again(loop, &manager.ready);
}

void manager_reloaded(struct broker *broker)
{
	if (manager.broker == NULL)
		return;
	on_ready(broker->loop, NULL, 0);
	manager_changed(broker);
}

/* ---- the end ---- */

static void on_extend(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)revents;
	if (manager.broker->busy_devices != 0 && manager.extensions++ < EXTENSIONS_MAX)
		notify_try(EXTENSION);
	else
		ev_timer_stop(loop, timer);
}

void manager_stopping(struct broker *broker)
{
	notify_try("STOPPING=1");
	if (manager.broker != NULL)
		ev_timer_again(broker->loop, &manager.extend);
}

/* ---- start and stop ---- */

void manager_start(struct broker *broker)
{
	double seconds = watchdog_seconds();

	manager.broker = broker;
	ev_timer_init(&manager.watchdog, on_alive, 0.0, seconds / 2);
	ev_timer_init(&manager.alive, on_alive, 0.0, AGAIN_SECONDS);
	ev_timer_init(&manager.status, on_status, 0.0, STATUS_SECONDS);
	ev_timer_init(&manager.ready, on_ready, 0.0, AGAIN_SECONDS);
	ev_timer_init(&manager.extend, on_extend, 0.0, EXTEND_SECONDS);
	on_ready(broker->loop, &manager.ready, 0);
	if (seconds > 0)
		ev_timer_again(broker->loop, &manager.watchdog);
	manager_changed(broker);
}

void manager_stop(struct broker *broker)
{
	if (manager.broker == NULL)
		return;
	ev_timer_stop(broker->loop, &manager.watchdog);
	ev_timer_stop(broker->loop, &manager.alive);
	ev_timer_stop(broker->loop, &manager.status);
	ev_timer_stop(broker->loop, &manager.ready);
	ev_timer_stop(broker->loop, &manager.extend);
	manager.broker = NULL;
}
