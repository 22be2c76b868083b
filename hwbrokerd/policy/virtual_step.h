/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the virtual functions of a device by what is wanted of it and what is there.
 * The daemon goes by it (session/bus/virtual.c), and whoever tells beforehand.
 */
#ifndef HWBROKERD_POLICY_VIRTUAL_STEP_H
#define HWBROKERD_POLICY_VIRTUAL_STEP_H

#include <stdbool.h>
#include <stdint.h>

/* What is decided for one device. */
struct virtual_case {
	uint16_t wanted; /* 0: no rule */
	bool restore;    /* of that rule */
	uint16_t now, max;
	bool ours;         /* those that are there were made by a daemon */
	bool ours_restore; /* whose rule said so */
	bool used;         /* one of them is with a client, or on its way back */
};

enum virtual_step {
	VIRTUAL_KEEP,   /* as it is */
	VIRTUAL_NOTE,   /* write down that `restore` is another */
	VIRTUAL_CHANGE, /* to `wanted` */
	VIRTUAL_WAIT,   /* until none is in use */
	VIRTUAL_EXCESS, /* more than there can be */
	VIRTUAL_FOREIGN /* made by somebody else, and not as many */
};

/* Pure. */
enum virtual_step virtual_step(const struct virtual_case *about);

#endif
