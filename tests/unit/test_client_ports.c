/* SPDX-License-Identifier: MIT */
/* Legacy ports natively: the list of them, and what is refused before an instruction. */
#include <hwbroker/ports.h>

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

START_TEST(ports_in_a_list)
{
	static const struct {
		const char *list;
		uint32_t base, count;
		int listed;
	} cases[] = {
		{ "0x40-0x43,0x61", 0x40, 4, 1 },
		{ "0x40-0x43,0x61", 0x41, 2, 1 },
		{ "0x40-0x43,0x61", 0x43, 1, 1 },
		{ "0x40-0x43,0x61", 0x61, 1, 1 },
		{ "0x40-0x43,0x61", 0x40, 5, 0 },
		{ "0x40-0x43,0x61", 0x3f, 2, 0 },
		{ "0x40-0x43,0x61", 0x61, 2, 0 },
		{ "0x40-0x43,0x61", 0x60, 1, 0 },
		{ "0x40-0x43,0x61", 0x40, 0, 0 },
		{ "0x0-0xffff", 0, 0x10000, 1 },
		{ "0x0-0xffff", 0xffff, 1, 1 },
		{ "0x0-0xffff", 0xffff, 2, 0 },
		{ "0x0-0xffff", 0x10000, 1, 0 },
		{ "0x0-0xffff", 1, UINT32_MAX, 0 },
		{ "", 0x40, 1, 0 },
		{ NULL, 0x40, 1, 0 },
		/* No list: nothing of it is believed. */
		{ "0x40-0x43,", 0x40, 1, 0 },
		{ "0x40-0x43 ", 0x40, 1, 0 },
		{ "0x40-", 0x40, 1, 0 },
		{ "0x43-0x40", 0x40, 1, 0 },
		{ "0x40,0x10000", 0x40, 1, 0 },
		{ "0x40,0x", 0x40, 1, 0 },
		{ "40", 0x40, 1, 0 },
		{ "64", 0x40, 1, 0 },
		{ "0x40-0x43-0x50", 0x40, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(hwb_ports_listed(cases[i].list, cases[i].base, cases[i].count) ==
		                      cases[i].listed,
		              "`%s' and %u ports from 0x%x", cases[i].list, cases[i].count,
		              cases[i].base);
}
END_TEST

START_TEST(the_environment_says_which_are_native)
{
	unsetenv("HWB_NATIVE_PORTS");
	ck_assert(!hwb_posix_ports_native(0x40, 4));
	setenv("HWB_NATIVE_PORTS", "0x40-0x43", 1);
	ck_assert(hwb_posix_ports_native(0x40, 4));
	ck_assert(!hwb_posix_ports_native(0x44, 1));
	unsetenv("HWB_NATIVE_PORTS");
}
END_TEST

/* No instruction runs here: one would be a SIGSEGV. */
START_TEST(what_is_wrong_is_refused_before_the_first_instruction)
{
	static const struct hwb_port_op wrong[] = {
		{ 0x44, HWB_PORT_IN, 1, 0 },
		{ 0x3f, HWB_PORT_IN, 1, 0 },
		{ 0x43, HWB_PORT_OUT, 2, 0 },
		{ 0x40, 8, 1, 0 },
		{ 0x40, HWB_PORT_IN, 3, 0 },
		{ 0x40, HWB_PORT_IN, 0, 0 },
		/* Of the last record there is no more. */
		{ 0x40, HWB_BATCH_READ_REPEAT, 1, 1 },
		{ 0x40, HWB_BATCH_READ_REPEAT, 1, 0 },
		{ 0x40, HWB_BATCH_WRITE_BLOCK, 1, 0xffffffff },
		{ 0x40, HWB_BATCH_MODIFY, 1, 0 },
		{ 0x40, HWB_BATCH_POLL, 1, 0 },
	};
	struct hwb_ports ports;

#if defined(__x86_64__) || defined(__i386__)
	ck_assert_int_eq(hwb_ports_open(&ports, NULL, 0x40, 4, 1, NULL), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct hwb_port_op ops[] = { { 0x40, HWB_PORT_OUT, 1, 0 }, wrong[i] };
		ck_assert_int_eq(hwb_ports_run(&ports, ops, 2, NULL), -EINVAL);
	}
	/* Five ports from the second of four. */
	struct hwb_port_op block[] = { { 0x41, HWB_BATCH_READ_BLOCK, 1, 4 }, { 0 } };
	ck_assert_int_eq(hwb_ports_run(&ports, block, 2, NULL), -EINVAL);
	ck_assert_int_eq(hwb_ports_run(&ports, NULL, 0, NULL), 0);
	ck_assert_int_eq(hwb_ports_close(&ports, NULL), 0);
#else
	(void)wrong;
	ck_assert_int_eq(hwb_ports_open(&ports, NULL, 0x40, 4, 1, NULL), -ENOSYS);
#endif
	ck_assert_int_eq(hwb_ports_open(&ports, NULL, 0x40, 0, 1, NULL), -EINVAL);
	ck_assert_int_eq(hwb_ports_open(&ports, NULL, 0xffff, 2, 1, NULL), -EINVAL);
	ck_assert_int_eq(hwb_ports_open(&ports, NULL, 0x10000, 1, 1, NULL), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_ports");
	TCase *tests = tcase_create("ports");

	tcase_add_test(tests, ports_in_a_list);
	tcase_add_test(tests, the_environment_says_which_are_native);
	tcase_add_test(tests, what_is_wrong_is_refused_before_the_first_instruction);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
