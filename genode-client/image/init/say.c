/* SPDX-License-Identifier: MIT */
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 512, PAUSE_MS = 5, TRIES = 200 };

static int console = STDERR_FILENO;
static struct termios settings; /* of the console when init began */
static bool has_settings;
static unsigned lost; /* lines that the console has not taken, one after the other */

static void pause_a_little(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	nanosleep(&pause, NULL);
}

void say_open(void)
{
	int fd = open("/dev/console", O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0)
		console = fd;
	has_settings = fd >= 0 && tcgetattr(fd, &settings) == 0;
}

void say_restore(void)
{
	if (!has_settings)
		return;
	tcsetattr(console, TCSANOW, &settings);
	tcflow(console, TCOON);
}

/* Others write to it at the same time, and are waited for; but once a line was lost, only a
 * console that takes it at once gets the next. */
static bool put(const char *text, size_t length)
{
	unsigned tries = lost == 0 ? TRIES : 1;

	while (length > 0 && tries > 0) {
		ssize_t written = write(console, text, length);
		if (written < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (written > 0) {
			text += written;
			length -= (size_t)written;
			continue;
		}
		tries--;
		if (tries > 0)
			pause_a_little();
	}
	return length == 0;
}

static bool put_lost(void)
{
	char line[LINE];
	int length = snprintf(line, sizeof(line), "\nhwb-init: %u lines were lost here\n", lost);

	return put(line, (size_t)length);
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
	if (lost != 0 && put_lost())
		lost = 0;
	if (lost != 0 || !put(line, used))
		lost++;
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
	int left = 0;

	for (int i = 0; i < TRIES && ioctl(console, TIOCOUTQ, &left) == 0 && left > 0; i++)
		pause_a_little();
}
