/* SPDX-License-Identifier: MIT */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level highest = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	highest = level;
}

static const char *word(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_NOTICE:
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		break;
	}
	return "debug";
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list arguments;

	if (level > highest)
		return;
	int length = isatty(STDERR_FILENO)
	                     ? snprintf(line, sizeof(line), "hwbrokerd: %s: ", word(level))
	                     : snprintf(line, sizeof(line), "<%d>", (int)level);
	size_t used = (size_t)length;
	va_start(arguments, format);
	length = vsnprintf(line + used, sizeof(line) - used - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	used += (size_t)length;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	/* What a client named must not start a line of its own. */
	for (char *c = line; c < line + used; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	line[used++] = '\n';
	/* A log that cannot be written must not stop the daemon. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}
