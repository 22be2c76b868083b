/* SPDX-License-Identifier: MIT */
/* Figures for tests/bench. */
#ifndef STAND_IN_BENCH_H
#define STAND_IN_BENCH_H

#include <stdbool.h>

bool bench_knows(const char *what);

/* Prints nanoseconds for each of `count` rounds. `what': as rounds_named(), or
 * `interrupts': says `ready', waits for a line, lets core's thread take `count'
 * interrupts, says `done' and waits again, so that others can look what they cost. */
int bench(const char *what, unsigned count);

#endif
