/* SPDX-License-Identifier: MIT */
/*
 * A batch: operations on ports, or on memory, that are checked as a whole and then carried
 * out in order. What it reaches is a window: a range, and two functions that read and write
 * in it. Nothing here knows whose the range is, or how it is reached: port/io_port.c,
 * memory/io_mem.c and batch_job.c do.
 *
 * Of the wire format (protocol.h) this is the only reader: an operation takes one record, or
 * more if it needs a mask, or carries many values.
 */
#ifndef HWBROKERD_SESSION_BATCH_H
#define HWBROKERD_SESSION_BATCH_H

#include "util/fault.h"

#include <stdatomic.h>
#include <stdbool.h>

struct batch_window {
	uint64_t base; /* what an operation names is within base .. base + size - 1 */
	uint64_t size;
	uint32_t widest; /* bytes of one access: 4 or 8 */
	bool aligned;    /* a place is a multiple of the width */
	/* `place` has been checked. Called in the order of the batch, on one thread at a time. */
	int (*read)(const struct batch_window *window, uint64_t place, uint32_t width,
	            uint64_t *value, struct fault *fault);
	/* NULL: only for reading. */
	int (*write)(const struct batch_window *window, uint64_t place, uint32_t width,
	             uint64_t value, struct fault *fault);
	void *context; /* of these */
	uint64_t start;
};

enum batch_form { BATCH_PORTS, BATCH_MEMORY };

struct batch {
	enum batch_form form;
	uint32_t count; /* of records */
	/* Found by batch_check(). */
	uint32_t accesses;     /* reads and writes; a POLL is one */
	uint32_t microseconds; /* that it may wait */
	bool polls;
	uint32_t stopped; /* as the reply says */
	uint32_t at;      /* record of the operation at fault */
	union {
		struct hwb_port_op ports[HWB_PORT_OPS_MAX];
		struct hwb_mem_op memory[HWB_MEM_OPS_MAX];
	} records;
};

/* Copies the `count` records that follow the head of a request; the codec has counted them. */
void batch_read(struct batch *batch, enum batch_form form, uint32_t count, const void *records);

/* Whether each operation may be. On failure `batch->at` is the one at fault. */
int batch_check(struct batch *batch, const struct batch_window *window, struct fault *fault);

/* Carries them out; what was read is in the records. `cut`, which may be NULL, is set by
 * another thread when the window is no more: HWB_GONE. On failure of an access those before
 * `batch->at` have been carried out. */
int batch_run(struct batch *batch, const struct batch_window *window, atomic_bool *cut,
              struct fault *fault);

/* Bytes of the records. */
size_t batch_size(const struct batch *batch);

/* Where in a request record `at` is, for its refusal. */
uint32_t batch_field(const struct batch *batch);

#endif
