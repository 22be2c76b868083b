/* SPDX-License-Identifier: MIT */
/*
 * The one table of what the tool can do. --help is printed from it, completions are made
 * from it, and a test holds hwbroker-ctl(1) against it.
 */
#ifndef HWBROKER_CTL_COMMANDS_H
#define HWBROKER_CTL_COMMANDS_H

#include "command.h"

struct command {
	const char *verb;
	const char *object; /* the second word of its name; NULL: the verb stands alone */
	const char *words;  /* that come behind, as help shows them: "CLIENT RESOURCE"; or NULL */
	const char *about;
	int (*run)(const struct context *context);
	unsigned options; /* those of options.h that not every command has */
	/* How many words it takes. If there are fewer: "needs ..." */
	unsigned least, most;
	const char *needs;
};

extern const struct command commands[];
extern const unsigned command_count;

/* The command that `words` begin with, if what is behind is as many words as it takes, and
 * how many name it in `named`. NULL: none, and stderr says what would be right. */
const struct command *commands_find(unsigned count, char *const *words, unsigned *named);

/* All of --help. */
void commands_help(FILE *file);

#endif
