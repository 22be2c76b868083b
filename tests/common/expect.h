/* SPDX-License-Identifier: MIT */
/* An expectation of what the test programs share. Each program says what expect_failed() does. */
#ifndef HWBROKER_TESTS_EXPECT_H
#define HWBROKER_TESTS_EXPECT_H

#define expect(condition, ...)                                                      \
	do {                                                                        \
		if (!(condition))                                                   \
			expect_failed(__FILE__, __LINE__, #condition, __VA_ARGS__); \
	} while (0)

/* Ends the test, which has failed. */
_Noreturn void expect_failed(const char *file, int line, const char *condition, const char *format,
                             ...) __attribute__((format(printf, 4, 5)));

#endif
