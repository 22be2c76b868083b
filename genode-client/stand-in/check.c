/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "print.h"

#include <hwbroker/codec.h>

static const char *operation = "";
static unsigned good_ones, bad_ones;

void check_begin(const char *name)
{
	operation = name;
}

static bool held(const char *name)
{
	__atomic_add_fetch(&good_ones, 1, __ATOMIC_RELAXED);
	print("ok %s: %s", operation, name);
	return true;
}

static bool failed(const char *name, const char *why)
{
	__atomic_add_fetch(&bad_ones, 1, __ATOMIC_RELAXED);
	print("not ok %s: %s: %s", operation, name, why);
	return false;
}

bool check(bool good, const char *name, const char *why, ...)
{
	char text[160];
	va_list arguments;

	if (good)
		return held(name);
	va_start(arguments, why);
	format_list(text, sizeof(text), why, arguments);
	va_end(arguments);
	return failed(name, text);
}

bool check_result(int result, const struct hwb_error *error, const char *name)
{
	char text[300];

	if (result == 0)
		return held(name);
	if (hwb_refusal_of(result) != HWB_OK)
		format(text, sizeof(text), "%s (%s)", error->reason,
		       hwb_status_name(hwb_refusal_of(result)));
	else
		format(text, sizeof(text), "errno %d", -result);
	return failed(name, text);
}

bool check_refused(int result, enum hwb_status status, const struct hwb_error *error,
                   const char *name)
{
	if (hwb_refusal_of(result) == status)
		return held(name);
	if (hwb_refusal_of(result) != HWB_OK)
		return check_result(result, error, name);
	return check(false, name,
	             result == 0 ? "granted, but expected %s" : "no answer, expected %s",
	             hwb_status_name(status));
}

unsigned check_bad(void)
{
	return __atomic_load_n(&bad_ones, __ATOMIC_RELAXED);
}

unsigned check_good(void)
{
	return __atomic_load_n(&good_ones, __ATOMIC_RELAXED);
}
