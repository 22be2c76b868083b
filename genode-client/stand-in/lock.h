/* SPDX-License-Identifier: MIT */
/*
 * A lock by futex, and what the client library wants of an embedder: the same with a
 * place to wait. All zero is a good start for each.
 */
#ifndef STAND_IN_LOCK_H
#define STAND_IN_LOCK_H

#include <stdint.h>

struct hwb_monitor;

struct lock {
	uint32_t state; /* 0: free; 1: held; 2: held, and others may sleep */
};

void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);

struct monitor {
	struct lock lock;
	uint32_t turn; /* another at each wake_all */
};

void monitor_acquire(struct monitor *monitor);
void monitor_release(struct monitor *monitor);

/* Both with the monitor held, which wait() lets go of meanwhile. */
void monitor_wait(struct monitor *monitor);
void monitor_wake_all(struct monitor *monitor);

/* As the client library wants it. */
struct hwb_monitor monitor_for_client(struct monitor *monitor);

/* Sleeps while the word has this value; wakes all who sleep so. */
void futex_wait(const uint32_t *word, uint32_t value);
void futex_wake(const uint32_t *word);

#endif
