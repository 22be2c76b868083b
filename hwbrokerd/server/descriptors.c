/* SPDX-License-Identifier: MIT */
/* The soft limit is what is for everybody, the hard one what there is. */
#include "server/descriptors.h"

#include "util/log.h"
#include "util/pause.h"

#include <errno.h>
#include <ev.h>
#include <string.h>

/* Of the last descriptors; fewer if there are few. */
enum { ROOTS_DESCRIPTORS = 64, ROOTS_SHARE = 16 };

void descriptors_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	rlim_t share = limit.rlim_max / ROOTS_SHARE;
	limit.rlim_cur = limit.rlim_max - (share < ROOTS_DESCRIPTORS ? share : ROOTS_DESCRIPTORS);
	setrlimit(RLIMIT_NOFILE, &limit);
}

struct rlimit descriptors_all(void)
{
	struct rlimit before, all;

	getrlimit(RLIMIT_NOFILE, &before);
	all = before;
	all.rlim_cur = all.rlim_max;
	setrlimit(RLIMIT_NOFILE, &all);
	return before;
}

void descriptors_clients_only(const struct rlimit *before)
{
	setrlimit(RLIMIT_NOFILE, before);
}

/* ---- the loop ---- */

static struct rlimit before_loan;

static void on_loan_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)timer;
	(void)revents;
	descriptors_clients_only(&before_loan);
}

/* Until the loop's next round. */
static void lend_to_loop(void)
{
	static ev_timer loan;

	if (ev_is_active(&loan))
		return;
	before_loan = descriptors_all();
	ev_timer_init(&loan, on_loan_over, 0.0, 0.0);
	ev_timer_start(EV_DEFAULT, &loan);
}

/* libev makes its set of events anew when somebody has what was closed here, as the service
 * manager may what it keeps, and tries again as often as this returns. Who never gets one is
 * ended by the watchdog. */
static void on_loop_error(const char *what)
{
	enum { PAUSE_MS = 10, EACH = 500 };
	static unsigned tries;

	if (tries++ % EACH == 0)
		log_error("%s: %s; trying again", what, strerror(errno));
	lend_to_loop();
	pause_ms(PAUSE_MS);
}

void descriptors_guard_loop(void)
{
	ev_set_syserr_cb(on_loop_error);
}
