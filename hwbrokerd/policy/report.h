/* SPDX-License-Identifier: MIT */
/*
 * Mistakes found in a policy. All of them are collected, so that a person
 * repairs a file in one go, and told in the order of files and lines however
 * late a check found them.
 */
#ifndef HWBROKERD_POLICY_REPORT_H
#define HWBROKERD_POLICY_REPORT_H

#include "policy/place.h"
#include "util/fault.h"

#include <stdbool.h>

enum { REPORT_MAX = 200 }; /* mistakes that are told; the others are counted */

struct mistake {
	uint32_t place;
	uint32_t order;
	char *text;
};

struct report {
	struct mistake *mistakes;
	uint32_t count;
	uint32_t capacity;
	uint32_t untold;
	bool out_of_memory;
	bool unread; /* the host lacked something: the next time there may be no mistake */
};

void report_add(struct report *report, uint32_t place, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The same with a fault's reason, in which the host may be what is short of something. */
void report_fault(struct report *report, uint32_t place, const struct fault *fault);

/* Notes that of a fault that is told in other words. */
void report_host(struct report *report, const struct fault *fault);

/* How many there are, told or not. */
uint32_t report_count(const struct report *report);
/* Of what is added now nothing but the number is told. */
bool report_full(const struct report *report);

bool report_clean(const struct report *report);

/* "FILE:LINE: mistake" lines, each ended by a newline, to be freed by the
 * caller; NULL if memory is out. Sorts the report. `files`: the names of those that places
 * are in; what concerns none of them goes by the first name. */
char *report_text(struct report *report, const char *const *files);

/* Frees what the report holds, not the report. */
void report_release(struct report *report);

#endif
