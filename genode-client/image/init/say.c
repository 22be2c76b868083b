/* SPDX-License-Identifier: MIT */
#include "say.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 512, FLUSH_TRIES = 100, FLUSH_MS = 10 };

static int console = STDERR_FILENO;

void say_open(void)
{
	int fd = open("/dev/console", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0)
		console = fd;
}

void say(const char *format, ...)
{
	char line[LINE];
	va_list arguments;
	int length = snprintf(line, sizeof(line), "hwb-init: ");

	va_start(arguments, format);
	int more = vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
	va_end(arguments);
	if (more < 0)
		return;
	size_t used = strlen(line);
	line[used++] = '\n';
	/* Nothing can be done about a console that does not take it. */
	ssize_t written = write(console, line, used);
	(void)written;
}

void say_lines(const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		say("%.*s", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

void say_flush(void)
{
	const struct timespec pause = { .tv_nsec = FLUSH_MS * 1000000L };
	int left = 0;

	for (int i = 0; i < FLUSH_TRIES && ioctl(console, TIOCOUTQ, &left) == 0 && left > 0; i++)
		nanosleep(&pause, NULL);
}
