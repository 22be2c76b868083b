/* SPDX-License-Identifier: MIT */
/* Memory that runs out at any single allocation, or at all from there on:
 * loading fails, says so if it can, leaks nothing, and grants nothing. The
 * linker puts the functions below in place of libc's (-Wl,--wrap). */
#include "test_policy_load.h"

#include "suite.h"

#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long until_failure = -1; /* allocations that still succeed; -1: all */
static bool fail_once;

static bool fails(void)
{
	if (until_failure < 0)
		return false;
	if (until_failure > 0) {
		until_failure--;
		return false;
	}
	if (fail_once)
		until_failure = -1;
	return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(old, count, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

int __real_vasprintf(char **text, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **text, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
	return fails() ? -1 : __real_vasprintf(text, format, arguments);
}

/* Whether the policy loaded with memory running out after `allocations`;
 * *ran_out says whether it did. */
static int load(const char *path, long allocations, bool once, bool *ran_out)
{
	struct policy *policy = NULL;
	char *report = NULL;

	fail_once = once;
	until_failure = allocations;
	int result = policy_load_with(path, &test_any_users, &policy, &report);
	*ran_out = once ? until_failure == -1 : until_failure == 0;
	until_failure = -1;
	ck_assert(result == 0 || policy == NULL);
	policy_free(policy);
	free(report);
	return result;
}

static void run_out(const char *text, bool good)
{
	char *path = test_file(text, strlen(text), 0600);

	for (int once = 0; once < 2; once++) {
		bool ran_out = true;
		for (long allocations = 0; ran_out; allocations++) {
			int result = load(path, allocations, once, &ran_out);
			/* Without one failure left over, the budget was used up exactly. */
			ck_assert(!ran_out || result == POLICY_UNREAD || !good || !once);
			ck_assert(!ran_out || result != 0 || !once);
			ck_assert(ran_out || result == (good ? 0 : -1));
			ck_assert_int_lt(allocations, 1000);
		}
	}
	unlink(path);
	free(path);
}

START_TEST(good_policy)
{
	run_out("[client a]\nuser = alice\n[device d]\nclient = a\nid = 8086:*\nconfig_write = "
	        "0x44:0xff\n[ports p]\nclient = a\nrange = 0x40-0x43\n",
	        true);
	run_out("[client a]\nuser = alice\n[memory m]\nclient = a\nrange = 0xa0000-0xbffff\n"
	        "[interrupt i]\nclient = a\nirq = 1, mouse\n",
	        true);
}
END_TEST

START_TEST(bad_policy)
{
	run_out("[client a]\nuser = alice\n[device d]\nclient = b\nid = 8086\n[ports p]\nclient = a\n"
	        "range = 0x40-0x43, 0x42\n[ports p]\n[x\n",
	        false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy memory");
	TCase *tests = tcase_create("memory");

	tcase_add_test(tests, good_policy);
	tcase_add_test(tests, bad_policy);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
