/* SPDX-License-Identifier: MIT */
/*
 * Where a session's batches are carried out. What takes no time is done at once, on the
 * loop; what may wait (a POLL, or a device that answers late) is a job on a strand of the
 * session's own, in the lane of its client: a client that polls keeps its own batches
 * waiting, two threads at most, and nobody else.
 *
 * Embed it in the session, which lives until gone() is called. For the loop.
 */
#ifndef HWBROKERD_SESSION_BATCHER_H
#define HWBROKERD_SESSION_BATCHER_H

#include "server/request.h"
#include "session/batch/batch.h"

struct batcher {
	struct batch_window window;
	enum batch_form form;
	bool prompt; /* its accesses do not sleep: short batches need no thread */
	/* Called on the worker around a batch; may be NULL. */
	int (*enter)(const struct batch_window *window, struct fault *fault);
	void (*leave)(const struct batch_window *window);
	/* It was closed, and no job is left. */
	void (*gone)(struct batcher *batcher);

	struct strand strand;
	uint32_t jobs;
	bool closed;
	atomic_bool cut;
};

/* Once the fields above the strand are set. */
void batcher_start(struct batcher *batcher, const struct peer *peer);

/* Answers a batch of `count` records, now or later, in the order of the requests. */
void batcher_serve(struct batcher *batcher, const struct request *request, uint32_t count,
                   const void *records);

/* Nothing is begun any more, and what is under way ends soon, with HWB_GONE. */
void batcher_cut(struct batcher *batcher);
/* The same; gone() is called when it has ended, which may be now. */
void batcher_close(struct batcher *batcher);

#endif
