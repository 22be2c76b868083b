/* SPDX-License-Identifier: MIT */
/* What becomes of the virtual functions of a device, by what is wanted and what is there. */
#include "policy/virtual_step.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	const char *what;
	struct virtual_case about;
	enum virtual_step step;
} cases[] = {
	{ "nobody wants any", { .max = 8 }, VIRTUAL_KEEP },
	{ "nobody wants what the host has made", { .max = 8, .now = 2 }, VIRTUAL_KEEP },
	{ "they are to be made", { .wanted = 4, .max = 8 }, VIRTUAL_CHANGE },
	{ "as many as there can be", { .wanted = 8, .max = 8 }, VIRTUAL_CHANGE },
	{ "more than there can be", { .wanted = 9, .max = 8 }, VIRTUAL_EXCESS },
	{ "of a device that can have none", { .wanted = 1 }, VIRTUAL_EXCESS },
	{ "as many are there, of the host's", { .wanted = 4, .max = 8, .now = 4 }, VIRTUAL_KEEP },
	{ "fewer are there, of the host's", { .wanted = 4, .max = 8, .now = 3 }, VIRTUAL_FOREIGN },
	{ "which would end with us",
	  { .wanted = 4, .max = 8, .now = 4, .restore = true },
	  VIRTUAL_KEEP },
	{ "as many are there, of ours",
	  { .wanted = 4, .max = 8, .now = 4, .ours = true },
	  VIRTUAL_KEEP },
	{ "and in use",
	  { .wanted = 4, .max = 8, .now = 4, .ours = true, .used = true },
	  VIRTUAL_KEEP },
	{ "which are to end with us now",
	  { .wanted = 4, .max = 8, .now = 4, .ours = true, .restore = true },
	  VIRTUAL_NOTE },
	{ "and as noted",
	  { .wanted = 4, .max = 8, .now = 4, .ours = true, .restore = true, .ours_restore = true },
	  VIRTUAL_KEEP },
	{ "another number of ours",
	  { .wanted = 4, .max = 8, .now = 2, .ours = true },
	  VIRTUAL_CHANGE },
	{ "which are in use",
	  { .wanted = 4, .max = 8, .now = 2, .ours = true, .used = true },
	  VIRTUAL_WAIT },
	{ "more than there can be, beside ours",
	  { .wanted = 9, .max = 8, .now = 2, .ours = true },
	  VIRTUAL_EXCESS },
	/* A daemon that was killed between two steps has noted them, and made none. */
	{ "ours that are not there", { .wanted = 4, .max = 8, .ours = true }, VIRTUAL_CHANGE },
	{ "their rule is gone", { .max = 8, .now = 4, .ours = true }, VIRTUAL_KEEP },
	{ "and said restore",
	  { .max = 8, .now = 4, .ours = true, .ours_restore = true },
	  VIRTUAL_CHANGE },
	{ "but they are in use",
	  { .max = 8, .now = 4, .ours = true, .ours_restore = true, .used = true },
	  VIRTUAL_WAIT },
};

START_TEST(steps)
{
	ck_assert_msg(virtual_step(&cases[_i].about) == cases[_i].step, "%s: %d", cases[_i].what,
	              virtual_step(&cases[_i].about));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("virtual");
	TCase *tests = tcase_create("virtual");

	tcase_add_loop_test(tests, steps, 0, sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
