/* SPDX-License-Identifier: MIT */
/* Time and interrupts of the benchmark's programs, the same for both sides. */
#ifndef HWBROKER_BENCH_MEASURE_H
#define HWBROKER_BENCH_MEASURE_H

#include <stdint.h>

/* Nanoseconds of a clock that only goes forward. */
uint64_t measure_now(void);

/* Nanoseconds that this process has had a processor for. */
uint64_t measure_cpu(void);

/* Prints nanoseconds per operation. */
void measure_print(uint64_t start, uint64_t end, unsigned operations);

/*
 * Some 10 to 20 ms of rest, of another length for each `round` in a row, the same on both
 * sides. The kernel's sleeps, as those that a reset has, end with its tick: what is done
 * round after round without a rest starts with one, as that is where the last round ended,
 * and what comes before the first sleep is then all but free.
 */
void measure_rest(unsigned round);

/* QEMU's edu device (docs/specs/edu): `reads` reads of its identification. */
void measure_registers(const volatile uint32_t *registers, unsigned reads);

/* `rounds` interrupts: raise, wait for the eventfd, acknowledge; and with INTx, whose `unmask`
 * is not -1, unmask. */
void measure_interrupts(volatile uint32_t *registers, int eventfd, int unmask, unsigned rounds);

#endif
