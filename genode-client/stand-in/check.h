/* SPDX-License-Identifier: MIT */
/* Results: one line per check, `ok NAME' or `not ok NAME: why'. */
#ifndef STAND_IN_CHECK_H
#define STAND_IN_CHECK_H

#include <hwbroker/client.h>
#include <stdbool.h>

/* The names of those that follow begin with this. */
void check_begin(const char *name);

/* From now on only what fails is told. */
void check_quiet(void);

/* Each says whether it held. `why` and what follows tell what was found instead. */
__attribute__((format(printf, 3, 4))) bool check(bool good, const char *name, const char *why, ...);

/* A request went well; `error` is what it had for a refusal. */
bool check_result(int result, const struct hwb_error *error, const char *name);

/* A request was refused so. */
bool check_refused(int result, enum hwb_status status, const struct hwb_error *error,
                   const char *name);

/* How many did not hold, and how many did. */
unsigned check_bad(void);
unsigned check_good(void);

#endif
