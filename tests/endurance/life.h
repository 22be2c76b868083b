/* SPDX-License-Identifier: MIT */
/* One connection of a client that does what comes to its mind, and ends as it likes. */
#ifndef HWBROKER_ENDURANCE_LIFE_H
#define HWBROKER_ENDURANCE_LIFE_H

#include <stdatomic.h>
#include <stdint.h>

/* Of all clients; shared by their processes. */
struct life_counts {
	atomic_uint lives;
	atomic_uint requests;
	atomic_uint devices;  /* acquired */
	atomic_uint refusals; /* for what others had, or for a limit */
	atomic_uint failures; /* any other refusal, or an end that nobody asked for */
};

/* The last moments may be those of the process. Says what fails on standard error. */
void life_live(uint64_t *random, struct life_counts *counts);

#endif
