/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sigaction under -std=c11 */
#include "work/strand.h"

#include "util/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/*
 * A thread that hangs in the kernel (an unbind can, for ever) is lost to the
 * pool, so the pool grows while strands wait for a thread, up to this many.
 */
enum { THREADS_MAX = 32, STACK_SIZE = 128 * 1024 };

/* If there is no thread to be had, from now until the next try. */
#define RETRY_SECONDS 0.1

/* Does nothing but end what waits. */
#define INTERRUPT_SIGNAL SIGUSR2

struct workers {
	struct ev_loop *loop;
	ev_async finished_watcher;
	ev_timer retry; /* to start a thread */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct strand *first; /* strands with work and without a thread */
	struct strand *last;
	struct job *finished; /* in order of completion */
	struct job *finished_last;
	pthread_t threads[THREADS_MAX];
	uint32_t thread_count;
	uint32_t busy;
	uint32_t waiting; /* strands in the queue */
	bool stop;
};

static void append(struct strand **first, struct strand **last, struct strand *strand)
{
	strand->next = NULL;
	if (*last != NULL)
		(*last)->next = strand;
	else
		*first = strand;
	*last = strand;
}

static struct strand *take(struct strand **first, struct strand **last)
{
	struct strand *strand = *first;

	*first = strand->next;
	if (*first == NULL)
		*last = NULL;
	return strand;
}

/* To the end of the line for a thread, or of its lane's for that line. */
static void queue_strand(struct workers *workers, struct strand *strand)
{
	struct lane *lane = strand->lane;

	if (lane != NULL && lane->running == lane->max) {
		append(&lane->first, &lane->last, strand);
		return;
	}
	if (lane != NULL)
		lane->running++;
	append(&workers->first, &workers->last, strand);
	workers->waiting++;
}

/* A strand has left its thread: the next of its lane may go on. */
static void leave_lane(struct workers *workers, struct lane *lane)
{
	if (lane == NULL)
		return;
	lane->running--;
	if (lane->first != NULL)
		queue_strand(workers, take(&lane->first, &lane->last));
}

/* One job of a strand, then the strand goes to the end of the line: fairness
 * among strands. Called and left with the lock held. */
static void run_one(struct workers *workers)
{
	struct strand *strand = take(&workers->first, &workers->last);
	struct job *job = strand->first;

	workers->waiting--;
	strand->first = job->next;
	if (strand->first == NULL)
		strand->last = NULL;
	workers->busy++;
	pthread_mutex_unlock(&workers->lock);
	job->run(job);
	pthread_mutex_lock(&workers->lock);
	workers->busy--;
	leave_lane(workers, strand->lane);

	job->next = NULL;
	if (workers->finished_last != NULL)
		workers->finished_last->next = job;
	else
		workers->finished = job;
	workers->finished_last = job;

	/* The next job of this strand must see what this one's done() left
	 * behind only through the strand's own data, so it may start now. */
	if (strand->first != NULL)
		queue_strand(workers, strand);
	else
		strand->running = false;
	/* Without the lock, which the loop would wake up to wait for. */
	pthread_mutex_unlock(&workers->lock);
	ev_async_send(workers->loop, &workers->finished_watcher);
	pthread_mutex_lock(&workers->lock);
}

static void *thread_main(void *argument)
{
	struct workers *workers = argument;

	pthread_mutex_lock(&workers->lock);
	while (!workers->stop) {
		if (workers->first != NULL)
			run_one(workers);
		else
			pthread_cond_wait(&workers->work, &workers->lock);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

/* Signals belong to the loop's thread. */
static void start_thread(struct workers *workers)
{
	pthread_attr_t attributes;
	sigset_t all, old;

	if (workers->thread_count == THREADS_MAX)
		return;
	sigfillset(&all);
	sigdelset(&all, INTERRUPT_SIGNAL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int error = pthread_create(&workers->threads[workers->thread_count], &attributes,
	                           thread_main, workers);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
	if (error == 0) {
		workers->thread_count++;
		return;
	}
	if (!ev_is_active(&workers->retry))
		log_warning("cannot start a worker thread: %s; %u are running", strerror(error),
		            workers->thread_count);
	ev_timer_again(workers->loop, &workers->retry);
}

/* Called with the lock held. */
static bool short_of_threads(const struct workers *workers)
{
	return workers->busy + workers->waiting > workers->thread_count;
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct workers *workers = timer->data;
	(void)events;

	pthread_mutex_lock(&workers->lock);
	bool more = short_of_threads(workers);
	pthread_mutex_unlock(&workers->lock);
	uint32_t before = workers->thread_count;
	if (more)
		start_thread(workers);
	if (!more || workers->thread_count != before)
		ev_timer_stop(loop, timer);
}

static void on_finished(struct ev_loop *loop, ev_async *watcher, int events)
{
	struct workers *workers = watcher->data;
	(void)loop;
	(void)events;

	pthread_mutex_lock(&workers->lock);
	struct job *job = workers->finished;
	workers->finished = NULL;
	workers->finished_last = NULL;
	pthread_mutex_unlock(&workers->lock);
	while (job != NULL) {
		struct job *next = job->next;
		job->strand->undone--; /* done() may free it */
		job->done(job);
		job = next;
	}
}

struct workers *workers_new(struct ev_loop *loop)
{
	struct workers *workers = calloc(1, sizeof(*workers));
	if (workers == NULL)
		return NULL;
	workers->loop = loop;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->work, NULL);
	ev_async_init(&workers->finished_watcher, on_finished);
	workers->finished_watcher.data = workers;
	ev_async_start(loop, &workers->finished_watcher);
	ev_timer_init(&workers->retry, on_retry, 0.0, RETRY_SECONDS);
	workers->retry.data = workers;
	return workers;
}

void workers_free(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->stop = true;
	pthread_cond_broadcast(&workers->work);
	pthread_mutex_unlock(&workers->lock);
	for (uint32_t i = 0; i < workers->thread_count; i++)
		pthread_join(workers->threads[i], NULL);
	ev_async_stop(workers->loop, &workers->finished_watcher);
	ev_timer_stop(workers->loop, &workers->retry);
	pthread_cond_destroy(&workers->work);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}

static void on_interrupt(int number)
{
	(void)number;
}

void workers_allow_interrupts(void)
{
	struct sigaction action = { .sa_handler = on_interrupt };

	sigaction(INTERRUPT_SIGNAL, &action, NULL);
}

void workers_interrupt(struct workers *workers)
{
	for (uint32_t i = 0; i < workers->thread_count; i++)
		pthread_kill(workers->threads[i], INTERRUPT_SIGNAL);
}

uint32_t workers_threads(struct workers *workers)
{
	return workers->thread_count;
}

uint32_t workers_busy(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	uint32_t busy = workers->busy;
	pthread_mutex_unlock(&workers->lock);
	return busy;
}

void strand_init(struct strand *strand, struct workers *workers, struct lane *lane)
{
	*strand = (struct strand){ .workers = workers, .lane = lane };
}

bool strand_idle(const struct strand *strand)
{
	pthread_mutex_lock(&strand->workers->lock);
	bool idle = !strand->running;
	pthread_mutex_unlock(&strand->workers->lock);
	return idle;
}

bool strand_is_free(const struct strand *strand)
{
	struct workers *workers = strand->workers;

	if (strand->undone != 0)
		return false;
	pthread_mutex_lock(&workers->lock);
	bool rest = workers->busy == 0 && workers->waiting == 0;
	pthread_mutex_unlock(&workers->lock);
	return rest;
}

void strand_submit(struct strand *strand, struct job *job)
{
	struct workers *workers = strand->workers;

	job->next = NULL;
	strand->undone++;
	job->strand = strand;
	pthread_mutex_lock(&workers->lock);
	if (strand->last != NULL)
		strand->last->next = job;
	else
		strand->first = job;
	strand->last = job;
	if (!strand->running) {
		strand->running = true;
		queue_strand(workers, strand);
	}
	bool more = short_of_threads(workers);
	pthread_mutex_unlock(&workers->lock);
	pthread_cond_signal(&workers->work);
	if (more)
		start_thread(workers);
}
