/* SPDX-License-Identifier: MIT */
/* Requests that are well formed, and whose values are anything. */
#include "protocol_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* xorshift64*: the same sequence each time. */
static uint32_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * 2685821657736338717ull >> 32);
}

/* Bodies of the right length with arbitrary values: each request gets its one
 * answer, and none ends the connection. */
START_TEST(arbitrary_values)
{
	static const uint32_t values[] = {
		0, 0, 1, 2, 4, 0x1000, 0x200000, 0x7fffffff, UINT32_MAX
	};
	uint64_t state = 0x6d616c69 + (uint64_t)_i;
	struct packet packet;
	int fd = wire_greeted(NULL);

	for (unsigned round = 0; round < 1000; round++) {
		const struct request *request = &requests[next_random(&state) % REQUESTS];
		bool ports = request->opcode == HWB_IO_PORT_OPEN ||
		             request->opcode == HWB_IO_PORT_BATCH ||
		             request->opcode == HWB_IO_MEM_BATCH;
		/* Writing to ports or registers at random is for nobody's good. */
		if (request->opcode == HWB_HELLO || request->opcode == HWB_CONFIG_WRITE ||
		    request->fd || ports)
			continue;
		wire_fill(&packet, request->opcode, round + 1,
		          request->session == NO_SESSION ? 0 : next_random(&state) % 8,
		          request->body);
		uint32_t *words = body_of(&packet);
		for (size_t i = 0; i < request->body / 4; i++)
			words[i] = next_random(&state) % 4 == 0 ? next_random(&state)
			                                        : values[next_random(&state) % 9];
		int status = exchange(fd, &packet);
		ck_assert_msg(status == HWB_OK || status > HWB_NOT_ADMITTED,
		              "round %u, opcode 0x%x: %d", round, request->opcode, status);
	}
	expect_alive(fd);
	close(fd);
}
END_TEST

START_TEST(administration_is_for_operators)
{
	struct hwb_hello_reply hello;
	struct packet packet;
	int fd = wire_greeted(&hello);

	ck_assert_uint_eq(hello.features & HWB_FEATURE_ADMIN, 0);
	for (uint32_t opcode = HWB_ADMIN_STATUS; opcode <= HWB_ADMIN_GIVEN; opcode++) {
		wire_fill(&packet, opcode, 9, 0,
		          opcode == HWB_ADMIN_STATUS  ? 0
		          : opcode == HWB_ADMIN_GIVEN ? sizeof(struct hwb_given_request)
		                                      : sizeof(struct hwb_list_request));
		ck_assert_int_eq(exchange(fd, &packet), HWB_DENIED);
	}
	wire_fill(&packet, HWB_ADMIN_MONITOR, 9, 0, 0);
	ck_assert_int_eq(exchange(fd, &packet), HWB_DENIED);
	wire_fill(&packet, HWB_ADMIN_METRICS, 9, 0, sizeof(struct hwb_list_request));
	ck_assert_int_eq(exchange(fd, &packet), HWB_DENIED);
	/* Not even one's own, by the name that one has. */
	struct hwb_given_request own = { .client = "driver" };
	wire_fill(&packet, HWB_ADMIN_GIVEN, 9, 0, sizeof(own));
	memcpy(body_of(&packet), &own, sizeof(own));
	ck_assert_int_eq(exchange(fd, &packet), HWB_DENIED);
	expect_alive(fd);
	close(fd);
}
END_TEST

START_TEST(devices_that_are_not_ours)
{
	static const struct hwb_pci_address addresses[] = {
		{ .domain = UINT32_MAX, .bus = 255, .device = 31, .function = 7 },
		{ .domain = 0, .bus = 255, .device = 31, .function = 7 },
		{ .domain = 0, .bus = 0, .device = 255, .function = 255 },
	};
	struct packet packet;
	int fd = wire_greeted(NULL);

	for (size_t i = 0; i < 3; i++) {
		int wanted = i < 2 ? HWB_NOT_FOUND : HWB_INVALID;
		wire_fill(&packet, HWB_DEVICE_INFO, 9, 0, sizeof(struct hwb_device_info_request));
		*(struct hwb_pci_address *)body_of(&packet) = addresses[i];
		int status = exchange(fd, &packet);
		ck_assert_msg(status == wanted || status == HWB_NOT_FOUND, "status %d", status);
		wire_fill(&packet, HWB_DEVICE_ACQUIRE, 9, 0, sizeof(struct hwb_acquire_request));
		*(struct hwb_pci_address *)body_of(&packet) = addresses[i];
		status = exchange(fd, &packet);
		ck_assert_msg(status == wanted || status == HWB_NOT_FOUND, "status %d", status);
	}
	/* Memory that belongs to no BAR of ours; ranges that wrap. */
	static const uint64_t ranges[][2] = { { 0, 1 },
		                              { 0, 0x1000 },
		                              { 0xfee00000, 0x1000 },
		                              { 0x100000, UINT64_MAX },
		                              { UINT64_MAX, 1 },
		                              { UINT64_MAX, 2 },
		                              { 0, 0 } };
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		bool wraps = ranges[i][1] == 0 || ranges[i][0] + (ranges[i][1] - 1) < ranges[i][0];
		wire_fill(&packet, HWB_IO_MEM_OPEN, 9, 0, sizeof(struct hwb_io_mem_request));
		struct hwb_io_mem_request *wanted = body_of(&packet);
		wanted->base = ranges[i][0];
		wanted->size = ranges[i][1];
		ck_assert_int_eq(exchange(fd, &packet), wraps ? HWB_INVALID : HWB_NOT_FOUND);
	}
	close(fd);
}
END_TEST

START_TEST(port_ranges)
{
	static const struct {
		uint32_t base, count;
	} ranges[] = {
		{ 0, 0 },           { 0x10000, 1 },    { 0xffff, 2 },
		{ UINT32_MAX, 1 },  { 1, UINT32_MAX }, { UINT32_MAX, UINT32_MAX },
		{ 0x8000, 0x8001 },
	};
	struct hwb_hello_reply hello;
	struct packet packet;
	int fd = wire_greeted(&hello);

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		wire_fill(&packet, HWB_IO_PORT_OPEN, 9, 0, sizeof(struct hwb_io_port_request));
		*(struct hwb_io_port_request *)body_of(&packet) =
		        (struct hwb_io_port_request){ ranges[i].base, ranges[i].count };
		int status = exchange(fd, &packet);
		ck_assert_msg(status == HWB_INVALID || status == HWB_UNSUPPORTED,
		              "ports 0x%x+0x%x: %d", ranges[i].base, ranges[i].count, status);
	}
	/* What gives away the machine; no test policy forces it. */
	static const uint32_t refused[] = { 0x00, 0x64, 0x80, 0x92, 0xb2, 0xc0, 0xcf8, 0xcfc };
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		wire_fill(&packet, HWB_IO_PORT_OPEN, 9, 0, sizeof(struct hwb_io_port_request));
		*(struct hwb_io_port_request *)body_of(&packet) =
		        (struct hwb_io_port_request){ refused[i], 1 };
		int status = exchange(fd, &packet);
		ck_assert_msg(status == HWB_DENIED || status == HWB_UNSUPPORTED, "port 0x%x: %d",
		              refused[i], status);
	}
	close(fd);
}
END_TEST

void add_values(TCase *tests)
{
	tcase_add_loop_test(tests, arbitrary_values, 0, 4);
	tcase_add_test(tests, administration_is_for_operators);
	tcase_add_test(tests, devices_that_are_not_ours);
	tcase_add_test(tests, port_ranges);
}
