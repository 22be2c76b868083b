/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that outlive this process: the service manager keeps a duplicate of each,
 * by name, and passes them to the daemon after this one (systemd's "fd store",
 * FDSTORE=1 of sd_notify(3)). Without a manager all of this does nothing.
 *
 * What the manager keeps is open as long as it does: who closes for good drops the name
 * first, settles, and closes then. Names are made once and never used again, but for
 * those of devices, which are settled.
 *
 * Safe from any thread, but for store_open() and what follows it here.
 */
#ifndef HWBROKERD_RESUME_STORE_H
#define HWBROKERD_RESUME_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* With its end. */
enum { STORE_NAME = 40 };

/* Takes note of what the manager has passed to us. Call once, at the start. */
void store_open(void);
/* How many descriptors that was. */
uint32_t store_passed(void);

/* Whether there is a manager that can keep something. */
bool store_works(void);
/* How much it keeps, and what that may be at most. */
void store_use(uint32_t *count, uint32_t *max);

/* The next one that nobody has taken yet and whose name begins with `prefix`; false:
 * there is none. `*at` is 0 at first. */
bool store_find(const char *prefix, uint32_t *at, char name[STORE_NAME]);
/* The same of all that were passed, taken or not. */
bool store_find_any(const char *prefix, uint32_t *at, char name[STORE_NAME]);
/* What was passed under that name, now the caller's; it stays kept. -1: nothing was. */
int store_take(const char *name);
/* The first that nobody has taken and `wanted` says yes to, and under which name it was
 * passed. */
int store_take_if(bool (*wanted)(int fd), char name[STORE_NAME]);

/* Has the manager keep a duplicate. `wait`: for room in its queue, some seconds. False:
 * it does not, and nothing is kept. */
bool store_put(const char *name, int fd, bool wait) __attribute__((warn_unused_result));
/* Has it close what it keeps under that name. */
void store_drop(const char *name, bool wait);

/* What one client has kept of what it can make many of: a quarter at most, and all clients
 * together leave some for connections and devices. */
struct store_share {
	atomic_uint kept;
};

/* Whether there is room for `count` more of it. */
bool store_has_room(struct store_share *share, uint32_t count);
/* As above, on the books of that share. */
bool store_put_of(struct store_share *share, const char *name, int fd, bool wait)
        __attribute__((warn_unused_result));
void store_drop_of(struct store_share *share, const char *name, bool wait);
int store_take_of(struct store_share *share, const char *name);

/* What the manager had no room to be told is told again; false: it still has none. */
bool store_flush(void);
/* Waits until the manager has done all that it was told before; some seconds at most. */
void store_settle(void);

#endif
