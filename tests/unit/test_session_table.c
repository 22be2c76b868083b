/* SPDX-License-Identifier: MIT */
/* Handles: they rise, are never used twice, and name what they say. */
#include "server/session_table.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 5000, NO_LIMIT = 1 << 20 };

static struct session_table table;
static struct session sessions[MANY];

static void setup(void)
{
	table = (struct session_table){ 0 };
	memset(sessions, 0, sizeof(sessions));
}

static void teardown(void)
{
	session_table_free(&table);
}

static void add(struct session *session, enum hwb_session_kind kind)
{
	session->kind = kind;
	ck_assert_int_eq(session_table_add(&table, session, NO_LIMIT, NULL), 0);
}

START_TEST(handles_rise_from_one)
{
	for (uint32_t i = 0; i < 100; i++) {
		add(&sessions[i], HWB_SESSION_DEVICE);
		ck_assert_uint_eq(sessions[i].handle, i + 1);
	}
	ck_assert_uint_eq(table.count, 100);
}
END_TEST

START_TEST(zero_is_no_handle)
{
	ck_assert_ptr_null(session_table_find(&table, 0, 0));
	add(&sessions[0], HWB_SESSION_IRQ);
	ck_assert_ptr_null(session_table_find(&table, 0, 0));
	ck_assert_ptr_null(session_table_find(&table, 2, 0));
	ck_assert_ptr_null(session_table_find(&table, UINT32_MAX, 0));
}
END_TEST

START_TEST(found_by_handle_and_kind)
{
	for (uint32_t kind = HWB_SESSION_DEVICE; kind <= HWB_SESSION_LINE; kind++)
		add(&sessions[kind], (enum hwb_session_kind)kind);
	for (uint32_t kind = HWB_SESSION_DEVICE; kind <= HWB_SESSION_LINE; kind++)
		for (unsigned asked = 0; asked <= HWB_SESSION_LINE + 1; asked++)
			ck_assert_ptr_eq(session_table_find(&table, sessions[kind].handle, asked),
			                 asked == 0 || asked == kind ? &sessions[kind] : NULL);
}
END_TEST

START_TEST(old_handles_name_nothing_new)
{
	add(&sessions[0], HWB_SESSION_DEVICE);
	add(&sessions[1], HWB_SESSION_DEVICE);
	session_table_remove(&table, &sessions[0]);
	session_table_remove(&table, &sessions[1]);
	ck_assert_uint_eq(table.count, 0);
	add(&sessions[2], HWB_SESSION_DEVICE);
	ck_assert_uint_eq(sessions[2].handle, 3);
	ck_assert_ptr_null(session_table_find(&table, 1, 0));
	ck_assert_ptr_null(session_table_find(&table, 2, 0));
	ck_assert_ptr_eq(session_table_find(&table, 3, 0), &sessions[2]);
}
END_TEST

START_TEST(removal_takes_only_its_own)
{
	struct session stranger = { .handle = 2, .kind = HWB_SESSION_DEVICE };
	struct session unpublished = { .handle = 0, .kind = HWB_SESSION_IRQ };

	for (int i = 0; i < 3; i++)
		add(&sessions[i], HWB_SESSION_DEVICE);
	session_table_remove(&table, &stranger);
	session_table_remove(&table, &unpublished);
	ck_assert_uint_eq(table.count, 3);
	session_table_remove(&table, &sessions[1]);
	session_table_remove(&table, &sessions[1]);
	ck_assert_uint_eq(table.count, 2);
	ck_assert_ptr_eq(session_table_find(&table, 1, 0), &sessions[0]);
	ck_assert_ptr_null(session_table_find(&table, 2, 0));
	ck_assert_ptr_eq(session_table_find(&table, 3, 0), &sessions[2]);
}
END_TEST

START_TEST(the_limit_is_told_and_holds)
{
	struct fault fault = { 0 };

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(session_table_add(&table, &sessions[i], 3, &fault), 0);
	ck_assert_int_eq(session_table_add(&table, &sessions[3], 3, &fault), -1);
	ck_assert_uint_eq(fault.status, HWB_QUOTA);
	ck_assert_ptr_nonnull(strstr(fault.reason, "(sessions)"));
	ck_assert_uint_eq(table.count, 3);
	ck_assert_uint_eq(sessions[3].handle, 0);
	/* A refusal costs no handle; what was closed makes room. */
	session_table_remove(&table, &sessions[0]);
	ck_assert_int_eq(session_table_add(&table, &sessions[3], 3, &fault), 0);
	ck_assert_uint_eq(sessions[3].handle, 4);
	/* A limit that was lowered meanwhile closes nothing. */
	ck_assert_int_eq(session_table_add(&table, &sessions[4], 1, &fault), -1);
	ck_assert_uint_eq(table.count, 3);
	ck_assert_int_eq(session_table_add(&table, &sessions[4], 0, &fault), -1);
}
END_TEST

START_TEST(handles_run_out_and_do_not_wrap)
{
	struct fault fault = { 0 };

	table.last_handle = UINT32_MAX - 2;
	add(&sessions[0], HWB_SESSION_DOMAIN);
	add(&sessions[1], HWB_SESSION_DOMAIN);
	ck_assert_uint_eq(sessions[1].handle, UINT32_MAX);
	ck_assert_int_eq(session_table_add(&table, &sessions[2], NO_LIMIT, &fault), -1);
	ck_assert_uint_eq(fault.status, HWB_QUOTA);
	ck_assert_uint_eq(table.count, 2);
	ck_assert_ptr_eq(session_table_find(&table, UINT32_MAX, HWB_SESSION_DOMAIN), &sessions[1]);
	session_table_remove(&table, &sessions[1]);
	ck_assert_int_eq(session_table_add(&table, &sessions[2], NO_LIMIT, &fault), -1);
}
END_TEST

START_TEST(many_come_and_go)
{
	for (uint32_t i = 0; i < MANY; i++)
		add(&sessions[i], HWB_SESSION_IO_MEM);
	for (uint32_t i = 0; i < MANY; i += 2)
		session_table_remove(&table, &sessions[i]);
	ck_assert_uint_eq(table.count, MANY / 2);
	for (uint32_t i = 0; i < MANY; i++)
		ck_assert_ptr_eq(session_table_find(&table, i + 1, HWB_SESSION_IO_MEM),
		                 i % 2 == 0 ? NULL : &sessions[i]);
	for (uint32_t i = 1; i < table.count; i++)
		ck_assert_uint_lt(table.items[i - 1]->handle, table.items[i]->handle);
	session_table_free(&table);
	ck_assert_uint_eq(table.count, 0);
	ck_assert_ptr_null(session_table_find(&table, 2, 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session table");
	TCase *handles = tcase_create("handles");

	tcase_add_checked_fixture(handles, setup, teardown);
	tcase_add_test(handles, handles_rise_from_one);
	tcase_add_test(handles, zero_is_no_handle);
	tcase_add_test(handles, found_by_handle_and_kind);
	tcase_add_test(handles, old_handles_name_nothing_new);
	tcase_add_test(handles, removal_takes_only_its_own);
	tcase_add_test(handles, the_limit_is_told_and_holds);
	tcase_add_test(handles, handles_run_out_and_do_not_wrap);
	tcase_add_test(handles, many_come_and_go);
	suite_add_tcase(suite, handles);
	return suite_run(suite);
}
