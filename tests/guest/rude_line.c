/* SPDX-License-Identifier: MIT */
/*
 * Has the keyboard's line by a UIO device and ill-treats what it was given for it, for suite
 * `lines': the descriptors are made to block, the unmask eventfd is full or just read empty when
 * the broker looks, the trigger strikes each nanosecond. Another connection is served meanwhile,
 * or status 1 and a sentence say that it was not.
 */
#include "example.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define KEYBOARD 1
#define LASTS 4.0    /* seconds */
#define PATIENCE 1.0 /* seconds, on an emulated machine */

static int trigger, unmask;
static atomic_bool over;

static void make_block(struct example *example, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	example_check(example, flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0,
	              "a descriptor that blocks");
}

static void *fill(void *none)
{
	uint64_t most = UINT64_MAX - 1;

	while (!atomic_load(&over))
		if (write(unmask, &most, sizeof(most)) < 0 && errno != EAGAIN)
			break;
	return none;
}

static void *empty(void *none)
{
	uint64_t count;

	while (!atomic_load(&over))
		if (read(unmask, &count, sizeof(count)) < 0 && errno != EAGAIN)
			break;
	return none;
}

static void strike_always(struct example *example)
{
	const struct itimerspec clock = { { 0, 1 }, { 0, 1 } };

	example_check(example, timerfd_settime(trigger, 0, &clock, NULL) == 0,
	              "a trigger that strikes");
}

int main(void)
{
	struct example example, other;
	struct hwb_line line;
	pthread_t threads[2];
	double longest = 0, end;
	int fds[2];

	example_start(&example, "rude-line");
	example_start(&other, "rude-line");
	example_demand(&example,
	               hwb_irq_open_number(example.client, KEYBOARD, &line, fds, &example.error),
	               "the line");
	example_check(&example, line.source == HWB_LINE_UIO, "by a UIO device");
	trigger = fds[0];
	unmask = fds[1];
	make_block(&example, trigger);
	make_block(&example, unmask);
	if (pthread_create(&threads[0], NULL, fill, NULL) != 0 ||
	    pthread_create(&threads[1], NULL, empty, NULL) != 0)
		example_die(&example, "no threads");
	end = example_now() + LASTS;
	while (example_now() < end) {
		strike_always(&example);
		example_demand(&example, hwb_irq_ack(example.client, line.session, &example.error),
		               "acknowledging");
		double before = example_now();
		example_demand(&other, hwb_ping(other.client, &other.error), "being served");
		if (example_now() - before > longest)
			longest = example_now() - before;
	}
	printf("the other connection waited %.3f s at most\n", longest);
	example_check(&example, longest <= PATIENCE, "within %.0f s", PATIENCE);
	example_demand(&example, hwb_close(example.client, line.session, &example.error),
	               "closing the line");
	atomic_store(&over, true);
	return example_end(&example); /* though threads may wait for each other */
}
