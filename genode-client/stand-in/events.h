/* SPDX-License-Identifier: MIT */
/*
 * The one thread that waits for what comes by itself: the broker's messages, and
 * interrupts, which it hands on as Genode's core submits signals. The broker has no
 * part in that: the kernel signals an eventfd.
 */
#ifndef STAND_IN_EVENTS_H
#define STAND_IN_EVENTS_H

#include <stdint.h>

/* After the connection is made. */
void events_start(void);

/* From now on what `from` counts is added to `to`, if that is not -1. Returns the
 * relay's number, or a negated errno. Both stay the caller's. */
int events_relay(int from, int to);

/* How often it had something to hand on. */
uint64_t events_relayed(int relay);

/* Before its descriptors are closed; hands on what there still is. */
void events_stop(int relay);

/* eventfds: a new one, nonblocking; its count, 0 if it has none; adds to it. */
int counter_new(void);
uint64_t counter_take(int fd);
void counter_add(int fd, uint64_t count);

#endif
