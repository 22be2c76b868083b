/* SPDX-License-Identifier: MIT */
#include "device/estate.h"

#include "util/cleanup.h"
#include "util/log.h"

#include <stdlib.h>
#include <string.h>

/* How long a descriptor may be kept for a mapping that is gone. */
#define LOOK_SECONDS 1.0

struct estate {
	struct estate *next;
	bool watched; /* by the witness; else it never ends */
	struct witness witness;
	struct record_range memory[HWB_BARS];
};

static void end(struct estate **link)
{
	struct estate *estate = *link;

	*link = estate->next;
	witness_close(&estate->witness);
	free(estate);
}

/* For the daemon after this one. */
static void write_down(const struct estates *estates)
{
	uint32_t count = 0;
	bool anywhere = estates->unknown;

	for (const struct estate *estate = estates->first; estate != NULL; estate = estate->next)
		count += HWB_BARS;
	_cleanup_free_ struct record_range *ranges = calloc(count + 1, sizeof(*ranges));
	anywhere = anywhere || ranges == NULL;
	count = 0;
	for (const struct estate *estate = estates->first; estate != NULL && ranges != NULL;
	     estate = estate->next)
		for (uint32_t i = 0; i < HWB_BARS; i++)
			if (estate->memory[i].last != 0)
				ranges[count++] = estate->memory[i];
	record_set_estates(ranges, count, anywhere);
}

static void prune(struct estates *estates)
{
	struct estate **link = &estates->first;
	bool ended = false;

	while (*link != NULL)
		if (!(*link)->watched || witness_held(&(*link)->witness)) {
			link = &(*link)->next;
		} else {
			end(link);
			ended = true;
		}
	if (ended)
		write_down(estates);
}

static bool any_watched(const struct estates *estates)
{
	const struct estate *estate = estates->first;

	while (estate != NULL && !estate->watched)
		estate = estate->next;
	return estate != NULL;
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct estates *estates = timer->data;
	(void)revents;

	prune(estates);
	if (!any_watched(estates))
		ev_timer_stop(loop, timer);
}

static void look_from_now_on(struct estates *estates, struct ev_loop *loop)
{
	if (ev_is_active(&estates->look))
		return;
	ev_timer_init(&estates->look, on_look, LOOK_SECONDS, LOOK_SECONDS);
	estates->look.data = estates;
	ev_timer_start(loop, &estates->look);
}

/* Ports are not mapped: a descriptor of old does not reach new ones. */
static struct record_range memory_of(const struct hwb_bar *bar)
{
	if (bar->size == 0 || (bar->flags & HWB_BAR_IO) != 0)
		return (struct record_range){ 0, 0 };
	return (struct record_range){ bar->address, bar->address + (bar->size - 1) };
}

void estates_memory(const struct device *device, struct record_range memory[HWB_BARS])
{
	uint32_t count = 0;

	memset(memory, 0, HWB_BARS * sizeof(memory[0]));
	for (uint32_t i = 0; i < HWB_BARS; i++) {
		memory[count] = memory_of(&device->facts.bars[i]);
		count += memory[count].last != 0;
	}
}

static bool overlap(const struct record_range *a, const struct record_range *b)
{
	return a->last != 0 && b->last != 0 && a->first <= b->last && b->first <= a->last;
}

/* NULL: no memory, so that it may be anywhere. */
static struct estate *add(struct estates *estates, const struct record_range memory[HWB_BARS])
{
	struct estate *estate = calloc(1, sizeof(*estate));

	if (estate == NULL) {
		estates->unknown = true;
		return NULL;
	}
	memcpy(estate->memory, memory, sizeof(estate->memory));
	estate->next = estates->first;
	estates->first = estate;
	return estate;
}

/* One that never ends, unless it is there already. */
static void add_for_good(struct estates *estates, const struct record_range memory[HWB_BARS])
{
	for (const struct estate *estate = estates->first; estate != NULL; estate = estate->next)
		if (!estate->watched && memcmp(estate->memory, memory, sizeof(estate->memory)) == 0)
			return;
	add(estates, memory);
}

void estates_start(struct estates *estates)
{
	struct record_range memory[HWB_BARS] = { { 0, 0 } };

	estates->unknown = record_estate_anywhere();
	for (uint32_t i = 0; record_get_estate(i, &memory[0]); i++)
		add_for_good(estates, memory);
}

void estates_add_unseen(struct estates *estates, const struct record *record)
{
	if (record->placed)
		add_for_good(estates, record->memory);
	else
		estates->unknown = true;
	write_down(estates);
}

void estates_add(struct estates *estates, struct ev_loop *loop, struct device *device)
{
	struct unit *unit = &device->unit;
	struct record_range memory[HWB_BARS];
	bool held = witness_held(&unit->witness);

	prune(estates);
	estates_memory(device, memory);
	if (unit->loose)
		add_for_good(estates, memory);
	struct estate *estate = held ? add(estates, memory) : NULL;
	if (held)
		log_notice("%s: left the bus while a process still had its registers",
		           device->name);
	if (estate == NULL) {
		witness_close(&unit->witness);
	} else {
		estate->watched = true;
		estate->witness = unit->witness;
		unit->witness = (struct witness){ 0 };
		look_from_now_on(estates, loop);
	}
	if (held || unit->loose)
		write_down(estates);
}

static bool touches(const struct estate *estate, const struct record_range memory[HWB_BARS])
{
	for (uint32_t i = 0; i < HWB_BARS; i++)
		for (uint32_t j = 0; j < HWB_BARS; j++)
			if (overlap(&estate->memory[i], &memory[j]))
				return true;
	return false;
}

bool estates_touch(struct estates *estates, const struct device *device)
{
	struct record_range memory[HWB_BARS];

	prune(estates);
	estates_memory(device, memory);
	for (const struct estate *estate = estates->first; estate != NULL; estate = estate->next)
		if (touches(estate, memory))
			return true;
	return estates->unknown;
}

void estates_settle(struct estates *estates)
{
	prune(estates);
}

void estates_free(struct estates *estates, struct ev_loop *loop)
{
	while (estates->first != NULL)
		end(&estates->first);
	ev_timer_stop(loop, &estates->look);
}
