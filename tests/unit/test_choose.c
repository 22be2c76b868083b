/* SPDX-License-Identifier: MIT */
/* Which backend is chosen, of some that are here and some that are not. */
#include "kernel/choose.h"

#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kernel_backend first = { .name = "first" };
static const struct kernel_backend second = { .name = "second" };
static const struct kernel_backend bare = { .name = "bare" };
static bool has_first, has_second, has_bare;

static bool answer(bool works, const char *missing, char *why, size_t size)
{
	if (!works)
		snprintf(why, size, "%s", missing);
	return works;
}

static bool works_first(char *why, size_t size)
{
	return answer(has_first, "no door", why, size);
}

static bool works_second(char *why, size_t size)
{
	return answer(has_second, "no window", why, size);
}

static bool works_bare(char *why, size_t size)
{
	return answer(has_bare, "no hole", why, size);
}

static const struct choice list[] = {
	{ &first, true, "a", NULL, works_first },
	{ &second, true, "b", NULL, works_second },
	{ &bare, false, NULL, NULL, works_bare },
};

static char why[CHOOSE_WHY];

static const char *chosen(bool iommu, const char *wanted)
{
	const struct choice *choice = choose(list, 3, iommu, wanted, why);

	return choice != NULL ? choice->backend->name : "none";
}

static void all_are(bool there)
{
	has_first = has_second = has_bare = there;
}

START_TEST(first_that_works)
{
	all_are(true);
	ck_assert_str_eq(chosen(true, "auto"), "first");
	has_first = false;
	ck_assert_str_eq(chosen(true, "auto"), "second");
}
END_TEST

START_TEST(none_says_why_of_each)
{
	all_are(false);
	ck_assert_str_eq(chosen(true, "auto"), "none");
	ck_assert_str_eq(why, "first: no door; second: no window");
}
END_TEST

START_TEST(with_and_without_an_iommu_there_are_others)
{
	all_are(true);
	ck_assert_str_eq(chosen(false, "auto"), "bare");
	has_bare = false;
	ck_assert_str_eq(chosen(false, "auto"), "none");
	ck_assert_str_eq(why, "bare: no hole");
	ck_assert_str_eq(chosen(false, "first"), "none");
	ck_assert_str_eq(why, "");
	ck_assert_str_eq(chosen(true, "bare"), "none");
}
END_TEST

START_TEST(named_one_or_none)
{
	all_are(true);
	ck_assert_str_eq(chosen(true, "second"), "second");
	has_second = false;
	ck_assert_str_eq(chosen(true, "second"), "none");
	ck_assert_str_eq(why, "second: no window");
}
END_TEST

START_TEST(all_names)
{
	char names[CHOOSE_WHY];

	ck_assert(choose_knows("auto", names));
	ck_assert(choose_knows("vfio-group", names));
	ck_assert(choose_knows("iommufd", names));
	ck_assert(!choose_knows("iommu", names));
	ck_assert(!choose_knows("", names));
	ck_assert_ptr_nonnull(strstr(names, "auto, vfio-group, iommufd"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("choose");
	TCase *tests = tcase_create("choose");

	tcase_add_test(tests, first_that_works);
	tcase_add_test(tests, none_says_why_of_each);
	tcase_add_test(tests, with_and_without_an_iommu_there_are_others);
	tcase_add_test(tests, named_one_or_none);
	tcase_add_test(tests, all_names);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
