/* SPDX-License-Identifier: MIT */
/*
 * Kernel work that may block runs on worker threads; the loop only hears of its
 * end. A strand is a queue whose jobs run one after another in the order they
 * were submitted; jobs of different strands run side by side. Each IOMMU group
 * and each DMA domain has a strand, so one stuck device stalls only itself.
 *
 * A job's run() is called on a worker and may touch only what the job carries
 * and what belongs to its strand (kernel handles). done() is called on the loop
 * afterwards and may touch everything. All functions here are for the loop.
 */
#ifndef HWBROKERD_WORK_STRAND_H
#define HWBROKERD_WORK_STRAND_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct workers;

struct job {
	struct job *next;
	struct strand *strand;
	void (*run)(struct job *job);
	void (*done)(struct job *job); /* owns the job from here on: frees it */
};

/* Bounds how many strands of one client are on a thread at once, so that what it
 * asks for in parallel leaves threads to the others. Zero it and set `max`; must
 * outlive its strands. */
struct lane {
	uint32_t max;
	uint32_t running;     /* strands queued for a thread or on one */
	struct strand *first; /* that wait for their turn in the lane */
	struct strand *last;
};

/* Embed and initialise once; must outlive its jobs. */
struct strand {
	struct strand *next; /* in the queue of strands that have work, or in its lane's */
	struct workers *workers;
	struct lane *lane; /* NULL: none */
	struct job *first;
	struct job *last;
	bool running;    /* queued or on a thread */
	uint32_t undone; /* jobs whose done() was not called yet: the loop's */
};

/* Starts no thread yet. NULL: no memory. */
struct workers *workers_new(struct ev_loop *loop);
/* Waits for running jobs; nothing may be queued any more. */
void workers_free(struct workers *workers);

/* Makes calls that a thread of the pool waits in end early, if they are of those that
 * a signal ends: for pools whose jobs take that. Once in a process: allow it. */
void workers_allow_interrupts(void);
void workers_interrupt(struct workers *workers);

uint32_t workers_threads(struct workers *workers);
uint32_t workers_busy(struct workers *workers);

/* `lane` may be NULL. */
void strand_init(struct strand *strand, struct workers *workers, struct lane *lane);

/* Whether no job of it is queued or running; the last may still wait for its done(). */
bool strand_idle(const struct strand *strand);

/* Whether the loop may do this strand's work itself, now, instead of submitting it: nothing of
 * it is queued, running or undone, and no thread of the pool is at work, which could have a
 * lock of the kernel's, or of ours, that one waits for. For what takes no longer than a few
 * small requests, as it saves two changes of thread. True until something is submitted. */
bool strand_is_free(const struct strand *strand);

/* Hands the job over. If no thread can be started and none runs, the job runs
 * when one can: nothing is lost. */
void strand_submit(struct strand *strand, struct job *job);

#endif
