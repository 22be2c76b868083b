/* SPDX-License-Identifier: MIT */
/* The operator's tool: reads the command line and runs the command that it names. */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
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

/* What is opened later must not become one of these, or what is printed would go there. Output
 * that was closed is one that cannot be written, and is told of. */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
}

/* A program, or a disk that is full, must not be taken for an answer. */
static int end_output(FILE *out, int status)
{
	int error = fflush(out) != 0 ? errno : 0;

	if (error == 0 && !ferror(out))
		return status;
	/* What was flushed before has its reason no more. */
	fprintf(stderr, "hwbroker-ctl: cannot write the output%s%s\n", error != 0 ? ": " : "",
	        error != 0 ? strerror(error) : "");
	return status == EXIT_OK ? EXIT_REFUSED : status;
}

int main(int argc, char **argv)
{
	struct context context = { .out = stdout };
	unsigned given, named;
	int status;

	hold_standard_descriptors();
	setlocale(LC_CTYPE, "C.UTF-8");
	int first = options_read(argc, argv, &context, &given, &status);
	if (first < 0)
		return end_output(stdout, status);
	if (first == argc) {
		commands_help(stderr);
		return EXIT_WRONG_USAGE;
	}
	if (strcmp(argv[first], "help") == 0) {
		commands_help(stdout);
		return end_output(stdout, EXIT_OK);
	}
	unsigned count = (unsigned)(argc - first);
	const struct command *command = commands_find(count, argv + first, &named);
	if (command == NULL || !options_fit(command, given))
		return EXIT_WRONG_USAGE;
	context.width = terminal_width();
	context.words = argv + first + named;
	context.word_count = count - named;
	return end_output(stdout, command->run(&context));
}
