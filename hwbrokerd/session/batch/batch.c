/* SPDX-License-Identifier: MIT */
#include "session/batch/batch.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* However little was asked for, a device that answers each read late must not keep a thread. */
#define RUN_SECONDS 1.0
/* A POLL looks without a pause for so long, as most registers change at once. */
#define SPIN_SECONDS 20e-6
enum { PAUSE_NANOSECONDS = 50000, LOOK_AT_CLOCK_EVERY = 16 };

/* An operation, whatever the form. */
struct operation {
	uint64_t place;
	uint32_t action; /* enum hwb_batch_action */
	uint32_t width;
	uint64_t *value64; /* in the records: one of these two */
	uint32_t *value32;
	uint64_t value;
	uint64_t mask; /* MODIFY, POLL */
	uint32_t microseconds;
	unsigned char *values; /* REPEAT, BLOCK */
	uint32_t records;      /* that it takes */
};

/* ---- reading ---- */

/* Of an action that there is. */
static bool is_among(uint32_t action, unsigned actions)
{
	return (actions >> action & 1) != 0;
}

static bool has_operand(uint32_t action)
{
	return is_among(action, 1u << HWB_BATCH_MODIFY | 1u << HWB_BATCH_POLL);
}

static bool has_values(uint32_t action)
{
	return action >= HWB_BATCH_READ_REPEAT && action <= HWB_BATCH_WRITE_BLOCK;
}

static bool reads_values(uint32_t action)
{
	return is_among(action, 1u << HWB_BATCH_READ_REPEAT | 1u << HWB_BATCH_READ_BLOCK);
}

static bool writes(uint32_t action)
{
	return is_among(action, 1u << HWB_BATCH_WRITE | 1u << HWB_BATCH_WRITE_REPEAT |
	                                1u << HWB_BATCH_WRITE_BLOCK | 1u << HWB_BATCH_MODIFY);
}

/* One record is all of it. */
static bool is_single(uint32_t action)
{
	return action <= HWB_BATCH_WRITE;
}

static uint32_t record_size(const struct batch *batch)
{
	return batch->form == BATCH_PORTS ? sizeof(struct hwb_port_op) : sizeof(struct hwb_mem_op);
}

size_t batch_size(const struct batch *batch)
{
	return (size_t)batch->count * record_size(batch);
}

uint32_t batch_field(const struct batch *batch)
{
	return (uint32_t)(sizeof(struct hwb_header) + sizeof(struct hwb_mem_batch)) +
	       batch->at * record_size(batch);
}

void batch_read(struct batch *batch, enum batch_form form, uint32_t count, const void *records)
{
	batch->form = form;
	batch->count = count;
	batch->stopped = 0;
	if (count != 0) /* else there may be no records at all */
		memcpy(&batch->records, records, batch_size(batch));
}

/* More than one record, of which `value` may say how many. */
static uint32_t records_of(const struct batch *batch, const struct operation *operation)
{
	if (operation->action > HWB_BATCH_POLL)
		return 1; /* and refused */
	if (has_operand(operation->action))
		return 2;
	if (operation->value > HWB_MESSAGE_MAX)
		return 1;
	return 1 + ((uint32_t)operation->value * operation->width + record_size(batch) - 1) /
	                   record_size(batch);
}

/* The fields of the record. Twice for each operation of every batch: what only some operations
 * have, `mask' and `microseconds', is left to decode_operand(). Widths are known to be fine only
 * if `batch_check' has passed. */
static inline void decode(struct batch *batch, uint32_t at, struct operation *operation)
{
	if (batch->form == BATCH_PORTS) {
		struct hwb_port_op *record = &batch->records.ports[at];
		operation->place = record->port;
		operation->action = record->action;
		operation->width = record->width;
		operation->value = record->value;
		operation->value32 = &record->value;
		operation->value64 = NULL;
		operation->values = (unsigned char *)(record + 1);
	} else {
		struct hwb_mem_op *record = &batch->records.memory[at];
		operation->place = record->offset;
		operation->action = record->action;
		operation->width = record->width;
		operation->value = record->value;
		operation->value32 = NULL;
		operation->value64 = &record->value;
		operation->values = (unsigned char *)(record + 1);
	}
	operation->records = is_single(operation->action) ? 1 : records_of(batch, operation);
}

/* The second record, which is there. */
static void decode_operand(struct batch *batch, uint32_t at, struct operation *operation)
{
	if (batch->form == BATCH_PORTS) {
		struct hwb_port_operand operand;
		memcpy(&operand, &batch->records.ports[at + 1], sizeof(operand));
		operation->mask = operand.mask;
		operation->microseconds = operand.microseconds;
	} else {
		struct hwb_mem_operand operand;
		memcpy(&operand, &batch->records.memory[at + 1], sizeof(operand));
		operation->mask = operand.mask;
		operation->microseconds = operand.microseconds;
	}
}

/* ---- checking ----
 *
 * Sentences count records from 1, as `stopped' does. */

static bool all_zero(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static bool is_width(const struct batch_window *window, uint32_t width)
{
	return width != 0 && (width & (width - 1)) == 0 && width <= window->widest;
}

static int check_place(uint32_t number, const struct batch_window *window,
                       const struct operation *operation, struct fault *fault)
{
	bool block = operation->action == HWB_BATCH_READ_BLOCK ||
	             operation->action == HWB_BATCH_WRITE_BLOCK;
	uint64_t bytes = operation->width * (block ? operation->value : 1);

	if (window->aligned && operation->place % operation->width != 0)
		return fault_set(fault, HWB_INVALID,
		                 "record %u: 0x%" PRIx64 " is no multiple of %u, its width", number,
		                 operation->place, operation->width);
	if (operation->place < window->base || operation->place - window->base > window->size ||
	    bytes > window->size - (operation->place - window->base))
		return fault_set(fault, HWB_INVALID,
		                 "record %u: 0x%" PRIx64 ", %" PRIu64
		                 " bytes wide, is not within 0x%" PRIx64 "-0x%" PRIx64,
		                 number, operation->place, bytes, window->base,
		                 window->base + window->size - 1);
	return 0;
}

static int check_operand(struct batch *batch, struct operation *operation, struct fault *fault)
{
	uint32_t index = batch->at;

	decode_operand(batch, index, operation);
	if (batch->form == BATCH_MEMORY) {
		struct hwb_mem_operand operand;
		memcpy(&operand, &batch->records.memory[index + 1], sizeof(operand));
		if (operand.reserved != 0)
			return fault_set(fault, HWB_RESERVED_NOT_ZERO,
			                 "record %u: a reserved field is not zero", index + 2);
	}
	if (operation->action == HWB_BATCH_MODIFY && operation->microseconds != 0)
		return fault_set(fault, HWB_RESERVED_NOT_ZERO,
		                 "record %u: only a POLL has microseconds", index + 2);
	if (operation->microseconds > HWB_BATCH_POLL_MAX - batch->microseconds)
		return fault_set(fault, HWB_INVALID,
		                 "record %u: the batch would poll for longer than %u microseconds "
		                 "in all",
		                 index + 2, HWB_BATCH_POLL_MAX);
	batch->microseconds += operation->microseconds;
	batch->polls |= operation->action == HWB_BATCH_POLL;
	batch->accesses += operation->action == HWB_BATCH_POLL ? 1 : 2;
	return 0;
}

static int check_values(struct batch *batch, const struct operation *operation, struct fault *fault)
{
	size_t used = (size_t)operation->value * operation->width;
	size_t room = (size_t)(operation->records - 1) * record_size(batch);
	size_t from = reads_values(operation->action) ? 0 : used;

	if (!all_zero(operation->values + from, room - from))
		return fault_set(fault, HWB_RESERVED_NOT_ZERO,
		                 "record %u: what is behind it and not to be written is not zero",
		                 batch->at + 1);
	batch->accesses += (uint32_t)operation->value;
	return 0;
}

/* How many records from `batch->at' on are each a read or a write of one port that nothing
 * speaks against, as most are. What speaks against the next, check_one() says. */
static uint32_t count_plain(const struct batch *batch, const struct batch_window *window)
{
	const uint8_t last = window->write != NULL ? HWB_BATCH_WRITE : HWB_BATCH_READ;
	const uint64_t base = window->base, end = base + window->size;
	uint32_t at = batch->at;

	if (batch->form != BATCH_PORTS || window->aligned)
		return 0;
	for (; at < batch->count; at++) {
		const struct hwb_port_op *op = &batch->records.ports[at];
		if (op->action > last || !is_width(window, op->width) || op->port < base ||
		    (uint64_t)op->port + op->width > end)
			break;
	}
	return at - batch->at;
}

static int check_one(struct batch *batch, const struct batch_window *window,
                     struct operation *operation, struct fault *fault)
{
	uint32_t index = batch->at;

	decode(batch, index, operation);
	if (operation->action > HWB_BATCH_POLL || !is_width(window, operation->width))
		return fault_set(fault, HWB_INVALID,
		                 "record %u: action is %u (0 to %u), width is %u (1, 2, 4%s)",
		                 index + 1, operation->action, HWB_BATCH_POLL, operation->width,
		                 window->widest == 8 ? " or 8" : "");
	if (window->write == NULL && writes(operation->action))
		return fault_set(fault, HWB_DENIED,
		                 "record %u: the policy gives this only for reading; it needs "
		                 "`write = yes'",
		                 index + 1);
	if (batch->form == BATCH_MEMORY && batch->records.memory[index].reserved != 0)
		return fault_set(fault, HWB_RESERVED_NOT_ZERO,
		                 "record %u: a reserved field is not zero", index + 1);
	/* No batch has room for as many as HWB_MESSAGE_MAX. */
	if (has_values(operation->action) &&
	    (operation->value == 0 || operation->value > HWB_MESSAGE_MAX))
		return fault_set(fault, HWB_INVALID,
		                 "record %u: %" PRIu64 " values: at least 1, and no more than fit",
		                 index + 1, operation->value);
	if (operation->records > batch->count - index)
		return fault_set(fault, HWB_INVALID,
		                 "record %u: its operation needs %u records, and %u are left",
		                 index + 1, operation->records, batch->count - index);
	if (check_place(index + 1, window, operation, fault) != 0)
		return -1;
	if (is_single(operation->action)) {
		batch->accesses++;
		return 0;
	}
	return has_operand(operation->action) ? check_operand(batch, operation, fault)
	                                      : check_values(batch, operation, fault);
}

int batch_check(struct batch *batch, const struct batch_window *window, struct fault *fault)
{
	struct operation operation;

	batch->accesses = 0;
	batch->microseconds = 0;
	batch->polls = false;
	for (batch->at = 0;; batch->at += operation.records) {
		uint32_t plain = count_plain(batch, window);
		batch->accesses += plain;
		batch->at += plain;
		if (batch->at == batch->count)
			return 0;
		if (check_one(batch, window, &operation, fault) != 0)
			return -1;
	}
}

/* ---- carrying out ---- */

struct run {
	struct batch *batch;
	const struct batch_window *window;
	atomic_bool *cut;
	double began; /* 0: the clock was not looked at */
	uint32_t accesses;
	struct fault *fault;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int was_cut(const struct run *run)
{
	return fault_set(run->fault, HWB_GONE, "taken back, or closed, meanwhile");
}

static int look_at_clock(struct run *run)
{
	double time = now();

	if (run->began == 0)
		run->began = time;
	if (time - run->began <= RUN_SECONDS + (double)run->batch->microseconds / 1e6)
		return 0;
	return fault_set(run->fault, HWB_HOST_ERROR,
	                 "record %u: the batch takes longer than a second; what is before it was "
	                 "carried out",
	                 run->batch->at + 1);
}

/* Before each access. */
static inline int go_on(struct run *run)
{
	if (run->cut != NULL && atomic_load_explicit(run->cut, memory_order_acquire))
		return was_cut(run);
	return ++run->accesses % LOOK_AT_CLOCK_EVERY != 0 ? 0 : look_at_clock(run);
}

static inline int get(struct run *run, uint64_t place, uint32_t width, uint64_t *value)
{
	return go_on(run) != 0 ? -1
	                       : run->window->read(run->window, place, width, value, run->fault);
}

static int put(struct run *run, uint64_t place, uint32_t width, uint64_t value)
{
	return go_on(run) != 0 ? -1
	                       : run->window->write(run->window, place, width, value, run->fault);
}

static void result(const struct operation *operation, uint64_t value)
{
	if (operation->value32 != NULL)
		*operation->value32 = (uint32_t)value;
	else
		*operation->value64 = value;
}

static uint64_t low(uint64_t value, uint32_t width)
{
	return width == 8 ? value : value & (((uint64_t)1 << 8 * width) - 1);
}

/* 1: the time is up. */
static int poll(struct run *run, const struct operation *operation)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NANOSECONDS };
	double begin = now();
	uint64_t wanted = low(operation->value & operation->mask, operation->width);
	uint64_t mask = low(operation->mask, operation->width);
	uint64_t value = 0;

	for (;;) {
		/* Looked at before the read: however late this thread is woken, the last
		 * read is one at the end of the time. */
		double passed = now() - begin;
		if (get(run, operation->place, operation->width, &value) != 0)
			return -1;
		result(operation, value);
		if ((value & mask) == wanted)
			return 0;
		if (passed * 1e6 >= operation->microseconds)
			return 1;
		if (passed > SPIN_SECONDS)
			nanosleep(&pause, NULL);
	}
}

static int modify(struct run *run, const struct operation *operation)
{
	uint64_t old;

	if (get(run, operation->place, operation->width, &old) != 0)
		return -1;
	result(operation, old);
	uint64_t value = (old & ~operation->mask) | (operation->value & operation->mask);
	return put(run, operation->place, operation->width, low(value, operation->width));
}

static int move(struct run *run, const struct operation *operation)
{
	bool block = operation->action == HWB_BATCH_READ_BLOCK ||
	             operation->action == HWB_BATCH_WRITE_BLOCK;
	bool reads = reads_values(operation->action);
	uint64_t place = operation->place;

	for (uint64_t i = 0; i < operation->value; i++) {
		unsigned char *at = operation->values + i * operation->width;
		uint64_t value = 0;
		if (!reads)
			memcpy(&value, at, operation->width);
		if (reads ? get(run, place, operation->width, &value) != 0
		          : put(run, place, operation->width, value) != 0)
			return -1;
		if (reads)
			memcpy(at, &value, operation->width);
		if (block)
			place += operation->width;
	}
	return 0;
}

static int carry_out(struct run *run, struct operation *operation)
{
	uint64_t value = 0;

	switch ((enum hwb_batch_action)operation->action) {
	case HWB_BATCH_READ:
		if (get(run, operation->place, operation->width, &value) != 0)
			return -1;
		result(operation, value);
		return 0;
	case HWB_BATCH_WRITE:
		return put(run, operation->place, operation->width,
		           low(operation->value, operation->width));
	case HWB_BATCH_READ_REPEAT:
	case HWB_BATCH_WRITE_REPEAT:
	case HWB_BATCH_READ_BLOCK:
	case HWB_BATCH_WRITE_BLOCK:
		return move(run, operation);
	case HWB_BATCH_MODIFY:
		decode_operand(run->batch, run->batch->at, operation);
		return modify(run, operation);
	case HWB_BATCH_POLL:
		decode_operand(run->batch, run->batch->at, operation);
		return poll(run, operation);
	}
	return 0;
}

/* Reads of one port each, from `batch->at' on, which most batches are nothing but. */
static int read_ports(struct run *run)
{
	struct batch *batch = run->batch;

	for (; batch->at < batch->count; batch->at++) {
		struct hwb_port_op *op = &batch->records.ports[batch->at];
		uint64_t value = 0;
		if (batch->form != BATCH_PORTS || op->action != HWB_BATCH_READ)
			return 0;
		if (get(run, op->port, op->width, &value) != 0)
			return -1;
		op->value = (uint32_t)value;
	}
	return 0;
}

int batch_run(struct batch *batch, const struct batch_window *window, atomic_bool *cut,
              struct fault *fault)
{
	struct run run = { .batch = batch, .window = window, .cut = cut, .fault = fault };
	struct operation operation;

	for (batch->at = 0;; batch->at += operation.records) {
		if (read_ports(&run) != 0)
			return -1;
		if (batch->at == batch->count)
			return 0;
		decode(batch, batch->at, &operation);
		int done = carry_out(&run, &operation);
		if (done < 0)
			return -1;
		if (done > 0) {
			batch->stopped = batch->at + 1;
			return 0;
		}
	}
}
