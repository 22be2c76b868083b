/* SPDX-License-Identifier: MIT */
/*
 * The one log function: a line to stderr with the kernel's <N> priority prefix,
 * which the journal understands (sd-daemon(3)). On a terminal the prefix is a
 * word. Safe from any thread; one write per line.
 *
 * It does not wait. Who reads the log may be stuck, and the broker must not be for
 * that: a line that is not taken at once (by a terminal, soon) is lost, and the
 * next one that is taken comes after a line that says how many were.
 */
#ifndef HWBROKERD_UTIL_LOG_H
#define HWBROKERD_UTIL_LOG_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

/* Values as in syslog(3). */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Lines above this level are dropped. Set once before threads start. */
void log_set_level(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * For lines that a client can cause, and so as many as it likes. Everybody who
 * is to be heard beside the others has a limit of his own: each client, and
 * each place for those who are no client. Zero but for `rate` at first.
 */
enum log_rate {
	LOG_RATE_MISTAKES,
	LOG_RATE_USE,      /* of what usual work says, and the audit trail is made of */
	LOG_RATE_REFUSALS, /* of them one or two are a mistake, and many a flood */
};

struct log_limit {
	enum log_rate rate;
	int64_t paid_until; /* CLOCK_MONOTONIC in ms: a line costs some */
	uint32_t left_out;  /* since the last line that passed */
};

/* So many lines at once, and from then on one in so many milliseconds, by the rate. The
 * journal takes 10000 of all together in 30 s (journald.conf(5)). */
enum {
	LOG_LIMIT_BURST = 10,
	LOG_LIMIT_MS = 5000,
	LOG_USE_BURST = 200,
	LOG_USE_MS = 100,
	LOG_REFUSALS_BURST = 50,
	LOG_REFUSALS_MS = 5000
};

/* As log_line(), or nothing; the next line of this limit that is written then
 * says how many were left out. NULL: no limit. */
void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Whether a line may be written at this time of CLOCK_MONOTONIC; books it. */
bool log_limit_pass(struct log_limit *limit, int64_t now_ms);

/* For who writes elsewhere than log_limited(): whether a line of this level is wanted; whether
 * one may be written now, and how many were left out before it; and how many were left out
 * that may be told of now, 0 if none or not yet. NULL: no limit. */
bool log_wants(enum log_level level);
bool log_limit_take(struct log_limit *limit, uint32_t *left_out);
uint32_t log_limit_settle(struct log_limit *limit);

#define LOG_LEFT_OUT " (%" PRIu32 " such lines before were left out)"

#endif
