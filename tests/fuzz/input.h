/* SPDX-License-Identifier: MIT */
/*
 * What all fuzzers share: taking an input apart, and ending with a word when something
 * does not hold. An input that is used up reads as zeros.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
	const uint8_t *at;
	size_t left;
};

static inline void take_bytes(struct input *input, void *to, size_t size)
{
	size_t there = size < input->left ? size : input->left;

	memset(to, 0, size);
	if (there != 0)
		memcpy(to, input->at, there);
	input->at += there;
	input->left -= there;
}

static inline uint8_t take8(struct input *input)
{
	uint8_t value;
	take_bytes(input, &value, sizeof(value));
	return value;
}

static inline uint16_t take16(struct input *input)
{
	uint16_t value;
	take_bytes(input, &value, sizeof(value));
	return value;
}

static inline uint32_t take32(struct input *input)
{
	uint32_t value;
	take_bytes(input, &value, sizeof(value));
	return value;
}

static inline void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

/* What libFuzzer calls. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
