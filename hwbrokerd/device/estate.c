/* SPDX-License-Identifier: MIT */
#include "device/estate.h"

#include "device/record.h"
#include "util/log.h"

#include <stdlib.h>

/* How long a descriptor may be kept for a mapping that is gone. */
#define LOOK_SECONDS 1.0

struct estate {
	struct estate *next;
	struct witness witness;
	struct hwb_bar bars[HWB_BARS];
};

static void end(struct estate **link)
{
	struct estate *estate = *link;

	*link = estate->next;
	witness_close(&estate->witness);
	free(estate);
}

static void prune(struct estates *estates)
{
	struct estate **link = &estates->first;

	while (*link != NULL)
		if (witness_held(&(*link)->witness))
			link = &(*link)->next;
		else
			end(link);
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
	struct estates *estates = timer->data;
	(void)revents;

	prune(estates);
	if (estates->first == NULL)
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

void estates_add(struct estates *estates, struct ev_loop *loop, struct device *device)
{
	struct unit *unit = &device->unit;

	prune(estates);
	bool held = witness_held(&unit->witness);
	struct estate *estate = held ? calloc(1, sizeof(*estate)) : NULL;
	if (unit->loose || (held && estate == NULL))
		estates->unknown = true;
	if (held || unit->loose)
		record_note_estate();
	if (estate == NULL) {
		witness_close(&unit->witness);
		return;
	}
	log_notice("%s: left the bus while a process still had its registers", device->name);
	estate->witness = unit->witness;
	unit->witness = (struct witness){ 0 };
	for (uint32_t i = 0; i < HWB_BARS; i++)
		estate->bars[i] = device->facts.bars[i];
	estate->next = estates->first;
	estates->first = estate;
	look_from_now_on(estates, loop);
}

/* Ports are not mapped: a descriptor of old does not reach new ones. */
static bool has_memory(const struct hwb_bar *bar)
{
	return bar->size != 0 && (bar->flags & HWB_BAR_IO) == 0;
}

static bool overlap(const struct hwb_bar *a, const struct hwb_bar *b)
{
	return has_memory(a) && has_memory(b) && a->address <= b->address + (b->size - 1) &&
	       b->address <= a->address + (a->size - 1);
}

static bool touches(const struct estate *estate, const struct device *device)
{
	for (uint32_t i = 0; i < HWB_BARS; i++)
		for (uint32_t j = 0; j < HWB_BARS; j++)
			if (overlap(&estate->bars[i], &device->facts.bars[j]))
				return true;
	return false;
}

bool estates_touch(struct estates *estates, const struct device *device)
{
	prune(estates);
	for (const struct estate *estate = estates->first; estate != NULL; estate = estate->next)
		if (touches(estate, device))
			return true;
	return estates->unknown;
}

void estates_free(struct estates *estates, struct ev_loop *loop)
{
	while (estates->first != NULL)
		end(&estates->first);
	ev_timer_stop(loop, &estates->look);
}
