/* SPDX-License-Identifier: MIT */
/*
 * What init has to say goes to the console, a line at a time. It waits for the console no
 * longer than a second: a session that has it, too, can stop its output, and lines are lost
 * then.
 */
#ifndef HWB_INIT_SAY_H
#define HWB_INIT_SAY_H

/* From now on to /dev/console; before, and if there is none, to standard error. */
void say_open(void);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The console's output goes on, with its first settings: a session has ended that could stop
 * and change it. */
void say_restore(void);

/* Each line of the text, as it is. */
void say_lines(const char *text);

/* Waits a little until the console has it all. */
void say_flush(void);

#endif
