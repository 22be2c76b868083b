/* SPDX-License-Identifier: MIT */
/* The program's beginning; what compilers take for granted of <string.h> is beside it. */
#ifndef STAND_IN_START_H
#define STAND_IN_START_H

/* The program; its result is the exit status. */
int stand_in(int argc, char **argv, char **environment);

#endif
