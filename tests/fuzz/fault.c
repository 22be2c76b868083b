/* SPDX-License-Identifier: MIT */
/*
 * fault FILE...: inputs of the fuzzer of requests, each as often as there is memory asked
 * for in it, or a descriptor made, or a call of the model, that can fail: each fails
 * once. All that must hold for an input holds then, and who asks later is served.
 */
#include "input.h"
#include "model.h"

#include <sanitizer/lsan_interface.h>

enum { INPUT_MAX = 64 * 1024, FAILURES_MAX = 20000 };

/* Runs the input with failure number 1, 2, ... of a kind until there is none. */
static uint32_t run(const uint8_t *data, size_t size, uint32_t *fails_in)
{
	for (uint32_t number = 1; number < FAILURES_MAX; number++) {
		*fails_in = number;
		LLVMFuzzerTestOneInput(data, size);
		if (*fails_in != 0) {
			*fails_in = 0;
			must(__lsan_do_recoverable_leak_check() == 0, "no memory is left");
			return number - 1;
		}
	}
	must(false, "an input has an end");
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t data[INPUT_MAX];
	uint32_t memory = 0, calls = 0;

	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		must(file != NULL, "a file can be read");
		size_t size = fread(data, 1, sizeof(data), file);
		fclose(file);
		fprintf(stderr, "%s\n", argv[i]);
		memory += run(data, size, &model_memory_fails_in);
		calls += run(data, size, &model_call_fails_in);
	}
	printf("%d inputs, %u failures of memory or descriptors, %u of calls\n", argc - 1, memory,
	       calls);
	return EXIT_SUCCESS;
}
