/* SPDX-License-Identifier: MIT */
/*
 * Threads as core has them: few, small stacks, and they never end. A page that nobody
 * may touch lies below each stack, so that too much on it ends the program.
 */
#ifndef STAND_IN_THREAD_H
#define STAND_IN_THREAD_H

#include <stddef.h>
#include <stdint.h>

/* A thread that does what it is asked to, one thing after the other. */
struct entrypoint {
	const char *name;
	size_t stack_size; /* whole pages */
	unsigned char *stack;
	uint32_t state; /* a futex */
	void (*work)(void *argument);
	void *argument;
};

/* The sizes are those of Genode's core. */
extern struct entrypoint main_ep; /* IO_MEM, device PDs, all that creates sessions */
extern struct entrypoint irq_ep;
extern struct entrypoint ioport_ep;

/* Does not return if it fails: the program is of no use then. */
void thread_start(const char *name, unsigned char *stack, size_t stack_size, void (*run)(void *),
                  void *argument);
unsigned char *thread_stack(const char *name, size_t size);

void entrypoints_start(void);

/* Has `work` done there, and waits until it is. Only one thread asks. */
void on(struct entrypoint *entrypoint, void (*work)(void *argument), void *argument);

/* The two halves of it. */
void on_begin(struct entrypoint *entrypoint, void (*work)(void *argument), void *argument);
void on_end(struct entrypoint *entrypoint);

/* Bytes of its stack that were never used. */
size_t entrypoint_stack_left(const struct entrypoint *entrypoint);

#endif
