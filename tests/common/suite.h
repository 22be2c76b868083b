/* SPDX-License-Identifier: MIT */
/* How the programs of tests end that are written with Check. */
#ifndef HWBROKER_TESTS_SUITE_H
#define HWBROKER_TESTS_SUITE_H

#include <check.h>

/* Runs its tests, as the environment has it (CK_RUN_CASE, CK_VERBOSITY, CK_FORK), says which
 * failed, and frees it. What main() returns. */
int suite_run(Suite *suite);

#endif
