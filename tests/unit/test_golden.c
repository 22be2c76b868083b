/* SPDX-License-Identifier: MIT */
#include "test_golden.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

FILE *out;
static char *text;
static size_t text_length;

void golden_setup(void)
{
	out = open_memstream(&text, &text_length);
	ck_assert_ptr_nonnull(out);
}

void golden_teardown(void)
{
	if (out != NULL)
		fclose(out);
	out = NULL;
	free(text);
	text = NULL;
}

const char *printed(void)
{
	if (out != NULL)
		fclose(out);
	out = NULL;
	return text;
}

void anew(void)
{
	golden_teardown();
	golden_setup();
}

void golden_is(const char *file, const char *got)
{
	static char expected[65536];
	char path[256];

	snprintf(path, sizeof(path), GOLDEN_DIR "/%s", file);
	if (getenv("UPDATE_GOLDEN") != NULL) {
		FILE *new = fopen(path, "w");
		ck_assert_ptr_nonnull(new);
		fputs(got, new);
		fclose(new);
		return;
	}
	FILE *old = fopen(path, "r");
	ck_assert_msg(old != NULL, "cannot open %s", path);
	size_t length = fread(expected, 1, sizeof(expected) - 1, old);
	expected[length] = '\0';
	fclose(old);
	ck_assert_str_eq(got, expected);
}

const char *as_in(const char *name)
{
	char file[128];
	const char *got = printed();

	snprintf(file, sizeof(file), "ctl/%s", name);
	golden_is(file, got);
	return got;
}
