/* SPDX-License-Identifier: MIT */
/* `run': a program with the legacy ports of a client. What has the capability to give them
 * is another program, which is small. */
#include "run.h"

#include "command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int run_program(const struct context *context)
{
	const char *refused = NULL;

	if (context->as == NULL)
		refused = "needs --as CLIENT, as the policy names you";
	else if (context->socket != NULL)
		refused = "does not take --socket: it asks the broker of this system";
	if (refused != NULL) {
		fprintf(stderr, "hwbroker-ctl: run %s\nTry `hwbroker-ctl --help'.\n", refused);
		return EXIT_WRONG_USAGE;
	}
	char **words = calloc(context->word_count + 3, sizeof(*words));
	if (words == NULL) {
		fputs("hwbroker-ctl: run: no memory\n", stderr);
		return RUN_CANNOT_START;
	}
	words[0] = (char *)"hwbroker-ports";
	words[1] = (char *)context->as;
	memcpy(words + 2, context->words, context->word_count * sizeof(*words));
	execv(HWBROKER_PORTS_PATH, words);
	fprintf(stderr, "hwbroker-ctl: run: cannot execute " HWBROKER_PORTS_PATH ": %s\n",
	        strerror(errno));
	free(words);
	return RUN_CANNOT_START;
}
