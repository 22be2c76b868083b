/* SPDX-License-Identifier: MIT */
/* The workers (work/strand.h) without threads: jobs run when the fuzzer says so. */
#include "input.h"
#include "model.h"

#include "work/strand.h"

struct workers {
	uint32_t submitted;
};

static struct strand *strands; /* with jobs, of all pools */
static struct job *finished;
static struct job **finished_end = &finished;

struct workers *workers_new(struct ev_loop *loop)
{
	(void)loop;
	return model_alloc(sizeof(struct workers));
}

void workers_free(struct workers *workers)
{
	must(strands == NULL && finished == NULL, "no job is left when the workers end");
	free(workers);
}

void workers_interrupt(struct workers *workers)
{
	(void)workers;
}

uint32_t workers_threads(struct workers *workers)
{
	return workers->submitted != 0 ? 1 : 0;
}

uint32_t workers_busy(struct workers *workers)
{
	(void)workers;
	return model_strands() != 0 ? 1 : 0;
}

void strand_init(struct strand *strand, struct workers *workers, struct lane *lane)
{
	*strand = (struct strand){ .workers = workers, .lane = lane };
}

bool strand_idle(const struct strand *strand)
{
	return !strand->running;
}

/* Without a job anywhere, as there are no threads to be at work. */
bool strand_is_free(const struct strand *strand)
{
	(void)strand;
	return strands == NULL && finished == NULL;
}

void strand_submit(struct strand *strand, struct job *job)
{
	struct strand **end = &strands;

	must(strand->lane == NULL || strand->lane->max != 0, "a lane lets somebody through");
	strand->workers->submitted++;
	job->next = NULL;
	job->strand = strand;
	if (strand->last != NULL)
		strand->last->next = job;
	else
		strand->first = job;
	strand->last = job;
	if (strand->running)
		return;
	strand->running = true;
	while (*end != NULL)
		end = &(*end)->next;
	strand->next = NULL;
	*end = strand;
}

uint32_t model_strands(void)
{
	uint32_t count = 0;

	for (const struct strand *strand = strands; strand != NULL; strand = strand->next)
		count++;
	return count;
}

void model_run(uint32_t index)
{
	struct strand **link = &strands;

	while (index-- > 0)
		link = &(*link)->next;
	struct strand *strand = *link;
	struct job *job = strand->first;
	uint32_t ports = model.ports;
	model.worker = true;
	job->run(job);
	model.worker = false;
	must(model.ports == ports, "a worker keeps no port");
	strand->first = job->next;
	if (strand->first == NULL) {
		strand->last = NULL;
		strand->running = false;
		*link = strand->next;
	}
	job->next = NULL;
	*finished_end = job;
	finished_end = &job->next;
}

uint32_t model_finished(void)
{
	uint32_t count = 0;

	for (const struct job *job = finished; job != NULL; job = job->next)
		count++;
	return count;
}

void model_deliver(void)
{
	struct job *job = finished;

	finished = job->next;
	if (finished == NULL)
		finished_end = &finished;
	job->done(job);
}
