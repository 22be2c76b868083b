/* SPDX-License-Identifier: MIT */
/*
 * The one error object of the daemon: a status for the wire and a sentence.
 *
 * A function that can fail takes a struct fault and returns 0, or -1 with the
 * fault filled. A fault is a value: it is refused, logged or explained by who
 * asked, never printed where it arises. The sentence says what, where and, if
 * somebody can do something, what to do.
 */
#ifndef HWBROKERD_UTIL_FAULT_H
#define HWBROKERD_UTIL_FAULT_H

#include <errno.h>
#include <hwbroker/protocol.h>
#include <stdbool.h>

enum { FAULT_REASON = 384 };

struct fault {
	enum hwb_status status;
	int host_errno; /* 0: the kernel is not the reason */
	char reason[FAULT_REASON];
};

/* Fills `fault` (which may be NULL) and returns -1. */
int fault_set(struct fault *fault, enum hwb_status status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: HWB_HOST_ERROR with `error` (a positive
 * errno) kept and its name appended to the sentence. Returns -1. */
int fault_errno(struct fault *fault, int error, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Whether there was no free descriptor, of ours or of the whole host: that passes. */
static inline bool fault_is_shortage(const struct fault *fault)
{
	return fault->host_errno == EMFILE || fault->host_errno == ENFILE;
}

#endif
