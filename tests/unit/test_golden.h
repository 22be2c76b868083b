/* SPDX-License-Identifier: MIT */
/*
 * What is printed goes into memory, and is compared with a file in tests/golden.
 *
 * UPDATE_GOLDEN=1 in the environment rewrites the files instead.
 */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include <stdio.h>

/* To print to, between these two, which are a fixture. */
extern FILE *out;
void golden_setup(void);
void golden_teardown(void);

/* All that was printed so far; printing ends with this. Valid until the next of these. */
const char *printed(void);
/* Begins once more. */
void anew(void);

/* The file, as "ctl/status.txt", has this text. */
void golden_is(const char *file, const char *text);
/* The file of hwbroker-ctl has what was printed, which is returned. */
const char *as_in(const char *name);

#endif
