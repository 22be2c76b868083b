/* SPDX-License-Identifier: MIT */
#include "util/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Less than a pipe takes at once. A terminal is slow and somebody looks at it: it
 * gets that long for a line, as long as it keeps up. */
enum { LINE = 1024, TERMINAL_MS = 200 };

static enum log_level highest = LOG_LEVEL_INFO;

/* What stderr was at the first line. */
static pthread_once_t looked = PTHREAD_ONCE_INIT;
static bool to_socket, to_terminal;

static void look_at_stderr(void)
{
	struct stat status;

	to_socket = fstat(STDERR_FILENO, &status) == 0 && S_ISSOCK(status.st_mode);
	to_terminal = !to_socket && isatty(STDERR_FILENO) != 0;
}

/* Held while a line is written, which does not wait: two threads that both see
 * room for one line in a pipe would. Guards what follows, and all limits. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t lost;

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

/* ---- a line ---- */

struct line {
	char text[LINE];
	size_t used;
	bool terminal; /* it is for */
};

static void append_list(struct line *line, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));

/* What does not fit is cut; there is always room for the newline. */
static void append_list(struct line *line, const char *format, va_list arguments)
{
	size_t room = sizeof(line->text) - line->used - 1;
	int length = vsnprintf(line->text + line->used, room, format, arguments);

	if (length > 0)
		line->used += (size_t)length < room ? (size_t)length : room - 1;
}

static void append(struct line *line, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static void append(struct line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append_list(line, format, arguments);
	va_end(arguments);
}

static void begin(struct line *line, enum log_level level)
{
	line->used = 0;
	pthread_once(&looked, look_at_stderr);
	line->terminal = to_terminal;
	if (line->terminal)
		append(line, "hwbrokerd: %s: ", word(level));
	else
		append(line, "<%d>", (int)level);
}

static void end(struct line *line)
{
	/* What a client named must not start a line of its own. */
	for (char *c = line->text; c < line->text + line->used; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	line->text[line->used++] = '\n';
}

/* ---- writing ---- */

/* The journal is a socket. Of anything else the descriptor is shared with others,
 * who want it as it is, so that it cannot be made not to block. */
static bool put(const struct line *line)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (to_socket &&
	    send(STDERR_FILENO, line->text, line->used, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	if (to_socket && errno != ENOTSOCK)
		return false;
	int patience = lost == 0 && line->terminal ? TERMINAL_MS : 0;
	return poll(&room, 1, patience) == 1 && room.revents == POLLOUT &&
	       write(STDERR_FILENO, line->text, line->used) >= 0;
}

static bool put_lost(void)
{
	struct line line;

	begin(&line, LOG_LEVEL_WARNING);
	append(&line, "%" PRIu32 " lines were lost here: the log did not take them", lost);
	end(&line);
	return put(&line);
}

/* With the lock held. */
static void put_or_lose(const struct line *line)
{
	if (lost != 0 && put_lost())
		lost = 0;
	if (lost != 0 || !put(line))
		lost++;
}

void log_line(enum log_level level, const char *format, ...)
{
	struct line line;
	va_list arguments;

	if (level > highest)
		return;
	begin(&line, level);
	va_start(arguments, format);
	append_list(&line, format, arguments);
	va_end(arguments);
	end(&line);
	pthread_mutex_lock(&lock);
	put_or_lose(&line);
	pthread_mutex_unlock(&lock);
}

/* ---- limits ---- */

bool log_limit_pass(struct log_limit *limit, int64_t now_ms)
{
	static const struct {
		int64_t burst, cost;
	} rates[] = {
		[LOG_RATE_MISTAKES] = { LOG_LIMIT_BURST, LOG_LIMIT_MS },
		[LOG_RATE_USE] = { LOG_USE_BURST, LOG_USE_MS },
		[LOG_RATE_REFUSALS] = { LOG_REFUSALS_BURST, LOG_REFUSALS_MS },
	};
	int64_t burst = rates[limit->rate].burst;
	int64_t cost = rates[limit->rate].cost;
	int64_t paid = limit->paid_until > now_ms ? limit->paid_until : now_ms;

	if (paid - now_ms > (burst - 1) * cost) {
		if (limit->left_out != UINT32_MAX)
			limit->left_out++;
		return false;
	}
	limit->paid_until = paid + cost;
	return true;
}

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool log_wants(enum log_level level)
{
	return level <= highest;
}

bool log_limit_take(struct log_limit *limit, uint32_t *left_out)
{
	*left_out = 0;
	if (limit == NULL)
		return true;
	pthread_mutex_lock(&lock);
	bool pass = log_limit_pass(limit, milliseconds());
	if (pass) {
		*left_out = limit->left_out;
		limit->left_out = 0;
	}
	pthread_mutex_unlock(&lock);
	return pass;
}

uint32_t log_limit_settle(struct log_limit *limit)
{
	uint32_t left_out = 0;

	pthread_mutex_lock(&lock);
	/* One that does not pass would be counted, as if it had been a line. */
	if (limit->left_out != 0) {
		uint32_t before = limit->left_out;
		if (log_limit_pass(limit, milliseconds())) {
			left_out = before;
			limit->left_out = 0;
		} else {
			limit->left_out = before;
		}
	}
	pthread_mutex_unlock(&lock);
	return left_out;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	struct log_limit none = { 0 };
	struct line line;
	va_list arguments;

	if (level > highest)
		return;
	if (limit == NULL)
		limit = &none;
	pthread_mutex_lock(&lock);
	if (log_limit_pass(limit, milliseconds())) {
		begin(&line, level);
		va_start(arguments, format);
		append_list(&line, format, arguments);
		va_end(arguments);
		if (limit->left_out != 0)
			append(&line, LOG_LEFT_OUT, limit->left_out);
		limit->left_out = 0;
		end(&line);
		put_or_lose(&line);
	}
	pthread_mutex_unlock(&lock);
}
