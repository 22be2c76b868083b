/* SPDX-License-Identifier: MIT */
#include "events.h"

#include "broker.h"
#include "lock.h"
#include "print.h"
#include "system.h"
#include "thread.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { RELAYS_MAX = 16, BROKER = RELAYS_MAX, AT_ONCE = 4, STACK_SIZE = 4 * 4096 };

/*
 * Most of what comes from the broker are answers, which the thread that asked takes off
 * the socket itself; to be woken by each would cost more than the answer. So the socket
 * is left alone for a moment, in milliseconds, when this thread was woken for nothing.
 * What comes meanwhile and nobody else receives is late by as much.
 */
enum { UNWATCHED_MS = 10 };

static struct {
	int from;
	int to;
	uint64_t count;
} relays[RELAYS_MAX];

static struct lock lock; /* guards them */
static int epoll;

int counter_new(void)
{
	return (int)system3(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK, 0);
}

uint64_t counter_take(int fd)
{
	uint64_t count = 0;

	return system3(SYS_read, fd, at(&count), sizeof(count)) == sizeof(count) ? count : 0;
}

void counter_add(int fd, uint64_t count)
{
	system3(SYS_write, fd, at(&count), sizeof(count));
}

static long watch(int operation, int fd, uint32_t id)
{
	uint32_t once = id == BROKER ? EPOLLONESHOT : 0;
	struct epoll_event event = { .events = EPOLLIN | once, .data.u32 = id };

	return system4(SYS_epoll_ctl, epoll, operation, fd, at(&event));
}

/* With the lock held. */
static void hand_on(uint32_t id)
{
	/* Stopped since epoll told of it: -1, or another one's, which has nothing. */
	uint64_t count = relays[id].from < 0 ? 0 : counter_take(relays[id].from);

	relays[id].count += count;
	if (count != 0 && relays[id].to >= 0)
		counter_add(relays[id].to, count);
}

/* Whether there was anything. */
static bool receive(void)
{
	bool any = false;
	int result;

	while ((result = hwb_receive_ready(broker())) > 0)
		any = true;
	if (result == 0)
		return any;
	/* Who waits would wait for ever. */
	print("not ok connect: the broker hung up (errno %d)", -result);
	system_exit(1);
}

static long wait_for_any(struct epoll_event *ready, bool watched)
{
	return system6(SYS_epoll_pwait, epoll, at(ready), AT_ONCE, watched ? -1 : UNWATCHED_MS, 0,
	               sizeof(long));
}

static void run(void *context)
{
	bool watched = true;
	(void)context;

	for (;;) {
		struct epoll_event ready[AT_ONCE] = { 0 };
		long count = wait_for_any(ready, watched);
		bool leave_alone = false;

		for (long i = 0; i < count; i++) {
			if (ready[i].data.u32 == BROKER) {
				watched = false;
				leave_alone = !receive();
				continue;
			}
			lock_acquire(&lock);
			hand_on(ready[i].data.u32);
			lock_release(&lock);
		}
		if (!watched && !leave_alone)
			watched = watch(EPOLL_CTL_MOD, broker_socket(), BROKER) == 0;
	}
}

void events_start(void)
{
	for (uint32_t i = 0; i < RELAYS_MAX; i++)
		relays[i].from = -1;
	epoll = (int)system3(SYS_epoll_create1, EPOLL_CLOEXEC, 0, 0);
	watch(EPOLL_CTL_ADD, broker_socket(), BROKER);
	thread_start("events", thread_stack("events", STACK_SIZE), STACK_SIZE, run, NULL);
}

int events_relay(int from, int to)
{
	long result = -ENOSPC;

	lock_acquire(&lock);
	for (uint32_t i = 0; i < RELAYS_MAX && result == -ENOSPC; i++) {
		if (relays[i].from >= 0)
			continue;
		relays[i].from = from;
		relays[i].to = to;
		relays[i].count = 0;
		result = watch(EPOLL_CTL_ADD, from, i);
		if (result == 0)
			result = (long)i;
		else
			relays[i].from = -1;
	}
	lock_release(&lock);
	return (int)result;
}

uint64_t events_relayed(int relay)
{
	lock_acquire(&lock);
	uint64_t count = relay < 0 ? 0 : relays[relay].count;
	lock_release(&lock);
	return count;
}

void events_stop(int relay)
{
	if (relay < 0)
		return;
	lock_acquire(&lock);
	watch(EPOLL_CTL_DEL, relays[relay].from, (uint32_t)relay);
	hand_on((uint32_t)relay); /* what the thread has not come to */
	relays[relay].from = -1;
	lock_release(&lock);
}
