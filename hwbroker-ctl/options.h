/* SPDX-License-Identifier: MIT */
/* The options of the command line, in one table. */
#ifndef HWBROKER_CTL_OPTIONS_H
#define HWBROKER_CTL_OPTIONS_H

#include "commands.h"

/* Those that not every command has. */
enum {
	OPTION_JSON = 1,
	OPTION_AS = 2,
	OPTION_FRAMEBUFFER = 4,
	OPTION_NOW = 8,
	OPTION_SVG = 16,
	OPTION_ONCE = 32,
	OPTION_CLIENT = 64,
	OPTION_USER = 128,
	OPTION_LEGACY = 256 /* what no device has */
};

struct option_about {
	const char *name;     /* without the dashes */
	const char *argument; /* what help calls it; NULL: none */
	unsigned bit;         /* 0: every command has it */
	const char *about;    /* a newline where a line ends */
};

extern const struct option_about options[];
extern const unsigned option_count;

/* Fills the context; permutes `argv`, and returns the index of the first word that is no
 * option. -1: ended by --help or --version, or by a mistake that stderr names: `status`
 * is what to end with. */
int options_read(int argc, char **argv, struct context *context, unsigned *given, int *status);

/* Whether the command takes all that were given; if not, stderr says which. */
bool options_fit(const struct command *command, unsigned given);

void options_help(FILE *file);

#endif
