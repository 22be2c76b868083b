/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include "system.h"

#include <hwbroker/client.h>

/* linux/futex.h */
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

void futex_wait(const uint32_t *word, uint32_t value)
{
	system4(SYS_futex, at(word), FUTEX_WAIT_PRIVATE, (long)value, 0);
}

void futex_wake(const uint32_t *word)
{
	system3(SYS_futex, at(word), FUTEX_WAKE_PRIVATE, INT32_MAX);
}

void lock_acquire(struct lock *lock)
{
	uint32_t state = 0;

	if (__atomic_compare_exchange_n(&lock->state, &state, 1, 0, __ATOMIC_ACQUIRE,
	                                __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE) != 0)
		futex_wait(&lock->state, 2);
}

void lock_release(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->state, 0, __ATOMIC_RELEASE) == 2)
		system3(SYS_futex, at(&lock->state), FUTEX_WAKE_PRIVATE, 1);
}

void monitor_acquire(struct monitor *monitor)
{
	lock_acquire(&monitor->lock);
}

void monitor_release(struct monitor *monitor)
{
	lock_release(&monitor->lock);
}

void monitor_wait(struct monitor *monitor)
{
	uint32_t turn = monitor->turn;

	lock_release(&monitor->lock);
	futex_wait(&monitor->turn, turn);
	lock_acquire(&monitor->lock);
}

void monitor_wake_all(struct monitor *monitor)
{
	__atomic_add_fetch(&monitor->turn, 1, __ATOMIC_RELAXED);
	futex_wake(&monitor->turn);
}

static void acquire(void *context)
{
	monitor_acquire(context);
}

static void release(void *context)
{
	monitor_release(context);
}

static void wait(void *context)
{
	monitor_wait(context);
}

static void wake_all(void *context)
{
	monitor_wake_all(context);
}

struct hwb_monitor monitor_for_client(struct monitor *monitor)
{
	return (struct hwb_monitor){ monitor, acquire, release, wait, wake_all };
}
