/* SPDX-License-Identifier: MIT */
/* The program's beginning, and what compilers take for granted. */
#ifndef STAND_IN_START_H
#define STAND_IN_START_H

#include <stddef.h>

/* The program; its result is the exit status. */
int stand_in(int argc, char **argv, char **environment);

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
