/* SPDX-License-Identifier: MIT */
/*
 * One frame of `top': what the broker's lists say now, beside what they said before. Pure
 * text, as many lines and columns as fit; top_show.c fetches and draws.
 */
#ifndef HWBROKER_CTL_TOP_H
#define HWBROKER_CTL_TOP_H

#include <hwbroker/protocol.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What was fetched at one moment. */
struct top_view {
	double seconds; /* on a clock that nobody sets */
	struct hwb_status_reply status;
	char *problems; /* of the status, a line each */
	struct hwb_admin_client *clients;
	size_t client_count;
	struct hwb_admin_device *devices;
	size_t device_count;
	uint64_t *interrupts; /* of each device, or TOP_UNKNOWN */
};

#define TOP_UNKNOWN UINT64_MAX

struct top_frame {
	const struct top_view *now;
	const struct top_view *before; /* NULL: this is the first */
	unsigned columns, lines;       /* lines 0: all */
	bool colour;
};

/* As text whose lines end in "\n"; with colour, escape sequences among it. */
void top_print(FILE *out, const struct top_frame *frame);

/* The same for programs: one line of JSON, with the lists of `status', `list clients' and `list
 * devices'. `problems`: a line each. */
void top_json(FILE *out, const struct top_frame *frame, const char *problems);

/* Interrupts so far of the device at this address, in the text of /proc/interrupts, over
 * all processors and vectors; TOP_UNKNOWN: none is listed. */
uint64_t top_interrupts(const char *text, const char *address);

#endif
