/* SPDX-License-Identifier: MIT */
#include "session/batch/batch.h"

#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a window whose accesses are written down ---- */

enum { SIZE = 64, LOG = 512 };

struct access {
	uint64_t place;
	uint32_t width;
	uint64_t value;
	bool write;
};

static struct {
	unsigned char bytes[SIZE];
	struct access log[LOG];
	uint32_t count;
	uint32_t ready_after; /* reads until bit 0 of the first byte is set; 0: never */
	uint32_t fail_at;     /* this access fails, from 1; 0: none */
	uint32_t cut_at;
	atomic_bool cut;
} fake;

static int note(uint64_t place, uint32_t width, uint64_t value, bool write, struct fault *fault)
{
	if (fake.count < LOG)
		fake.log[fake.count] = (struct access){ place, width, value, write };
	fake.count++;
	if (fake.count == fake.cut_at)
		atomic_store(&fake.cut, true);
	if (fake.count == fake.fail_at)
		return fault_set(fault, HWB_HOST_ERROR, "made to fail");
	return 0;
}

static int fake_read(const struct batch_window *window, uint64_t place, uint32_t width,
                     uint64_t *value, struct fault *fault)
{
	uint64_t at = place - window->base;

	ck_assert_uint_le(at + width, window->size);
	*value = 0;
	if (fake.ready_after != 0 && fake.count + 1 >= fake.ready_after)
		fake.bytes[0] |= 1;
	memcpy(value, fake.bytes + at, width);
	return note(place, width, *value, false, fault);
}

static int fake_write(const struct batch_window *window, uint64_t place, uint32_t width,
                      uint64_t value, struct fault *fault)
{
	uint64_t at = place - window->base;

	ck_assert_uint_le(at + width, window->size);
	if (width < 8)
		ck_assert_uint_eq(value >> 8 * width, 0);
	memcpy(fake.bytes + at, &value, width);
	return note(place, width, value, true, fault);
}

static struct batch_window ports = {
	.base = 0x40, .size = SIZE, .widest = 4, .read = fake_read, .write = fake_write
};
static struct batch_window memory = {
	.size = SIZE, .widest = 8, .aligned = true, .read = fake_read, .write = fake_write
};

static struct batch batch;
static struct fault fault;

static void reset(void)
{
	memset(&fake, 0, sizeof(fake));
	for (uint32_t i = 0; i < SIZE; i++)
		fake.bytes[i] = (unsigned char)(i * 2);
}

static int run(enum batch_form form, uint32_t count, const void *records)
{
	const struct batch_window *window = form == BATCH_PORTS ? &ports : &memory;

	batch_read(&batch, form, count, records);
	if (batch_check(&batch, window, &fault) != 0) {
		ck_assert_uint_eq(fake.count, 0);
		return -1;
	}
	return batch_run(&batch, window, &fake.cut, &fault);
}

static void refused(enum batch_form form, uint32_t count, const void *records, uint32_t at,
                    enum hwb_status status)
{
	reset();
	ck_assert_int_eq(run(form, count, records), -1);
	ck_assert_int_eq(fault.status, status);
	ck_assert_uint_eq(batch.at, at);
	ck_assert_uint_eq(batch_field(&batch), 24 + 8 + at * (form == BATCH_PORTS ? 8 : 16));

	/* The sentence counts from 1, and may name the operand. */
	unsigned number = 0;
	ck_assert_int_eq(sscanf(fault.reason, "record %u:", &number), 1);
	ck_assert_uint_ge(number, at + 1);
	ck_assert_uint_le(number, at + 2);
}

static struct hwb_port_op port_operand(uint32_t mask, uint32_t microseconds)
{
	const struct hwb_port_operand operand = { mask, microseconds };
	struct hwb_port_op record;

	memcpy(&record, &operand, sizeof(record));
	return record;
}

static struct hwb_mem_op mem_operand(uint64_t mask, uint32_t microseconds, uint32_t reserved)
{
	const struct hwb_mem_operand operand = { mask, microseconds, reserved };
	struct hwb_mem_op record;

	memcpy(&record, &operand, sizeof(record));
	return record;
}

/* ---- what is done ---- */

START_TEST(reads_and_writes)
{
	const struct hwb_port_op ops[] = {
		{ 0x44, HWB_PORT_IN, 1, 99 },
		{ 0x41, HWB_PORT_IN, 2, 0 },
		{ 0x48, HWB_PORT_OUT, 2, 0xdeadbeef },
		{ 0x48, HWB_PORT_IN, 4, 0 },
	};

	reset();
	ck_assert_int_eq(run(BATCH_PORTS, 4, ops), 0);
	ck_assert_uint_eq(fake.count, 4);
	ck_assert_uint_eq(batch.accesses, 4);
	ck_assert_uint_eq(batch.records.ports[0].value, 8);
	ck_assert_uint_eq(batch.records.ports[1].value, 0x0402);
	ck_assert_uint_eq(batch.records.ports[2].value, 0xdeadbeef);
	ck_assert_uint_eq(batch.records.ports[3].value, 0x1614beef);
	ck_assert_uint_eq(batch.stopped, 0);

	const struct hwb_mem_op mem[] = {
		{ 8, HWB_BATCH_WRITE, 8, 0, 0x1122334455667788 },
		{ 8, HWB_BATCH_READ, 8, 0, 0 },
		{ 12, HWB_BATCH_READ, 1, 0, 7 },
	};
	reset();
	ck_assert_int_eq(run(BATCH_MEMORY, 3, mem), 0);
	ck_assert_uint_eq(batch.records.memory[1].value, 0x1122334455667788);
	ck_assert_uint_eq(batch.records.memory[2].value, 0x44);
	ck_assert_uint_eq(batch_size(&batch), 48);
	ck_assert_int_eq(run(BATCH_MEMORY, 0, NULL), 0);
}
END_TEST

START_TEST(repeats_and_blocks)
{
	struct hwb_port_op ops[] = {
		{ 0x41, HWB_BATCH_READ_REPEAT, 1, 3 },
		{ 0 },
		{ 0x41, HWB_BATCH_READ_BLOCK, 2, 5 },
		{ 0 },
		{ 0 },
		{ 0x50, HWB_BATCH_WRITE_BLOCK, 1, 4 },
		{ 0x0201, 3, 4, 0 },
		{ 0x60, HWB_BATCH_WRITE_REPEAT, 4, 2 },
		{ 0x0202, 2, 2, 0x09090909 },
	};

	reset();
	ck_assert_int_eq(run(BATCH_PORTS, 9, ops), 0);
	ck_assert_uint_eq(batch.accesses, 3 + 5 + 4 + 2);
	ck_assert_uint_eq(fake.count, batch.accesses);
	static const unsigned char repeated[8] = { 2, 2, 2 };
	ck_assert_int_eq(memcmp(&batch.records.ports[1], repeated, 8), 0);
	static const unsigned char block[16] = { 2, 4, 6, 8, 10, 12, 14, 16, 18, 20 };
	ck_assert_int_eq(memcmp(&batch.records.ports[3], block, 16), 0);
	ck_assert_uint_eq(batch.records.ports[2].value, 5);
	static const unsigned char written[4] = { 1, 2, 3, 4 };
	ck_assert_int_eq(memcmp(fake.bytes + 0x10, written, 4), 0);
	ck_assert_uint_eq(fake.log[12].value, 0x02020202);
	ck_assert_uint_eq(fake.log[13].value, 0x09090909);
	ck_assert_uint_eq(fake.log[13].place, 0x60);

	struct hwb_mem_op mem[] = { { 0, HWB_BATCH_READ_BLOCK, 8, 0, 3 }, { 0 }, { 0 } };
	reset();
	ck_assert_int_eq(run(BATCH_MEMORY, 3, mem), 0);
	ck_assert_int_eq(memcmp(&batch.records.memory[1], fake.bytes, 24), 0);
	static const unsigned char none[8];
	ck_assert_int_eq(memcmp((unsigned char *)&batch.records.memory[2] + 8, none, 8), 0);
}
END_TEST

START_TEST(modifies_the_bits_of_the_mask)
{
	const struct hwb_port_op ops[] = { { 0x44, HWB_BATCH_MODIFY, 1, 0xff5 },
		                           port_operand(0xf0f, 0) };

	reset();
	fake.bytes[4] = 0xa0;
	ck_assert_int_eq(run(BATCH_PORTS, 2, ops), 0);
	ck_assert_uint_eq(fake.count, 2);
	ck_assert_uint_eq(fake.bytes[4], 0xa5);
	ck_assert_uint_eq(batch.records.ports[0].value, 0xa0);

	const struct hwb_mem_op mem[] = { { 8, HWB_BATCH_MODIFY, 8, 0, 0 },
		                          mem_operand(0xff00000000000000, 0, 0) };
	reset();
	ck_assert_int_eq(run(BATCH_MEMORY, 2, mem), 0);
	ck_assert_uint_eq(fake.bytes[15], 0);
	ck_assert_uint_eq(fake.bytes[14], 28);
}
END_TEST

START_TEST(polls_until_it_is_so)
{
	const struct hwb_port_op ops[] = { { 0x40, HWB_BATCH_POLL, 1, 0xff01 },
		                           port_operand(0xff01 & 1, 50000),
		                           { 0x44, HWB_PORT_IN, 1, 0 } };

	reset();
	fake.ready_after = 5;
	ck_assert_int_eq(run(BATCH_PORTS, 3, ops), 0);
	ck_assert(batch.polls);
	ck_assert_uint_eq(batch.microseconds, 50000);
	ck_assert_uint_eq(batch.stopped, 0);
	ck_assert_uint_eq(fake.count, 6);
	ck_assert_uint_eq(batch.records.ports[0].value, 1);
	ck_assert_uint_eq(batch.records.ports[2].value, 8);
}
END_TEST

START_TEST(stops_when_the_time_is_up)
{
	const struct hwb_mem_op ops[] = {
		{ 4, HWB_BATCH_READ, 4, 0, 0 },
		{ 0, HWB_BATCH_POLL, 4, 0, 1 },
		mem_operand(1, 3000, 0),
		{ 8, HWB_BATCH_WRITE, 4, 0, 0 },
	};

	reset();
	ck_assert_int_eq(run(BATCH_MEMORY, 4, ops), 0);
	ck_assert_uint_eq(batch.stopped, 2);
	ck_assert_uint_gt(fake.count, 2);
	ck_assert_uint_eq(fake.bytes[8], 16);

	/* At least one read, however short. */
	const struct hwb_mem_op once[] = { { 0, HWB_BATCH_POLL, 4, 0, 1 }, mem_operand(1, 0, 0) };
	reset();
	ck_assert_int_eq(run(BATCH_MEMORY, 2, once), 0);
	ck_assert_uint_eq(batch.stopped, 1);
	ck_assert_uint_eq(fake.count, 1);
}
END_TEST

START_TEST(ends_when_it_is_cut)
{
	const struct hwb_port_op ops[] = { { 0x40, HWB_BATCH_POLL, 1, 1 },
		                           port_operand(1, HWB_BATCH_POLL_MAX) };

	reset();
	fake.cut_at = 3;
	ck_assert_int_eq(run(BATCH_PORTS, 2, ops), -1);
	ck_assert_int_eq(fault.status, HWB_GONE);
	ck_assert_uint_eq(fake.count, 3);

	/* Before the first. */
	reset();
	atomic_store(&fake.cut, true);
	ck_assert_int_eq(run(BATCH_PORTS, 2, ops), -1);
	ck_assert_uint_eq(fake.count, 0);
}
END_TEST

START_TEST(says_which_access_failed)
{
	const struct hwb_port_op ops[] = { { 0x40, HWB_PORT_IN, 1, 0 },
		                           { 0x41, HWB_BATCH_READ_REPEAT, 1, 8 },
		                           { 0 },
		                           { 0x42, HWB_PORT_OUT, 1, 0 } };

	reset();
	fake.fail_at = 4;
	ck_assert_int_eq(run(BATCH_PORTS, 4, ops), -1);
	ck_assert_int_eq(fault.status, HWB_HOST_ERROR);
	ck_assert_uint_eq(batch.at, 1);
	ck_assert_uint_eq(fake.count, 4);
}
END_TEST

/* ---- what is refused, and then nothing is done ---- */

START_TEST(a_wrong_one_refuses_all)
{
	static const struct hwb_port_op wrong[] = {
		{ 0x40, 8, 1, 0 },           { 0x40, 255, 1, 0 },
		{ 0x40, HWB_PORT_IN, 0, 0 }, { 0x40, HWB_PORT_IN, 3, 0 },
		{ 0x40, HWB_PORT_IN, 8, 0 }, { 0x3f, HWB_PORT_IN, 1, 0 },
		{ 0x80, HWB_PORT_IN, 1, 0 }, { 0x7f, HWB_PORT_OUT, 2, 0 },
		{ 0, HWB_PORT_OUT, 2, 0 },   { 0xffff, HWB_PORT_OUT, 4, 0 },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct hwb_port_op ops[] = { { 0x40, HWB_PORT_OUT, 1, 0 }, wrong[i] };
		refused(BATCH_PORTS, 2, ops, 1, HWB_INVALID);
	}

	static const struct hwb_mem_op memory_wrong[] = {
		{ 1, HWB_BATCH_READ, 2, 0, 0 },           { 4, HWB_BATCH_READ, 8, 0, 0 },
		{ 64, HWB_BATCH_READ, 1, 0, 0 },          { 0xfffffff8, HWB_BATCH_READ, 8, 0, 0 },
		{ 0, HWB_BATCH_READ, 16, 0, 0 },          { 0, HWB_BATCH_READ, 0, 0, 0 },
		{ 0xfffffff0, HWB_BATCH_WRITE, 8, 0, 0 },
	};
	for (size_t i = 0; i < sizeof(memory_wrong) / sizeof(memory_wrong[0]); i++) {
		const struct hwb_mem_op ops[] = { { 0, HWB_BATCH_WRITE, 1, 0, 0 },
			                          memory_wrong[i] };
		refused(BATCH_MEMORY, 2, ops, 1, HWB_INVALID);
	}
	/* Eight bytes, but not of ports that are reached as memory is. */
	const struct hwb_mem_op wide = { 0, HWB_BATCH_READ, 8, 0, 0 };
	memory.widest = 4;
	refused(BATCH_MEMORY, 1, &wide, 0, HWB_INVALID);
	memory.widest = 8;
	const struct hwb_mem_op reserved = { 0, HWB_BATCH_READ, 8, 1, 0 };
	refused(BATCH_MEMORY, 1, &reserved, 0, HWB_RESERVED_NOT_ZERO);
}
END_TEST

START_TEST(values_need_room)
{
	static const uint32_t counts[] = { 0, 9, 17, 0x20000000, 0x80000001, 0xffffffff };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (uint8_t action = HWB_BATCH_READ_REPEAT; action <= HWB_BATCH_WRITE_BLOCK;
		     action++) {
			const struct hwb_port_op ops[] = { { 0x40, action, 1, counts[i] }, { 0 } };
			refused(BATCH_PORTS, 2, ops, 0, HWB_INVALID);
		}
	static const uint64_t longs[] = {
		0, 0x1000, 0x1001, 1ull << 32, 1ull << 61, UINT64_MAX, 3
	};
	for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++) {
		const struct hwb_mem_op ops[] = { { 0, HWB_BATCH_READ_REPEAT, 8, 0, longs[i] },
			                          { 0 } };
		refused(BATCH_MEMORY, 2, ops, 0, HWB_INVALID);
	}
	/* The block ends behind the window, though its values have room. */
	struct hwb_port_op block[10] = { { 0x78, HWB_BATCH_READ_BLOCK, 1, 9 } };
	refused(BATCH_PORTS, 10, block, 0, HWB_INVALID);
	block[0].value = 8;
	block[2] = (struct hwb_port_op){ 0x78, HWB_PORT_IN, 1, 0 };
	for (uint32_t i = 3; i < 10; i++)
		block[i] = block[2];
	reset();
	ck_assert_int_eq(run(BATCH_PORTS, 10, block), 0);
	/* Repeats do not move. */
	struct hwb_port_op same[10] = { { 0x7f, HWB_BATCH_READ_REPEAT, 1, 72 } };
	reset();
	ck_assert_int_eq(run(BATCH_PORTS, 10, same), 0);
	ck_assert_uint_eq(fake.count, 72);
}
END_TEST

START_TEST(what_follows_is_zero)
{
	struct hwb_port_op ops[] = { { 0x40, HWB_BATCH_WRITE_REPEAT, 1, 7 }, { 0 } };
	unsigned char *values = (unsigned char *)&ops[1];

	values[7] = 1;
	refused(BATCH_PORTS, 2, ops, 0, HWB_RESERVED_NOT_ZERO);
	values[7] = 0;
	values[6] = 1;
	reset();
	ck_assert_int_eq(run(BATCH_PORTS, 2, ops), 0);
	ops[0].action = HWB_BATCH_READ_REPEAT;
	refused(BATCH_PORTS, 2, ops, 0, HWB_RESERVED_NOT_ZERO);
}
END_TEST

START_TEST(masks_need_a_record)
{
	for (uint8_t action = HWB_BATCH_MODIFY; action <= HWB_BATCH_POLL; action++) {
		const struct hwb_port_op op = { 0x40, action, 1, 0 };
		refused(BATCH_PORTS, 1, &op, 0, HWB_INVALID);
	}
	const struct hwb_port_op modify[] = { { 0x40, HWB_BATCH_MODIFY, 1, 0 },
		                              port_operand(1, 1) };
	refused(BATCH_PORTS, 2, modify, 0, HWB_RESERVED_NOT_ZERO);
	const struct hwb_mem_op poll[] = { { 0, HWB_BATCH_POLL, 1, 0, 0 }, mem_operand(0, 1, 1) };
	refused(BATCH_MEMORY, 2, poll, 0, HWB_RESERVED_NOT_ZERO);
}
END_TEST

START_TEST(all_polls_together_are_bounded)
{
	struct hwb_port_op ops[] = {
		{ 0x40, HWB_BATCH_POLL, 1, 0 },
		port_operand(0, HWB_BATCH_POLL_MAX - 1),
		{ 0x40, HWB_BATCH_POLL, 1, 0 },
		port_operand(0, 2),
	};

	refused(BATCH_PORTS, 4, ops, 2, HWB_INVALID);
	ops[3] = port_operand(0, UINT32_MAX);
	refused(BATCH_PORTS, 4, ops, 2, HWB_INVALID);
	ops[3] = port_operand(0, 1);
	reset();
	ck_assert_int_eq(run(BATCH_PORTS, 4, ops), 0);
	ck_assert_uint_eq(batch.microseconds, HWB_BATCH_POLL_MAX);
	ck_assert_uint_eq(fake.count, 2);
}
END_TEST

static uint32_t dice(uint32_t sides)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (state >> 8) % sides;
}

/* Whatever comes, what passes the check stays within the window: fake_read and fake_write
 * look, and the sanitizers. */
START_TEST(anything_stays_within)
{
	uint32_t passed = 0;

	for (uint32_t round = 0; round < 200000; round++) {
		struct hwb_mem_op mem[4] = { 0 };
		struct hwb_port_op port[4] = { 0 };
		enum batch_form form = round % 2 == 0 ? BATCH_PORTS : BATCH_MEMORY;
		for (uint32_t i = 0; i < 4; i++) {
			mem[i] = (struct hwb_mem_op){ dice(68) & ~(dice(8)), (uint8_t)dice(9),
				                      (uint8_t)(1u << dice(5)), 0, dice(10) };
			port[i] =
			        (struct hwb_port_op){ (uint16_t)(0x3f + dice(66)), (uint8_t)dice(9),
				                      (uint8_t)(1u << dice(4)), dice(10) };
			if (dice(3) == 0) {
				mem[i] = mem_operand(dice(2), dice(2), 0);
				port[i] = port_operand(0, dice(2));
			}
		}
		const void *records = form == BATCH_PORTS ? (void *)port : (void *)mem;
		reset();
		if (run(form, 1 + round / 2 % 4, records) == 0) {
			passed++;
			ck_assert(batch.stopped != 0 || fake.count >= batch.accesses);
		}
	}
	ck_assert_uint_gt(passed, 1000);
	ck_assert_uint_lt(passed, 190000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("batch");
	TCase *tests = tcase_create("batch");

	tcase_add_test(tests, reads_and_writes);
	tcase_add_test(tests, repeats_and_blocks);
	tcase_add_test(tests, modifies_the_bits_of_the_mask);
	tcase_add_test(tests, polls_until_it_is_so);
	tcase_add_test(tests, stops_when_the_time_is_up);
	tcase_add_test(tests, ends_when_it_is_cut);
	tcase_add_test(tests, says_which_access_failed);
	tcase_add_test(tests, a_wrong_one_refuses_all);
	tcase_add_test(tests, values_need_room);
	tcase_add_test(tests, what_follows_is_zero);
	tcase_add_test(tests, masks_need_a_record);
	tcase_add_test(tests, all_polls_together_are_bounded);
	tcase_add_test(tests, anything_stays_within);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
