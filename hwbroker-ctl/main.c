/* SPDX-License-Identifier: MIT */
/* The operator's tool: reads the command line and runs the command that it names. */
#include "options.h"

#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Columns of the terminal; 0: not one, so nothing is cut. */
static unsigned terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : 80;
}

int main(int argc, char **argv)
{
	struct context context = { .out = stdout };
	unsigned given, named;
	int status;

	setlocale(LC_CTYPE, "C.UTF-8");
	int first = options_read(argc, argv, &context, &given, &status);
	if (first < 0)
		return status;
	if (first == argc) {
		commands_help(stderr);
		return EXIT_WRONG_USAGE;
	}
	if (strcmp(argv[first], "help") == 0) {
		commands_help(stdout);
		return EXIT_OK;
	}
	unsigned count = (unsigned)(argc - first);
	const struct command *command = commands_find(count, argv + first, &named);
	if (command == NULL || !options_fit(command, given))
		return EXIT_WRONG_USAGE;
	context.width = terminal_width();
	context.words = argv + first + named;
	context.word_count = count - named;
	return command->run(&context);
}
