/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <hwbroker/registers.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 64 };

static uint64_t memory[SIZE / 8];

static struct hwb_registers mapped(void)
{
	struct hwb_registers bar;

	for (size_t i = 0; i < SIZE; i++)
		((unsigned char *)memory)[i] = (unsigned char)(i + 1);
	hwb_registers_mapped(&bar, memory, SIZE);
	return bar;
}

START_TEST(each_width)
{
	struct hwb_registers bar = mapped();

	ck_assert_uint_eq(hwb_read8(&bar, 3), 4);
	ck_assert_uint_eq(hwb_read16(&bar, 2), 0x0403);
	ck_assert_uint_eq(hwb_read32(&bar, 4), 0x08070605);
	ck_assert_uint_eq(hwb_read64(&bar, 8), 0x100f0e0d0c0b0a09);
	hwb_write8(&bar, 16, 0xff);
	hwb_write16(&bar, 18, 0x1234);
	hwb_write32(&bar, 20, 0xdeadbeef);
	hwb_write64(&bar, 56, 0x0102030405060708);
	ck_assert_uint_eq(memory[2], 0xdeadbeef123412ff);
	ck_assert_uint_eq(memory[7], 0x0102030405060708);
	ck_assert_int_eq(bar.result, 0);
}
END_TEST

START_TEST(what_is_not_there_reads_as_ones)
{
	static const struct {
		uint64_t offset;
		uint32_t width;
	} wrong[] = { { 64, 1 },         { 60, 8 }, { 1, 2 },
		      { 2, 4 },          { 0, 3 },  { 0, 0 },
		      { UINT64_MAX, 1 }, { 0, 16 }, { UINT64_MAX - 7, 8 } };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct hwb_registers bar = mapped();
		ck_assert_uint_eq(hwb_registers_read(&bar, wrong[i].offset, wrong[i].width),
		                  UINT64_MAX);
		ck_assert_int_eq(bar.result, -EINVAL);
		bar.result = 0;
		hwb_registers_write(&bar, wrong[i].offset, wrong[i].width, 0);
		ck_assert_int_eq(bar.result, -EINVAL);
		ck_assert_uint_eq(memory[0], 0x0807060504030201);
	}
}
END_TEST

static struct hwb_mem_op operand(uint64_t mask, uint32_t microseconds)
{
	const struct hwb_mem_operand operand = { mask, microseconds, 0 };
	struct hwb_mem_op record;

	memcpy(&record, &operand, sizeof(record));
	return record;
}

START_TEST(batches_through_a_mapping)
{
	struct hwb_registers bar = mapped();
	struct hwb_mem_op ops[] = {
		{ 8, HWB_BATCH_READ, 4, 0, 0 },
		{ 0, HWB_BATCH_READ_BLOCK, 2, 0, 3 },
		{ 0, 0, 0, 0, 0 },
		{ 16, HWB_BATCH_MODIFY, 1, 0, 0xf0 },
		operand(0xf0, 0),
		{ 16, HWB_BATCH_POLL, 1, 0, 0xf0 },
		operand(0xf0, 1000),
		{ 32, HWB_BATCH_WRITE_BLOCK, 8, 0, 2 },
		{ 0x2222, 0, 0, 0, 0x3333 },
		{ 16, HWB_BATCH_POLL, 1, 0, 0 },
		operand(0xf0, 10),
		{ 0, HWB_BATCH_WRITE, 1, 0, 0x77 },
	};

	ck_assert_int_eq(hwb_registers_run(&bar, ops, 12, NULL), 10);
	ck_assert_uint_eq(ops[0].value, 0x0c0b0a09);
	static const unsigned char block[16] = { 1, 2, 3, 4, 5, 6 };
	ck_assert_int_eq(memcmp(&ops[2], block, 16), 0);
	ck_assert_uint_eq(ops[3].value, 0x11);
	ck_assert_uint_eq(memory[2] & 0xff, 0xf1);
	ck_assert_uint_eq(memory[4], 0x2222);
	ck_assert_uint_eq(memory[5], 0x3333);
	ck_assert_uint_eq(memory[0] & 0xff, 1); /* behind the POLL */
}
END_TEST

START_TEST(a_wrong_one_refuses_all)
{
	static const struct hwb_mem_op wrong[] = {
		{ 64, HWB_BATCH_READ, 1, 0, 0 },       { 0, 8, 1, 0, 0 },
		{ 0, HWB_BATCH_READ, 3, 0, 0 },        { 0, HWB_BATCH_READ_REPEAT, 1, 0, 0 },
		{ 0, HWB_BATCH_READ_REPEAT, 1, 0, 1 }, { 0, HWB_BATCH_POLL, 1, 0, 0 },
	};
	struct hwb_registers bar = mapped();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct hwb_mem_op ops[] = { { 0, HWB_BATCH_WRITE, 1, 0, 0x77 }, wrong[i] };
		ck_assert_int_eq(hwb_registers_run(&bar, ops, 2, NULL), -EINVAL);
		ck_assert_uint_eq(memory[0] & 0xff, 1);
	}
	struct hwb_mem_op block[3] = { { 56, HWB_BATCH_READ_BLOCK, 8, 0, 2 } };
	ck_assert_int_eq(hwb_registers_run(&bar, block, 3, NULL), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_registers");
	TCase *tests = tcase_create("bar");

	tcase_add_test(tests, each_width);
	tcase_add_test(tests, what_is_not_there_reads_as_ones);
	tcase_add_test(tests, batches_through_a_mapping);
	tcase_add_test(tests, a_wrong_one_refuses_all);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
