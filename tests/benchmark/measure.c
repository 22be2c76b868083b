/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { REG_ID = 0x00 / 4, REG_IRQ_RAISE = 0x60 / 4, REG_IRQ_ACK = 0x64 / 4, WARM_UP = 16 };

enum { PATIENCE_SECONDS = 20 };

static uint64_t now_by(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t measure_now(void)
{
	return now_by(CLOCK_MONOTONIC);
}

uint64_t measure_cpu(void)
{
	return now_by(CLOCK_PROCESS_CPUTIME_ID);
}

void measure_print(uint64_t start, uint64_t end, unsigned operations)
{
	printf("%.1f\n", (double)(end - start) / operations);
}

void measure_rest(unsigned round)
{
	/* steps of the golden section: any few in a row are spread over all of it */
	const struct timespec rest = { .tv_nsec = 10000000 +
		                                  (long)(round % 1000) * 6180340 % 10000000 };

	nanosleep(&rest, NULL);
}

void measure_registers(const volatile uint32_t *registers, unsigned reads)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < reads / 10; i++)
		sum += registers[REG_ID];
	uint64_t start = measure_now();
	for (unsigned i = 0; i < reads; i++)
		sum += registers[REG_ID];
	measure_print(start, measure_now(), reads);
	if (sum == 0)
		exit(EXIT_FAILURE); /* no edu device answers */
}

static void interrupt(volatile uint32_t *registers, int eventfd, int unmask)
{
	const uint64_t one = 1;
	uint64_t count;

	registers[REG_IRQ_RAISE] = 1;
	if (read(eventfd, &count, sizeof(count)) != sizeof(count))
		exit(EXIT_FAILURE);
	registers[REG_IRQ_ACK] = 1;
	if (unmask >= 0 && write(unmask, &one, sizeof(one)) != sizeof(one))
		exit(EXIT_FAILURE);
}

void measure_interrupts(volatile uint32_t *registers, int eventfd, int unmask, unsigned rounds)
{
	alarm(PATIENCE_SECONDS); /* an interrupt that is lost ends the program */
	for (unsigned i = 0; i < WARM_UP; i++)
		interrupt(registers, eventfd, unmask);
	uint64_t start = measure_now();
	for (unsigned i = 0; i < rounds; i++)
		interrupt(registers, eventfd, unmask);
	measure_print(start, measure_now(), rounds);
	alarm(0);
}
