/* SPDX-License-Identifier: MIT */
/* IO_PORT: legacy ports by batches, and I/O BARs by number and by descriptor. */
#include "guest.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* 8254 data sheet: channel 2 and the control word; port 0x61 bit 0 is its gate. */
enum {
	TIMER = 0x40,
	CHANNEL2 = 0x42,
	CONTROL = 0x43,
	GATE = 0x61,
	PROGRAM2 = 0xb4, /* channel 2, low then high byte, mode 2 */
	LATCH2 = 0x80,

	/* QEMU, docs/specs/pci-testdev: I/O BAR. */
	BAR_IO = 1,
	TEST = 0,
	OFFSET = 4,
	DATA = 8,
	COUNT = 12,
	NAME = 16
};

static struct hwb_port_op in(uint32_t port, uint8_t width)
{
	return (struct hwb_port_op){ (uint16_t)port, HWB_PORT_IN, width, 0 };
}

static struct hwb_port_op out(uint32_t port, uint8_t width, uint32_t value)
{
	return (struct hwb_port_op){ (uint16_t)port, HWB_PORT_OUT, width, value };
}

static int open_ports(uint32_t base, uint32_t count, uint32_t *session)
{
	return hwb_io_port_open(guest, base, count, session, &why);
}

static int run_ops(uint32_t session, struct hwb_port_op *ops, uint32_t count)
{
	return hwb_io_port_batch(guest, session, ops, count, &why);
}

static int run_one(uint32_t session, struct hwb_port_op op)
{
	return run_ops(session, &op, 1);
}

/* The testdev's port BAR by number. */
static uint32_t open_testdev(struct example_device *testdev, uint32_t *base)
{
	const struct hwb_acquire_request request = { .bars = 1u << BAR_IO };
	uint32_t session;

	guest_take(TESTDEV, &request, testdev);
	*base = (uint32_t)testdev->info.device.bars[BAR_IO].address;
	want(HWB_OK, open_ports(*base, (uint32_t)testdev->info.device.bars[BAR_IO].size, &session));
	return session;
}

START_TEST(timer_runs)
{
	struct hwb_port_op gate[] = { in(GATE, 1) };
	struct hwb_port_op program[] = { out(CONTROL, 1, PROGRAM2), out(CHANNEL2, 1, 0),
		                         out(CHANNEL2, 1, 0) };
	uint32_t timer, speaker;
	unsigned changes = 0, last = 0;

	want(HWB_OK, open_ports(TIMER, 4, &timer));
	want(HWB_OK, open_ports(GATE, 1, &speaker));
	want(HWB_OK, run_ops(speaker, gate, 1));
	want(HWB_OK, run_one(speaker, out(GATE, 1, (gate[0].value & 0xfc) | 1)));
	want(HWB_OK, run_ops(timer, program, 3));
	for (int i = 0; i < 20; i++) {
		struct hwb_port_op read[] = { out(CONTROL, 1, LATCH2), in(CHANNEL2, 1),
			                      in(CHANNEL2, 1) };
		want(HWB_OK, run_ops(timer, read, 3));
		ck_assert_uint_le(read[1].value, 0xff);
		unsigned now = read[1].value | read[2].value << 8;
		changes += now != last;
		last = now;
		guest_pause(3);
	}
	ck_assert_uint_ge(changes, 15);
}
END_TEST

START_TEST(ranges_of_the_policy)
{
	uint32_t session;

	want(HWB_OK, open_ports(0x40, 4, &session)); /* two ranges that touch */
	want(HWB_OK, open_ports(0x41, 2, &session));
	want(HWB_OK, open_ports(0x43, 1, &session));
	want(HWB_OK, open_ports(0xfff8, 8, &session)); /* two sections that touch */
	want(HWB_DENIED, open_ports(0x3f, 1, &session));
	want(HWB_DENIED, open_ports(0x3f, 2, &session));
	want(HWB_DENIED, open_ports(0x43, 2, &session));
	want(HWB_DENIED, open_ports(0x44, 1, &session));
	want(HWB_DENIED, open_ports(0x40, 0x22, &session)); /* 0x44 to 0x60 are missing */
	want(HWB_DENIED, open_ports(0xfff7, 2, &session));
	want(HWB_DENIED, open_ports(0xcf8, 4, &session));
	want(HWB_DENIED, open_ports(0xcfc, 4, &session));
	want(HWB_DENIED, open_ports(0xcf9, 1, &session));
	want(HWB_DENIED, open_ports(0x0, 1, &session));
	want(HWB_DENIED, open_ports(0x0, 0x10000, &session));
	want(HWB_DENIED, open_ports(0x2f8, 8, &session)); /* another client's */
}
END_TEST

START_TEST(wrong_ranges)
{
	uint32_t session;

	want(HWB_INVALID, open_ports(0x40, 0, &session));
	want(HWB_INVALID, open_ports(0x10000, 1, &session));
	want(HWB_INVALID, open_ports(0xffff, 2, &session));
	want(HWB_INVALID, open_ports(0xfff8, 9, &session));
	want(HWB_INVALID, open_ports(0x40, UINT32_MAX, &session));
	want(HWB_INVALID, open_ports(UINT32_MAX, 1, &session));
	want(HWB_INVALID, open_ports(UINT32_MAX, UINT32_MAX, &session));
	want(HWB_INVALID, open_ports(1, UINT32_MAX, &session));
	want(HWB_INVALID, open_ports(0, 0x10001, &session));
}
END_TEST

START_TEST(last_port)
{
	uint32_t session;

	want(HWB_OK, open_ports(0xffff, 1, &session));
	want(HWB_OK, run_one(session, in(0xffff, 1)));
	want(HWB_INVALID, run_one(session, in(0xffff, 2)));
	want(HWB_INVALID, run_one(session, in(0xffff, 4)));
	want(HWB_INVALID, run_one(session, in(0xfffe, 1)));
	want(HWB_INVALID, run_one(session, in(0, 1)));
	want(HWB_OK, open_ports(0xfffc, 4, &session));
	want(HWB_OK, run_one(session, in(0xfffc, 4)));
	want(HWB_OK, run_one(session, in(0xfffe, 2)));
	want(HWB_INVALID, run_one(session, in(0xfffd, 4)));
}
END_TEST

START_TEST(wrong_operations)
{
	uint32_t session;

	want(HWB_OK, open_ports(0x40, 4, &session));
	for (unsigned width = 0; width < 256; width++)
		if (width != 1 && width != 2 && width != 4)
			want(HWB_INVALID, run_one(session, in(0x40, (uint8_t)width)));
	want(HWB_INVALID, run_one(session, (struct hwb_port_op){ 0x40, HWB_PORT_OUT + 1, 1, 0 }));
	want(HWB_INVALID, run_one(session, (struct hwb_port_op){ 0x40, 0xff, 1, 0 }));
	want(HWB_INVALID, run_one(session, in(0x3f, 1)));
	want(HWB_INVALID, run_one(session, in(0x3f, 2)));
	want(HWB_INVALID, run_one(session, in(0x44, 1)));
	want(HWB_INVALID, run_one(session, in(0x43, 2)));
	want(HWB_INVALID, run_one(session, in(0x41, 4)));
	want(HWB_INVALID, run_one(session, in(0xcf8, 4)));
	/* The culprit is named by its place. */
	ck_assert_uint_ne(why.field, 0);
	want(HWB_OK, run_one(session, in(0x40, 1)));
}
END_TEST

START_TEST(widths)
{
	struct example_device testdev;
	uint32_t base, session = open_testdev(&testdev, &base);
	struct hwb_port_op ops[] = { in(base + NAME, 1),     in(base + NAME + 1, 1),
		                     in(base + NAME + 2, 1), in(base + NAME + 3, 1),
		                     in(base + NAME, 2),     in(base + NAME + 2, 2),
		                     in(base + NAME, 4) };

	want(HWB_OK, run_one(session, out(base + TEST, 1, 0)));
	want(HWB_OK, run_ops(session, ops, 7));
	ck_assert_uint_ne(ops[0].value, 0);
	ck_assert_uint_eq(ops[4].value, ops[0].value | ops[1].value << 8);
	ck_assert_uint_eq(ops[5].value, ops[2].value | ops[3].value << 8);
	ck_assert_uint_eq(ops[6].value, ops[4].value | ops[5].value << 16);
}
END_TEST

START_TEST(order_of_a_batch)
{
	struct example_device testdev;
	struct hwb_port_op ops[64];
	uint32_t base, session = open_testdev(&testdev, &base), count = 0;
	uint32_t expected[3];

	want(HWB_OK, run_one(session, out(base + TEST, 1, 0)));
	struct hwb_port_op facts[] = { in(base + OFFSET, 4), in(base + DATA, 1) };
	want(HWB_OK, run_ops(session, facts, 2));
	/* Choosing a test sets its count to zero; each write adds one. */
	for (uint32_t round = 0; round < 3; round++) {
		ops[count++] = out(base + TEST, 1, 0);
		for (uint32_t i = 0; i <= round * 3; i++)
			ops[count++] = out(base + facts[0].value, 1, facts[1].value);
		expected[round] = count;
		ops[count++] = in(base + COUNT, 4);
	}
	want(HWB_OK, run_ops(session, ops, count));
	for (uint32_t round = 0; round < 3; round++)
		ck_assert_uint_eq(ops[expected[round]].value, round * 3 + 1);
}
END_TEST

/* One wrong operation, even the last, and none is carried out. */
START_TEST(batch_is_checked_as_a_whole)
{
	struct example_device testdev;
	uint32_t base, session = open_testdev(&testdev, &base);

	want(HWB_OK, run_one(session, out(base + TEST, 1, 0)));
	struct hwb_port_op facts[] = { in(base + OFFSET, 4), in(base + DATA, 1) };
	want(HWB_OK, run_ops(session, facts, 2));
	struct hwb_port_op count[] = { in(base + COUNT, 4) };
	struct hwb_port_op ops[] = { out(base + facts[0].value, 1, facts[1].value),
		                     out(base + facts[0].value, 1, facts[1].value),
		                     in(base + 0x100, 1) };
	want(HWB_INVALID, run_ops(session, ops, 3));
	want(HWB_OK, run_ops(session, count, 1));
	ck_assert_uint_eq(count[0].value, 0);
	want(HWB_OK, run_ops(session, ops, 2));
	want(HWB_OK, run_ops(session, count, 1));
	ck_assert_uint_eq(count[0].value, 2);
}
END_TEST

START_TEST(largest_batch)
{
	struct {
		struct hwb_port_batch head;
		struct hwb_port_op ops[HWB_PORT_OPS_MAX];
	} body = { .head.count = HWB_PORT_OPS_MAX }, answer;
	struct hwb_call call = { .reply = &answer, .reply_size = sizeof(answer), .error = &why };
	uint32_t session;

	want(HWB_OK, open_ports(0x40, 4, &session));
	for (uint32_t i = 0; i < HWB_PORT_OPS_MAX; i++)
		body.ops[i] = in(0x40, 1);
	ck_assert_int_eq(
	        hwb_begin(guest, &call, HWB_IO_PORT_BATCH, session, &body, sizeof(body), -1), 0);
	want(HWB_OK, hwb_finish(guest, &call));
	ck_assert_uint_eq(call.reply_length, sizeof(answer));
	ck_assert_uint_eq(answer.head.count, HWB_PORT_OPS_MAX);
	ck_assert_uint_eq(answer.ops[HWB_PORT_OPS_MAX - 1].port, 0x40);
	/* And the smallest. */
	body.head.count = 0;
	ck_assert_int_eq(
	        hwb_begin(guest, &call, HWB_IO_PORT_BATCH, session, &body, sizeof(body.head), -1),
	        0);
	want(HWB_OK, hwb_finish(guest, &call));
}
END_TEST

START_TEST(own_sessions_may_overlap)
{
	uint32_t first, second, third;

	want(HWB_OK, open_ports(0x40, 4, &first));
	want(HWB_OK, open_ports(0x42, 2, &second));
	want(HWB_OK, open_ports(0x40, 3, &third));
	guest_release(first);
	/* The ports that are left open still work. */
	want(HWB_OK, run_one(second, in(0x42, 1)));
	want(HWB_OK, run_one(third, in(0x40, 1)));
	want(HWB_INVALID, run_one(second, in(0x41, 1)));
	want(HWB_NO_SESSION, run_one(first, in(0x40, 1)));
	guest_release(third);
	want(HWB_OK, run_one(second, in(0x42, 1)));
	want(HWB_NO_SESSION, hwb_close(guest, third, &why));
}
END_TEST

START_TEST(one_owner_at_a_time)
{
	struct hwb_posix second;
	struct hwb_client *client = guest_connect(&second);
	uint32_t mine, theirs;

	want(HWB_OK, open_ports(0x40, 2, &mine));
	want(HWB_BUSY, hwb_io_port_open(client, 0x40, 2, &theirs, &why));
	want(HWB_BUSY, hwb_io_port_open(client, 0x41, 1, &theirs, &why));
	want(HWB_BUSY, hwb_io_port_open(client, 0x40, 4, &theirs, &why));
	want(HWB_OK, hwb_io_port_open(client, 0x42, 2, &theirs, &why));
	want(HWB_BUSY, open_ports(0x40, 4, &mine));
	struct hwb_port_op op = in(0x40, 1);
	want(HWB_INVALID, hwb_io_port_batch(client, theirs, &op, 1, &why));
	hwb_posix_close(&second);
	/* The end of the connection ends the session, though not at the very instant. */
	for (int waited = 0; open_ports(0x42, 2, &theirs) != 0; waited += 10) {
		ck_assert_int_lt(waited, PATIENCE_MS);
		guest_pause(10);
	}
}
END_TEST

START_TEST(wrong_handles)
{
	struct example_device testdev;
	uint32_t base, ports = open_testdev(&testdev, &base);

	want(HWB_NO_SESSION, run_one(0, in(base, 1)));
	want(HWB_NO_SESSION, run_one(testdev.handle, in(base, 1)));
	want(HWB_NO_SESSION, run_one(ports + 1000, in(base, 1)));
	/* The region of the same BAR is read as a file, not by batches. */
	want(HWB_NO_SESSION, run_one(testdev.info.regions[BAR_IO].session, in(base, 1)));
}
END_TEST

START_TEST(bar_by_number)
{
	const struct hwb_pci_address address = guest_address(TESTDEV);
	struct example_device testdev;
	struct hwb_device info;
	uint32_t session;

	/* By number it is a port like any other until the device is acquired. */
	want(HWB_OK, hwb_device_info(guest, &address, &info, &why));
	uint32_t base = (uint32_t)info.bars[BAR_IO].address;
	ck_assert_uint_ne(info.bars[BAR_IO].flags & HWB_BAR_IO, 0);
	want(HWB_DENIED, open_ports(base, 1, &session));
	session = open_testdev(&testdev, &base);
	want(HWB_OK, run_one(session, in(base, 1)));
	want(HWB_DENIED, open_ports(base + 0xff, 2, &session));
	want(HWB_OK, open_ports(base + 0xff, 1, &session));
	guest_release(testdev.handle);
	want(HWB_NO_SESSION, run_one(session, in(base + 0xff, 1)));
	want(HWB_DENIED, open_ports(base, 1, &session));
}
END_TEST

START_TEST(bar_by_descriptor)
{
	const struct hwb_acquire_request request = { 0 };
	struct example_device testdev, edu;
	struct hwb_region region;
	uint32_t count = 1;
	uint8_t zero = 0, data;
	int fd;

	guest_take(TESTDEV, &request, &testdev);
	want(HWB_OK, hwb_io_port_open_bar(guest, testdev.handle, BAR_IO, &region, &fd, &why));
	ck_assert_uint_eq(region.flags, HWB_REGION_IO);
	ck_assert_uint_eq(region.base, testdev.info.device.bars[BAR_IO].address);
	ck_assert_uint_eq(region.size, 256);
	off_t at = (off_t)region.fd_offset;
	uint32_t offset;
	ck_assert_int_eq(pwrite(fd, &zero, 1, at + TEST), 1);
	ck_assert_int_eq(pread(fd, &offset, 4, at + OFFSET), 4);
	ck_assert_int_eq(pread(fd, &data, 1, at + DATA), 1);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(pwrite(fd, &data, 1, at + (off_t)offset), 1);
	ck_assert_int_eq(pread(fd, &count, 4, at + COUNT), 4);
	ck_assert_uint_eq(count, 5);
	ck_assert_int_le(pread(fd, &count, 4, at + 256), 0);

	want(HWB_INVALID, hwb_io_port_open_bar(guest, testdev.handle, 0, &region, &fd, &why));
	want(HWB_NOT_FOUND, hwb_io_port_open_bar(guest, testdev.handle, 2, &region, &fd, &why));
	want(HWB_NOT_FOUND, hwb_io_port_open_bar(guest, testdev.handle, 6, &region, &fd, &why));
	want(HWB_NO_SESSION, hwb_io_port_open_bar(guest, 0, BAR_IO, &region, &fd, &why));
	guest_take(EDU, &request, &edu);
	want(HWB_INVALID, hwb_io_port_open_bar(guest, edu.handle, 0, &region, &fd, &why));
}
END_TEST

static int open_bar_raw(uint32_t device, const struct hwb_bar_request *request,
                        struct hwb_region *region)
{
	int fd = -1;
	struct hwb_call call = { .reply = region, .reply_size = sizeof(*region), .error = &why };

	call.fds = &fd;
	call.fds_max = 1;
	ck_assert_int_eq(hwb_begin(guest, &call, HWB_IO_PORT_OPEN_BAR, device, request,
	                           sizeof(*request), -1),
	                 0);
	return hwb_finish(guest, &call);
}

START_TEST(part_of_a_port_bar)
{
	const struct hwb_acquire_request request = { 0 };
	struct example_device testdev;
	struct hwb_region region;

	guest_take(TESTDEV, &request, &testdev);
	want(HWB_OK,
	     open_bar_raw(testdev.handle, &(struct hwb_bar_request){ BAR_IO, 0, 16, 8 }, &region));
	ck_assert_uint_eq(region.size, 8);
	ck_assert_uint_eq(region.fd_offset, 16);
	ck_assert_uint_eq(region.base, testdev.info.device.bars[BAR_IO].address + 16);
	want(HWB_INVALID,
	     open_bar_raw(testdev.handle, &(struct hwb_bar_request){ BAR_IO, 0, 255, 2 }, &region));
	want(HWB_INVALID,
	     open_bar_raw(testdev.handle, &(struct hwb_bar_request){ BAR_IO, 0, 256, 0 }, &region));
	/* No flag stands for anything here, not even IO_MEM's. */
	want(HWB_UNKNOWN_FLAG,
	     open_bar_raw(testdev.handle, &(struct hwb_bar_request){ BAR_IO, 1, 0, 0 }, &region));
}
END_TEST

static struct hwb_port_op operand(uint32_t mask, uint32_t microseconds)
{
	const struct hwb_port_operand operand = { mask, microseconds };
	struct hwb_port_op record;

	memcpy(&record, &operand, sizeof(record));
	return record;
}

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Those that need more than a record, with real ports. */
START_TEST(every_operation)
{
	struct example_device testdev;
	uint32_t base, session = open_testdev(&testdev, &base);
	struct hwb_port_op name[] = {
		in(base + NAME, 4),
		{ (uint16_t)(base + NAME), HWB_BATCH_READ_BLOCK, 1, 4 },
		{ 0 },
		{ (uint16_t)(base + NAME), HWB_BATCH_READ_REPEAT, 2, 3 },
		{ 0 },
	};
	unsigned char block[8], repeated[8];

	want(HWB_OK, run_one(session, out(base + TEST, 1, 0)));
	want(HWB_OK, run_ops(session, name, 5));
	memcpy(block, &name[2], 8);
	memcpy(repeated, &name[4], 8);
	ck_assert_int_eq(memcmp(block, &name[0].value, 4), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(memcmp(repeated + 2 * i, &name[0].value, 2), 0);

	uint32_t speaker;
	want(HWB_OK, open_ports(GATE, 1, &speaker));
	want(HWB_OK, run_one(speaker, out(GATE, 1, 0)));
	struct hwb_port_op gate[] = {
		{ GATE, HWB_BATCH_MODIFY, 1, 0xff },
		operand(1, 0),
		{ GATE, HWB_BATCH_POLL, 1, 1 },
		operand(3, 50000),
		{ GATE, HWB_BATCH_WRITE_REPEAT, 1, 2 },
		{ 0x0001, 0, 0, 0 },
		in(GATE, 1),
	};
	want(HWB_OK, run_ops(speaker, gate, 7));
	ck_assert_uint_eq(gate[0].value & 3, 0);
	ck_assert_uint_eq(gate[2].value & 3, 1);
	ck_assert_uint_eq(gate[6].value & 3, 0);
}
END_TEST

START_TEST(a_poll_ends_in_time)
{
	struct hwb_port_op never[] = { { GATE, HWB_BATCH_POLL, 1, 1 },
		                       operand(1, 30000),
		                       out(GATE, 1, 1) };
	uint32_t speaker;

	want(HWB_OK, open_ports(GATE, 1, &speaker));
	want(HWB_OK, run_one(speaker, out(GATE, 1, 0)));
	double before = seconds();
	ck_assert_int_eq(run_ops(speaker, never, 3), 1);
	ck_assert_double_ge(seconds() - before, 0.030);
	/* What was behind it was not done. */
	struct hwb_port_op look[] = { in(GATE, 1) };
	want(HWB_OK, run_ops(speaker, look, 1));
	ck_assert_uint_eq(look[0].value & 1, 0);
	never[1] = operand(1, HWB_BATCH_POLL_MAX + 1);
	want(HWB_INVALID, run_ops(speaker, never, 3));
}
END_TEST

/* As many polls as a connection may have under way, for as long as each may take. */
START_TEST(polls_keep_nobody_waiting)
{
	enum { POLLS = 8 };
	static struct hwb_port_op ops[POLLS][2];
	static struct hwb_port_batch heads[POLLS];
	static struct hwb_call calls[POLLS];
	static struct hwb_error errors[POLLS];
	struct hwb_posix posix;
	struct hwb_client *other = guest_connect(&posix);
	uint32_t speaker;

	want(HWB_OK, open_ports(GATE, 1, &speaker));
	want(HWB_OK, run_one(speaker, out(GATE, 1, 0)));
	for (uint32_t i = 0; i < POLLS; i++) {
		ops[i][0] = (struct hwb_port_op){ GATE, HWB_BATCH_POLL, 1, 1 };
		ops[i][1] = operand(1, HWB_BATCH_POLL_MAX);
		heads[i] = (struct hwb_port_batch){ 2, 0 };
		calls[i] = (struct hwb_call){ .reply = &heads[i],
			                      .reply_size = sizeof(heads[i]),
			                      .tail = ops[i],
			                      .tail_size = sizeof(ops[i]),
			                      .error = &errors[i] };
		ck_assert_int_eq(hwb_begin(guest, &calls[i], HWB_IO_PORT_BATCH, speaker, &heads[i],
		                           sizeof(heads[i]), -1),
		                 0);
	}
	/* All would take 0.8 s: others' requests, and this one's own, take none of that. */
	double before = seconds();
	for (int i = 0; i < 10; i++)
		want(HWB_OK, hwb_ping(other, &why));
	want(HWB_OK, hwb_ping(guest, &why));
	ck_assert_double_lt(seconds() - before, 0.4);
	/* And what is closed ends at once, be it under way or waiting. */
	guest_release(speaker);
	unsigned gone = 0;
	for (uint32_t i = 0; i < POLLS; i++)
		gone += hwb_refusal_of(hwb_finish(guest, &calls[i])) == HWB_GONE;
	ck_assert_double_lt(seconds() - before, 0.6);
	ck_assert_uint_ge(gone, POLLS / 2);
	/* Then they are anybody's. */
	uint32_t again;
	want(HWB_OK, hwb_io_port_open(other, GATE, 1, &again, &why));
	hwb_posix_close(&posix);
}
END_TEST

START_TEST(session_limit)
{
	uint32_t session, limit = guest->hello.sessions_max;

	ck_assert_uint_eq(limit, 16);
	for (uint32_t i = 0; i < limit; i++)
		want(HWB_OK, open_ports(0x40, 4, &session));
	uint32_t more;
	want(HWB_QUOTA, open_ports(0x40, 4, &more));
	want(HWB_OK, run_one(session, in(0x40, 1)));
	guest_release(session);
	want(HWB_OK, open_ports(0x40, 4, &session));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io_port");
	TCase *tests = guest_case(suite, "legacy");

	tcase_add_test(tests, timer_runs);
	tcase_add_test(tests, ranges_of_the_policy);
	tcase_add_test(tests, wrong_ranges);
	tcase_add_test(tests, last_port);
	tcase_add_test(tests, own_sessions_may_overlap);
	tcase_add_test(tests, one_owner_at_a_time);
	tcase_add_test(tests, session_limit);
	tests = guest_case(suite, "batches");
	tcase_add_test(tests, wrong_operations);
	tcase_add_test(tests, widths);
	tcase_add_test(tests, order_of_a_batch);
	tcase_add_test(tests, batch_is_checked_as_a_whole);
	tcase_add_test(tests, largest_batch);
	tcase_add_test(tests, every_operation);
	tcase_add_test(tests, a_poll_ends_in_time);
	tcase_add_test(tests, polls_keep_nobody_waiting);
	tests = guest_case(suite, "BARs");
	tcase_add_test(tests, wrong_handles);
	tcase_add_test(tests, bar_by_number);
	tcase_add_test(tests, bar_by_descriptor);
	tcase_add_test(tests, part_of_a_port_bar);
	return guest_run(suite);
}
