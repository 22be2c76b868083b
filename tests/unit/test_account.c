/* SPDX-License-Identifier: MIT */
/* What clients are charged, and that a refusal charges nothing. */
#include "server/account.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct account *accounts;
static struct account *account;
static struct policy_limits limits;

static void setup(void)
{
	accounts = NULL;
	account = account_get(&accounts, "nic");
	ck_assert_ptr_nonnull(account);
	limits = (struct policy_limits){ .dma_mappings = 3, .dma_bytes = 0x10000 };
}

static void teardown(void)
{
	account_free_all(&accounts);
	ck_assert_ptr_null(accounts);
}

static enum hwb_status charge(uint64_t bytes)
{
	struct fault fault = { 0 };
	uint32_t mappings = account->mappings;
	uint64_t before = account->bytes;

	if (account_charge(account, &limits, bytes, &fault) == 0) {
		ck_assert_uint_eq(account->mappings, mappings + 1);
		ck_assert_uint_eq(account->bytes, before + bytes);
		return HWB_OK;
	}
	ck_assert_uint_eq(account->mappings, mappings);
	ck_assert_uint_eq(account->bytes, before);
	ck_assert_ptr_nonnull(strstr(fault.reason, "`nic'"));
	return fault.status;
}

START_TEST(one_account_a_name)
{
	struct account *other = account_get(&accounts, "disk");

	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_ne(other, account);
	ck_assert_ptr_eq(account_get(&accounts, "nic"), account);
	ck_assert_ptr_eq(account_get(&accounts, "disk"), other);
	ck_assert_ptr_ne(account_get(&accounts, "Nic"), account);
	ck_assert_str_eq(account->client, "nic");
	ck_assert_uint_eq(other->bytes, 0);
	ck_assert_uint_eq(other->mappings, 0);
	ck_assert_uint_eq(other->lane.max, ACCOUNT_THREADS);
}
END_TEST

START_TEST(the_longest_name)
{
	char name[HWB_NAME_SIZE];

	memset(name, 'n', sizeof(name));
	name[HWB_NAME_SIZE - 1] = '\0';
	struct account *longest = account_get(&accounts, name);
	ck_assert_str_eq(longest->client, name);
	ck_assert_ptr_eq(account_get(&accounts, name), longest);
}
END_TEST

START_TEST(bytes_up_to_the_limit)
{
	ck_assert_uint_eq(charge(0x8000), HWB_OK);
	ck_assert_uint_eq(charge(0x8001), HWB_QUOTA);
	ck_assert_uint_eq(charge(0x8000), HWB_OK);
	ck_assert_uint_eq(charge(1), HWB_QUOTA);
	account_refund(account, 1, 0x8000);
	ck_assert_uint_eq(charge(0x8000), HWB_OK);
}
END_TEST

START_TEST(mappings_up_to_the_limit)
{
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(charge(0x1000), HWB_OK);
	ck_assert_uint_eq(charge(0x1000), HWB_QUOTA);
	account_refund(account, 2, 0x2000);
	ck_assert_uint_eq(account->mappings, 1);
	ck_assert_uint_eq(charge(0x1000), HWB_OK);
	ck_assert_uint_eq(charge(0x1000), HWB_OK);
	ck_assert_uint_eq(charge(0x1000), HWB_QUOTA);
}
END_TEST

START_TEST(reasons_name_the_key)
{
	struct fault fault = { 0 };

	ck_assert_int_eq(account_charge(account, &limits, 0x10001, &fault), -1);
	ck_assert_ptr_nonnull(strstr(fault.reason, "(dma_bytes)"));
	limits.dma_mappings = 0;
	ck_assert_int_eq(account_charge(account, &limits, 0x1000, &fault), -1);
	ck_assert_ptr_nonnull(strstr(fault.reason, "(dma_mappings)"));
	ck_assert_int_eq(account_charge(account, &limits, 0x1000, NULL), -1);
}
END_TEST

START_TEST(sums_do_not_wrap)
{
	limits.dma_bytes = UINT64_MAX;
	limits.dma_mappings = UINT32_MAX;
	ck_assert_uint_eq(charge(UINT64_MAX - 0xfff), HWB_OK);
	ck_assert_uint_eq(charge(0x1000), HWB_QUOTA);
	ck_assert_uint_eq(charge(UINT64_MAX), HWB_QUOTA);
	ck_assert_uint_eq(charge(0xfff), HWB_OK);
	account->mappings = UINT32_MAX;
	ck_assert_uint_eq(charge(0), HWB_QUOTA);
}
END_TEST

START_TEST(a_lowered_limit_refuses_until_enough_is_given_back)
{
	ck_assert_uint_eq(charge(0x8000), HWB_OK);
	ck_assert_uint_eq(charge(0x8000), HWB_OK);
	limits.dma_bytes = 0x4000;
	ck_assert_uint_eq(charge(0x1000), HWB_QUOTA);
	account_refund(account, 1, 0x8000);
	ck_assert_uint_eq(charge(0x1000), HWB_QUOTA);
	account_refund(account, 1, 0x8000);
	ck_assert_uint_eq(charge(0x1000), HWB_OK);
	limits.dma_bytes = 0;
	ck_assert_uint_eq(charge(0x1000), HWB_QUOTA);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("account");
	TCase *books = tcase_create("books");

	tcase_add_checked_fixture(books, setup, teardown);
	tcase_add_test(books, one_account_a_name);
	tcase_add_test(books, the_longest_name);
	tcase_add_test(books, bytes_up_to_the_limit);
	tcase_add_test(books, mappings_up_to_the_limit);
	tcase_add_test(books, reasons_name_the_key);
	tcase_add_test(books, sums_do_not_wrap);
	tcase_add_test(books, a_lowered_limit_refuses_until_enough_is_given_back);
	suite_add_tcase(suite, books);
	return suite_run(suite);
}
