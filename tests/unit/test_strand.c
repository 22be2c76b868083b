/* SPDX-License-Identifier: MIT */
/*
 * Strands: order within, none between, and that a stuck one stalls only itself.
 * Meant to be run under the thread sanitizer, too.
 */
#include "suite.h"
#include "util/log.h"
#include "work/strand.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct ev_loop *loop;
static struct workers *workers;
static pthread_t loop_thread;
static unsigned expected; /* done() calls after which the loop stops */
static unsigned completed;

static void setup(void)
{
	loop = ev_loop_new(0);
	ck_assert_ptr_nonnull(loop);
	workers = workers_new(loop);
	ck_assert_ptr_nonnull(workers);
	loop_thread = pthread_self();
	expected = 0;
	completed = 0;
}

static void teardown(void)
{
	workers_free(workers);
	ev_loop_destroy(loop);
}

static void on_timeout(struct ev_loop *source, ev_timer *timer, int events)
{
	(void)source;
	(void)timer;
	(void)events;
	ck_abort_msg("%u of %u jobs are done after all this time", completed, expected);
}

/* Runs the loop until `count` jobs more are done. */
static void wait_for(unsigned count)
{
	ev_timer timer;

	expected = completed + count;
	if (count == 0)
		return;
	ev_timer_init(&timer, on_timeout, 60., 0.);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
	ev_timer_stop(loop, &timer);
	ck_assert_uint_eq(completed, expected);
}

static void count_done(void)
{
	if (!pthread_equal(pthread_self(), loop_thread))
		ck_abort_msg("done() was called on another thread than the loop's");
	if (++completed == expected)
		ev_break(loop, EVBREAK_ONE);
}

/* ---- order ---- */

/* What belongs to a strand, without a lock: that is its promise. */
struct track {
	struct strand strand;
	unsigned ran;
	unsigned done;
	unsigned last; /* among all that were done */
	bool inside;
	bool failed;
};

struct step {
	struct job job;
	struct track *track;
	unsigned number;
};

static void step_run(struct job *job)
{
	struct step *step = (struct step *)job;
	struct track *track = step->track;

	if (track->inside || track->ran != step->number ||
	    pthread_equal(pthread_self(), loop_thread))
		track->failed = true;
	track->inside = true;
	track->ran++;
	track->inside = false;
}

static void step_done(struct job *job)
{
	struct step *step = (struct step *)job;

	if (step->track->done++ != step->number)
		ck_abort_msg("done() of job %u came as number %u", step->number,
		             step->track->done - 1);
	step->track->last = completed;
	free(step);
	count_done();
}

static void submit_step(struct track *track, unsigned number)
{
	struct step *step = calloc(1, sizeof(*step));

	if (step == NULL)
		ck_abort_msg("no memory");
	*step = (struct step){ .job = { .run = step_run, .done = step_done },
		               .track = track,
		               .number = number };
	strand_submit(&track->strand, &step->job);
}

START_TEST(no_job_no_thread)
{
	struct strand strand;

	strand_init(&strand, workers, NULL);
	ck_assert_uint_eq(workers_threads(workers), 0);
	ck_assert_uint_eq(workers_busy(workers), 0);
	ck_assert(!strand.running);
}
END_TEST

START_TEST(one_strand_keeps_its_order)
{
	struct track track = { 0 };

	strand_init(&track.strand, workers, NULL);
	for (unsigned i = 0; i < 5000; i++)
		submit_step(&track, i);
	wait_for(5000);
	ck_assert(!track.failed);
	ck_assert_uint_eq(track.ran, 5000);
	ck_assert(!track.strand.running);
	/* Again after it was idle. */
	for (unsigned i = 5000; i < 5010; i++) {
		submit_step(&track, i);
		wait_for(1);
	}
	ck_assert(!track.failed);
	/* One strand needs one thread, whatever its length. */
	ck_assert_uint_le(workers_threads(workers), 2);
}
END_TEST

START_TEST(many_jobs_on_many_strands)
{
	enum { LANES = 200, STEPS = 200 };
	struct track *tracks = calloc(LANES, sizeof(*tracks));

	for (unsigned i = 0; i < LANES; i++)
		strand_init(&tracks[i].strand, workers, NULL);
	for (unsigned step = 0; step < STEPS; step++)
		for (unsigned i = 0; i < LANES; i++)
			submit_step(&tracks[i], step);
	wait_for(LANES * STEPS);
	for (unsigned i = 0; i < LANES; i++) {
		ck_assert(!tracks[i].failed);
		ck_assert_uint_eq(tracks[i].ran, STEPS);
		ck_assert_uint_eq(tracks[i].done, STEPS);
		ck_assert(!tracks[i].strand.running);
	}
	ck_assert_uint_eq(workers_busy(workers), 0);
	ck_assert_uint_le(workers_threads(workers), 32);
	free(tracks);
}
END_TEST

/* ---- done() goes on ---- */

struct relay {
	struct job job;
	struct strand *strands;
	unsigned left;
};

static void relay_run(struct job *job)
{
	((struct relay *)job)->left--;
}

static void relay_done(struct job *job)
{
	struct relay *relay = (struct relay *)job;

	/* The job is done()'s: it may be submitted again, elsewhere. */
	if (relay->left != 0)
		strand_submit(&relay->strands[relay->left % 2], job);
	count_done();
}

START_TEST(done_may_submit)
{
	struct strand strands[2];
	struct relay relay = { .job = { .run = relay_run, .done = relay_done },
		               .strands = strands,
		               .left = 1000 };

	strand_init(&strands[0], workers, NULL);
	strand_init(&strands[1], workers, NULL);
	strand_submit(&strands[0], &relay.job);
	wait_for(1000);
	ck_assert_uint_eq(relay.left, 0);
}
END_TEST

/* ---- side by side ---- */

enum { SIDES = 8 };

static pthread_barrier_t barrier;

static void meet_run(struct job *job)
{
	(void)job;
	pthread_barrier_wait(&barrier);
}

static void plain_done(struct job *job)
{
	(void)job;
	count_done();
}

START_TEST(strands_run_side_by_side)
{
	struct strand strands[SIDES];
	struct job jobs[SIDES];

	/* None returns before all have begun. */
	pthread_barrier_init(&barrier, NULL, SIDES);
	for (int i = 0; i < SIDES; i++) {
		strand_init(&strands[i], workers, NULL);
		jobs[i] = (struct job){ .run = meet_run, .done = plain_done };
		strand_submit(&strands[i], &jobs[i]);
	}
	wait_for(SIDES);
	ck_assert_uint_ge(workers_threads(workers), SIDES);
	pthread_barrier_destroy(&barrier);
}
END_TEST

/* ---- stuck ---- */

struct stuck {
	struct job job;
	sem_t *gate;
	sem_t *begun;
};

static void stuck_run(struct job *job)
{
	struct stuck *stuck = (struct stuck *)job;

	sem_post(stuck->begun);
	while (sem_wait(stuck->gate) != 0)
		;
}

static void submit_stuck(struct strand *strand, struct stuck *stuck, sem_t *gate, sem_t *begun)
{
	*stuck = (struct stuck){ { .run = stuck_run, .done = plain_done }, gate, begun };
	strand_submit(strand, &stuck->job);
}

START_TEST(a_stuck_job_stalls_only_its_strand)
{
	enum { STEPS = 500 };
	struct track ill = { 0 }, well[3] = { { .ran = 0 } };
	struct stuck stuck;
	sem_t gate, begun;

	sem_init(&gate, 0, 0);
	sem_init(&begun, 0, 0);
	strand_init(&ill.strand, workers, NULL);
	submit_stuck(&ill.strand, &stuck, &gate, &begun);
	submit_step(&ill, 0);
	sem_wait(&begun);
	ck_assert_uint_eq(workers_busy(workers), 1);
	for (int i = 0; i < 3; i++) {
		strand_init(&well[i].strand, workers, NULL);
		for (unsigned step = 0; step < STEPS; step++)
			submit_step(&well[i], step);
	}
	wait_for(3 * STEPS);
	ck_assert_uint_eq(ill.done, 0);
	ck_assert(ill.strand.running);
	sem_post(&gate);
	wait_for(2);
	ck_assert_uint_eq(ill.ran, 1);
	ck_assert(!ill.failed);
	ck_assert(!ill.strand.running);
	sem_destroy(&gate);
	sem_destroy(&begun);
}
END_TEST

/* What the loop does itself must come behind what was submitted, and meet nobody's lock. */
START_TEST(free_is_who_has_nothing_left_among_idle_threads)
{
	struct track track = { 0 }, other = { 0 };
	struct stuck stuck;
	sem_t gate, begun;

	sem_init(&gate, 0, 0);
	sem_init(&begun, 0, 0);
	strand_init(&track.strand, workers, NULL);
	strand_init(&other.strand, workers, NULL);
	ck_assert(strand_is_free(&track.strand));
	submit_step(&track, 0);
	ck_assert(!strand_is_free(&track.strand));
	/* It has run, but its done() is to come. */
	while (!strand_idle(&track.strand))
		sched_yield();
	ck_assert(!strand_is_free(&track.strand));
	wait_for(1);
	while (workers_busy(workers) != 0)
		sched_yield();
	ck_assert(strand_is_free(&track.strand));
	submit_stuck(&other.strand, &stuck, &gate, &begun);
	ck_assert(!strand_is_free(&track.strand));
	sem_wait(&begun);
	ck_assert(!strand_is_free(&track.strand));
	sem_post(&gate);
	wait_for(1);
	ck_assert(strand_is_free(&track.strand));
	sem_destroy(&gate);
	sem_destroy(&begun);
}
END_TEST

START_TEST(many_stuck_jobs_leave_a_thread)
{
	enum { STUCK = 31, STEPS = 200 };
	struct strand strands[STUCK];
	struct stuck stuck[STUCK];
	struct track well = { 0 };
	sem_t gate, begun;

	sem_init(&gate, 0, 0);
	sem_init(&begun, 0, 0);
	for (int i = 0; i < STUCK; i++) {
		strand_init(&strands[i], workers, NULL);
		submit_stuck(&strands[i], &stuck[i], &gate, &begun);
	}
	for (int i = 0; i < STUCK; i++)
		sem_wait(&begun);
	ck_assert_uint_eq(workers_busy(workers), STUCK);
	strand_init(&well.strand, workers, NULL);
	for (unsigned step = 0; step < STEPS; step++)
		submit_step(&well, step);
	wait_for(STEPS);
	for (int i = 0; i < STUCK; i++)
		sem_post(&gate);
	wait_for(STUCK);
	ck_assert_uint_eq(workers_busy(workers), 0);
	sem_destroy(&gate);
	sem_destroy(&begun);
}
END_TEST

START_TEST(more_than_there_are_threads_wait_their_turn)
{
	enum { STUCK = 80 };
	struct strand strands[STUCK];
	struct stuck stuck[STUCK];
	sem_t gate, begun;

	sem_init(&gate, 0, 0);
	sem_init(&begun, 0, 0);
	for (int i = 0; i < STUCK; i++) {
		strand_init(&strands[i], workers, NULL);
		submit_stuck(&strands[i], &stuck[i], &gate, &begun);
	}
	for (int i = 0; i < 32; i++)
		sem_wait(&begun);
	ck_assert_uint_eq(workers_threads(workers), 32);
	ck_assert_int_ne(sem_trywait(&begun), 0);
	for (int i = 0; i < STUCK; i++)
		sem_post(&gate);
	wait_for(STUCK);
	for (int i = 0; i < STUCK; i++)
		ck_assert(!strands[i].running);
	sem_destroy(&gate);
	sem_destroy(&begun);
}
END_TEST

/* A long row on one strand must not keep others waiting, even if there is but
 * one thread left: one job, then the next strand. */
START_TEST(strands_take_turns)
{
	enum { STUCK = 31, STEPS = 1000 };
	struct strand strands[STUCK];
	struct stuck stuck[STUCK + 1];
	struct track long_one = { 0 }, short_one = { 0 };
	sem_t gate, begun, last_gate;

	sem_init(&gate, 0, 0);
	sem_init(&begun, 0, 0);
	sem_init(&last_gate, 0, 0);
	for (int i = 0; i < STUCK; i++) {
		strand_init(&strands[i], workers, NULL);
		submit_stuck(&strands[i], &stuck[i], &gate, &begun);
	}
	strand_init(&long_one.strand, workers, NULL);
	strand_init(&short_one.strand, workers, NULL);
	submit_stuck(&long_one.strand, &stuck[STUCK], &last_gate, &begun);
	for (int i = 0; i < STUCK + 1; i++)
		sem_wait(&begun);
	for (unsigned step = 0; step < STEPS; step++)
		submit_step(&long_one, step);
	submit_step(&short_one, 0);
	sem_post(&last_gate);
	wait_for(1 + STEPS + 1);
	ck_assert(!long_one.failed);
	ck_assert_uint_eq(short_one.done, 1);
	/* Behind what was in the way and at most one of the row. */
	ck_assert_uint_le(short_one.last, 2);
	for (int i = 0; i < STUCK; i++)
		sem_post(&gate);
	wait_for(STUCK);
	sem_destroy(&gate);
	sem_destroy(&begun);
	sem_destroy(&last_gate);
}
END_TEST

/* Who asks for much in parallel gets its threads one after the other, and all of it
 * in the end. */
START_TEST(a_lane_leaves_threads_to_others)
{
	enum { STRANDS = 100, WIDTH = 2, STEPS = 200 };
	struct lane lane = { .max = WIDTH };
	struct strand strands[STRANDS];
	struct stuck stuck[STRANDS];
	struct track well = { 0 };
	sem_t gate, begun;
	int count;

	sem_init(&gate, 0, 0);
	sem_init(&begun, 0, 0);
	for (int i = 0; i < STRANDS; i++) {
		strand_init(&strands[i], workers, &lane);
		submit_stuck(&strands[i], &stuck[i], &gate, &begun);
	}
	for (int i = 0; i < WIDTH; i++)
		sem_wait(&begun);
	strand_init(&well.strand, workers, NULL);
	for (unsigned step = 0; step < STEPS; step++)
		submit_step(&well, step);
	wait_for(STEPS);
	ck_assert_uint_eq(workers_busy(workers), WIDTH);
	ck_assert_uint_le(workers_threads(workers), WIDTH + 1);
	sem_getvalue(&begun, &count);
	ck_assert_int_eq(count, 0);
	for (int i = 0; i < STRANDS; i++)
		sem_post(&gate);
	wait_for(STRANDS);
	ck_assert_uint_eq(lane.running, 0);
	ck_assert_ptr_null(lane.first);
	sem_destroy(&gate);
	sem_destroy(&begun);
}
END_TEST

/* ---- threads ---- */

static sigset_t worker_mask;

static void mask_run(struct job *job)
{
	(void)job;
	pthread_sigmask(SIG_SETMASK, NULL, &worker_mask);
}

START_TEST(signals_stay_with_the_loop)
{
	struct job job = { .run = mask_run, .done = plain_done };
	struct strand strand;
	sigset_t before, after;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	strand_init(&strand, workers, NULL);
	strand_submit(&strand, &job);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	wait_for(1);
	ck_assert_int_eq(sigismember(&worker_mask, SIGTERM), 1);
	ck_assert_int_eq(sigismember(&worker_mask, SIGHUP), 1);
	ck_assert_int_eq(sigismember(&worker_mask, SIGCHLD), 1);
	ck_assert_int_eq(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}
END_TEST

static atomic_bool slow_ended;

static void slow_run(struct job *job)
{
	struct stuck *stuck = (struct stuck *)job;
	struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };

	sem_post(stuck->begun);
	nanosleep(&pause, NULL);
	atomic_store(&slow_ended, true);
}

START_TEST(the_end_waits_for_running_jobs)
{
	struct workers *others = workers_new(loop);
	struct strand strand;
	sem_t begun;
	struct stuck slow = { { .run = slow_run, .done = plain_done }, NULL, &begun };

	ck_assert_ptr_nonnull(others);
	sem_init(&begun, 0, 0);
	strand_init(&strand, others, NULL);
	strand_submit(&strand, &slow.job);
	sem_wait(&begun);
	workers_free(others);
	ck_assert(atomic_load(&slow_ended));
	sem_destroy(&begun);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("strand");
	TCase *order = tcase_create("order");
	TCase *beside = tcase_create("beside");

	log_set_level(LOG_LEVEL_ERROR);
	tcase_add_checked_fixture(order, setup, teardown);
	tcase_add_checked_fixture(beside, setup, teardown);
	tcase_set_timeout(order, 90);
	tcase_set_timeout(beside, 90);
	tcase_add_test(order, no_job_no_thread);
	tcase_add_test(order, one_strand_keeps_its_order);
	tcase_add_test(order, many_jobs_on_many_strands);
	tcase_add_test(order, done_may_submit);
	tcase_add_test(beside, strands_run_side_by_side);
	tcase_add_test(beside, a_stuck_job_stalls_only_its_strand);
	tcase_add_test(beside, free_is_who_has_nothing_left_among_idle_threads);
	tcase_add_test(beside, many_stuck_jobs_leave_a_thread);
	tcase_add_test(beside, more_than_there_are_threads_wait_their_turn);
	tcase_add_test(beside, strands_take_turns);
	tcase_add_test(beside, a_lane_leaves_threads_to_others);
	tcase_add_test(beside, signals_stay_with_the_loop);
	tcase_add_test(beside, the_end_waits_for_running_jobs);
	suite_add_tcase(suite, order);
	suite_add_tcase(suite, beside);
	return suite_run(suite);
}
