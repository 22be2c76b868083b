/* SPDX-License-Identifier: MIT */
/* The parts that what hwbroker-ctl prints is made of: tables, numbers, names, and the word that was
 * meant. */
#include "names.h"
#include "print.h"
#include "spelling.h"
#include "suite.h"
#include "table.h"
#include "test_golden.h"

#include <check.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* ---- table ---- */

static const char *const headings[] = { "ONE", "TWO" };

static void one_row(unsigned width, const char *one, const char *two)
{
	struct table *table = table_new(2, headings);

	anew();
	table_cell(table, "%s", one);
	table_cell(table, "%s", two);
	table_print(table, out, width);
	table_free(table);
	printed();
}

static void row_is(const char *one, const char *two, const char *expected)
{
	one_row(0, one, two);
	ck_assert_str_eq(strchr(printed(), '\n') + 1, expected);
}

START_TEST(columns_are_as_wide_as_their_widest)
{
	one_row(0, "a", "b");
	ck_assert_str_eq(printed(), "ONE  TWO\na    b\n");
	one_row(0, "four", "a b");
	ck_assert_str_eq(printed(), "ONE   TWO\nfour  a b\n");
	one_row(0, "", "");
	ck_assert_str_eq(printed(), "ONE  TWO\n-    -\n");
}
END_TEST

START_TEST(no_row_is_but_headings)
{
	struct table *table = table_new(2, headings);

	table_print(table, out, 80);
	table_free(table);
	table_free(NULL);
	ck_assert_str_eq(printed(), "ONE  TWO\n");
}
END_TEST

START_TEST(utf8_counts_as_columns)
{
	row_is("gr\xc3\xbc\xc3\x9f", "x", "gr\xc3\xbc\xc3\x9f  x\n");
	/* Two columns each. */
	row_is("\xe6\x97\xa5\xe6\x9c\xac", "x", "\xe6\x97\xa5\xe6\x9c\xac  x\n");
	/* None: a combining accent. */
	row_is("e\xcc\x81ry", "x", "e\xcc\x81ry  x\n");
}
END_TEST

START_TEST(the_widest_is_cut)
{
	one_row(20, "short", "twenty-two characters.");
	ck_assert_str_eq(printed(), "ONE    TWO\nshort  twenty-two c\xe2\x80\xa6\n");
	one_row(21, "twenty-two characters.", "short");
	ck_assert_str_eq(printed(), "ONE             TWO\ntwenty-two ch\xe2\x80\xa6  short\n");
	/* A character of two columns is not cut in two. */
	one_row(15, "abc",
	        "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac");
	ck_assert_str_eq(strchr(printed(), '\n') + 1,
	                 "abc  \xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6\n");
	/* There is a width below which nothing could be read. */
	one_row(3, "123456789", "123456789");
	ck_assert_str_eq(strchr(printed(), '\n') + 1, "1234567\xe2\x80\xa6  1234567\xe2\x80\xa6\n");
	/* What fits exactly is left alone. */
	one_row(20, "123456789", "123456789");
	ck_assert_str_eq(strchr(printed(), '\n') + 1, "123456789  123456789\n");
}
END_TEST

START_TEST(control_characters_become_question_marks)
{
	row_is("a\x1b[31mb", "x", "a?[31mb  x\n");
	row_is("a\nb", "x\ty", "a?b  x?y\n");
	row_is("a\x7f", "x", "a?   x\n");
	row_is("a\xc2\x9b\x33", "x", "a??3  x\n"); /* U+009B, CSI of 8 bits */
	for (int c = 1; c < 0x20; c++) {
		char cell[2] = { (char)c, '\0' };
		row_is(cell, "x", "?    x\n");
	}
}
END_TEST

START_TEST(bad_utf8_becomes_question_marks)
{
	row_is("a\xff", "x", "a?   x\n");
	row_is("\xc3", "x", "?    x\n");
	row_is("\xe2\x82", "x", "??   x\n");
	row_is("\xc0\xaf", "x", "??   x\n");
	row_is("\xed\xa0\x80", "x", "???  x\n");
	row_is("\x9b\x33", "x", "?3   x\n");
}
END_TEST

/* ---- words ---- */

START_TEST(sizes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1536, "1.5 KiB" },
		{ 4096, "4 KiB" },
		{ 102400, "100 KiB" },
		{ 1 << 20, "1 MiB" },
		{ 25 << 20, "25 MiB" },
		{ 3ull << 29, "1.5 GiB" },
		{ 1ull << 40, "1 TiB" },
		{ UINT64_MAX, "16777216 TiB" },
		{ 1048575, "1 MiB" }, /* not "1024 KiB" */
		{ (1ull << 30) - 1, "1 GiB" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[16];
		names_size(cases[i].bytes, got);
		ck_assert_msg(strcmp(got, cases[i].text) == 0, "%" PRIu64 ": %s, not %s",
		              cases[i].bytes, got, cases[i].text);
	}
}
END_TEST

START_TEST(durations)
{
	static const struct {
		uint64_t milliseconds;
		const char *text;
	} cases[] = {
		{ 0, "0 s" },
		{ 999, "0 s" },
		{ 1000, "1 s" },
		{ 119999, "119 s" },
		{ 120000, "2 min" },
		{ 7199999, "119 min" },
		{ 7200000, "2 h" },
		{ 48ull * 3600 * 1000 - 1, "47 h" },
		{ 48ull * 3600 * 1000, "2 d" },
		{ UINT64_MAX, "213503982334 d" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char got[16];
		names_duration(cases[i].milliseconds, got);
		ck_assert_str_eq(got, cases[i].text);
	}
}
END_TEST

START_TEST(addresses_and_enums)
{
	const struct hwb_pci_address largest = { UINT32_MAX, 255, 255, 255, 0 };
	const struct hwb_pci_address usual = { 0, 0x3b, 0x1f, 6, 0 };
	struct hwb_device device = { .vendor = 0x0bad, .device = 0x00ff };
	char address[32], name[128];

	names_address(&usual, address);
	ck_assert_str_eq(address, "0000:3b:1f.6");
	names_address(&largest, address);
	ck_assert_str_eq(address, "ffffffff:ff:ff.ff");
	names_device(&device, name, sizeof(name));
	ck_assert_str_eq(name, "0bad:00ff");
	names_end();
	names_end();
	for (uint32_t i = 0; i <= HWB_DEVICE_GONE; i++)
		ck_assert_str_ne(names_state(i), "?");
	ck_assert_str_eq(names_state(HWB_DEVICE_GONE + 1), "?");
	ck_assert_str_eq(names_state(UINT32_MAX), "?");
	for (uint32_t i = HWB_SESSION_DEVICE; i <= HWB_SESSION_LINE; i++)
		ck_assert_str_ne(names_session(i), "?");
	ck_assert_str_eq(names_session(0), "?");
	ck_assert_str_eq(names_session(HWB_SESSION_LINE + 1), "?");
}
END_TEST

START_TEST(spelling)
{
	static const char *const known[] = { "devices", "clients", "sessions", "ls" };
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "devices", "devices" },
		{ "device", "devices" },
		{ "devcies", "devices" },
		{ "divices", "devices" },
		{ "client", "clients" },
		{ "session", "sessions" },
		{ "sesions", "sessions" },
		{ "Clients", "clients" },
		{ "l", "ls" },
		{ "", NULL },
		{ "xy", NULL }, /* as far from `ls' as that is long */
		{ "hardware", NULL },
		{ "dev", NULL },
		{ "a-word-that-is-longer-than-any-that-is-known", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *nearest = spelling_nearest(cases[i].word, known, 4);
		ck_assert_msg(cases[i].nearest == NULL
		                      ? nearest == NULL
		                      : nearest != NULL && strcmp(nearest, cases[i].nearest) == 0,
		              "`%s': %s", cases[i].word, nearest != NULL ? nearest : "none");
	}
	ck_assert_ptr_null(spelling_nearest("devices", known, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hwbroker-ctl, words");
	TCase *tests = tcase_create("words");

	setlocale(LC_CTYPE, "C.UTF-8"); /* as main() of the tool does */
	tcase_add_checked_fixture(tests, golden_setup, golden_teardown);
	tcase_add_test(tests, columns_are_as_wide_as_their_widest);
	tcase_add_test(tests, no_row_is_but_headings);
	tcase_add_test(tests, utf8_counts_as_columns);
	tcase_add_test(tests, the_widest_is_cut);
	tcase_add_test(tests, control_characters_become_question_marks);
	tcase_add_test(tests, bad_utf8_becomes_question_marks);
	tcase_add_test(tests, sizes);
	tcase_add_test(tests, durations);
	tcase_add_test(tests, addresses_and_enums);
	tcase_add_test(tests, spelling);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
