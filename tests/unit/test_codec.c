/* SPDX-License-Identifier: MIT */
/* Every rule of protocol/codec.c for every opcode: requests, and packets of any kind that chance
 * has changed. Answers are in test_codec_answers.c. */
#include "test_codec_messages.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- requests, one opcode a run --------------------------------------- */

START_TEST(request_passes)
{
	struct draft draft;

	start_request(&draft, &messages[_i]);
	expect(hwb_check_request, &draft, HWB_OK, 0);
	put32(&draft, 8, UINT32_MAX);
	expect(hwb_check_request, &draft, HWB_OK, 0);
}
END_TEST

START_TEST(request_of_any_other_length)
{
	const struct message *message = &messages[_i];
	struct draft draft;

	start_request(&draft, message);
	for (size_t length = 0; length <= HEADER + message->size + 64; length++) {
		if (length == HEADER + message->size)
			continue;
		/* The header tells the old length: cut or padded on the way. */
		start_request(&draft, message);
		draft.length = length;
		expect(hwb_check_request, &draft, HWB_MALFORMED, length < HEADER ? 0 : 4);
		if (length < HEADER)
			continue;
		/* The header agrees, the opcode does not. */
		resize(&draft, length - HEADER);
		expect(hwb_check_request, &draft, HWB_MALFORMED, 4);
	}
	static const size_t long_ones[] = { HWB_MESSAGE_MAX - 1, HWB_MESSAGE_MAX,
		                            HWB_MESSAGE_MAX + 1, ROOM };
	for (size_t i = 0; i < 4; i++) {
		resize(&draft, long_ones[i] - HEADER);
		expect(hwb_check_request, &draft, HWB_MALFORMED, 4);
	}
}
END_TEST

START_TEST(request_that_lies_about_its_length)
{
	static const uint32_t lies[] = { 0, 1, 23, 25, 4095, 4096, 4097, 0x80000000u, UINT32_MAX };
	struct draft draft;

	start_request(&draft, &messages[_i]);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		put32(&draft, 4, lies[i]);
		expect(hwb_check_request, &draft, HWB_MALFORMED, 4);
	}
}
END_TEST

START_TEST(request_header_fields)
{
	const struct message *message = &messages[_i];
	struct draft draft;

	static const uint32_t versions[] = { 0, 2, 0x0100, 0xffff };
	for (size_t i = 0; i < 4; i++) {
		start_request(&draft, message);
		put16(&draft, 0, versions[i]);
		expect(hwb_check_request, &draft, HWB_BAD_VERSION, 0);
	}
	static const uint32_t kinds[] = { 1, 2, 3, 0x100, 0xffff };
	for (size_t i = 0; i < 5; i++) {
		start_request(&draft, message);
		put16(&draft, 20, kinds[i]);
		expect(hwb_check_request, &draft, HWB_MALFORMED, 20);
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		start_request(&draft, message);
		put32(&draft, 16, 1u << bit);
		expect(hwb_check_request, &draft, HWB_RESERVED_NOT_ZERO, 16);
		start_request(&draft, message);
		put32(&draft, 12, 1u << bit);
		expect(hwb_check_request, &draft,
		       message->takes == A_HANDLE ? HWB_OK : HWB_RESERVED_NOT_ZERO, 12);
	}
	start_request(&draft, message);
	put32(&draft, 8, 0);
	expect(hwb_check_request, &draft, HWB_INVALID, 8);
}
END_TEST

START_TEST(request_with_other_descriptors)
{
	static const uint32_t counts[] = { 0, 1, 2, 3, 63, 64, 65, 253, 0xffff };
	const struct message *message = &messages[_i];
	struct draft draft;

	start_request(&draft, message);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (counts[i] == message->fds)
			continue;
		set_fds(&draft, counts[i]); /* announced, but not wanted */
		expect(hwb_check_request, &draft, HWB_MALFORMED, 22);
		put16(&draft, 22, message->fds); /* neither */
		expect(hwb_check_request, &draft, HWB_MALFORMED, 22);
		set_fds(&draft, message->fds);
		put16(&draft, 22, counts[i]); /* announced, but they did not come */
		expect(hwb_check_request, &draft, HWB_MALFORMED, 22);
		set_fds(&draft, message->fds);
	}
	/* A count that does not fit the header's field must not be taken for its rest. */
	draft.fds = message->fds + 0x10000;
	expect(hwb_check_request, &draft, HWB_MALFORMED, 22);
}
END_TEST

/* Whether a byte of the request is judged by the codec, and how. */
static enum hwb_status byte_status(const struct message *message, size_t at)
{
	for (size_t i = 0; i < 2; i++)
		if (at >= message->reserved_at[i] &&
		    at < message->reserved_at[i] + message->reserved_size[i])
			return HWB_RESERVED_NOT_ZERO;
	if (message->flags_at != 0 && at >= message->flags_at && at < message->flags_at + 4)
		return HWB_UNKNOWN_FLAG;
	if ((message->opcode == HWB_IO_PORT_BATCH || message->opcode == HWB_IO_MEM_BATCH) &&
	    at < HEADER + 4)
		return HWB_MALFORMED;
	return HWB_OK;
}

/* Which of the reserved fields byte `at` is of. */
static uint32_t reserved_field(const struct message *message, size_t at)
{
	size_t second = message->reserved_at[1];

	return (uint32_t)(second != 0 && at >= second ? second : message->reserved_at[0]);
}

START_TEST(request_bits_of_the_body)
{
	const struct message *message = &messages[_i];
	struct draft draft;

	for (size_t at = HEADER; at < HEADER + message->size; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			enum hwb_status status = byte_status(message, at);
			size_t flag = 8 * (at - message->flags_at) + bit;

			start_request(&draft, message);
			draft.bytes[at] = (unsigned char)(1u << bit);
			if (status == HWB_UNKNOWN_FLAG && (message->known_flags >> flag & 1) != 0)
				status = HWB_OK;
			expect_status(hwb_check_request, &draft, status);
			if (status == HWB_UNKNOWN_FLAG)
				expect(hwb_check_request, &draft, status,
				       (uint32_t)message->flags_at);
			if (status == HWB_RESERVED_NOT_ZERO)
				expect(hwb_check_request, &draft, status,
				       reserved_field(message, at));
		}
	}
}
END_TEST

/* ---- requests, the rest ----------------------------------------------- */
START_TEST(unknown_opcodes)
{
	struct draft draft;

	for (uint32_t opcode = 0; opcode <= 0xffff; opcode++) {
		if (known(opcode))
			continue;
		start(&draft, opcode, HWB_REQUEST, 0);
		expect(hwb_check_request, &draft, HWB_UNKNOWN_OPCODE, 2);
		if (opcode > 0x200)
			continue;
		/* Its length cannot be judged, its descriptors are too many. */
		resize(&draft, 100);
		expect(hwb_check_request, &draft, HWB_UNKNOWN_OPCODE, 2);
		set_fds(&draft, 1);
		expect(hwb_check_request, &draft, HWB_MALFORMED, 22);
	}
}
END_TEST

/* Counts of records of `size` bytes, up to `max`. */
static void expect_batches(uint16_t opcode, uint32_t size, uint32_t max)
{
	struct draft draft;

	for (uint32_t count = 0; count <= max; count++) {
		start(&draft, opcode, HWB_REQUEST, 8 + size * (size_t)count);
		memset(draft.bytes + HEADER + 8, ODD, size * (size_t)count);
		put32(&draft, HEADER, count);
		expect(hwb_check_request, &draft, HWB_OK, 0);
		put16(&draft, 20, HWB_REPLY);
		expect(hwb_check_answer, &draft, HWB_OK, 0);
		put32(&draft, HEADER + 4, count); /* stopped */
		expect(hwb_check_answer, &draft, HWB_OK, 0);
		put32(&draft, HEADER + 4, 0);
		put16(&draft, 20, HWB_REQUEST);
		put32(&draft, HEADER, count + 1);
		expect_status(hwb_check_request, &draft, HWB_MALFORMED);
		put32(&draft, HEADER, count - 1);
		expect_status(hwb_check_request, &draft, HWB_MALFORMED);
	}
	start(&draft, opcode, HWB_REQUEST, HWB_MESSAGE_MAX - HEADER);
	put32(&draft, HEADER, max + 1);
	expect_status(hwb_check_request, &draft, HWB_MALFORMED);

	/* Counts whose product with the size wraps to what is there. */
	static const uint32_t wraps[] = { 0x10000000u, 0x20000000u, 0x40000000u,
		                          0x80000000u, 0xe0000000u, 0xf0000000u };
	start(&draft, opcode, HWB_REQUEST, 8 + size);
	for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
		put32(&draft, HEADER, wraps[i] + 1);
		expect_status(hwb_check_request, &draft, HWB_MALFORMED);
	}
	put32(&draft, HEADER, UINT32_MAX);
	expect_status(hwb_check_request, &draft, HWB_MALFORMED);
}

START_TEST(port_batches)
{
	struct draft draft;

	expect_batches(HWB_IO_PORT_BATCH, 8, HWB_PORT_OPS_MAX);
	start(&draft, HWB_IO_PORT_BATCH, HWB_REQUEST, 8 + 8 * 257);
	put32(&draft, HEADER, 257);
	expect_status(hwb_check_request, &draft, HWB_MALFORMED);
}
END_TEST

START_TEST(memory_batches)
{
	expect_batches(HWB_IO_MEM_BATCH, 16, HWB_MEM_OPS_MAX);
	/* As many as fit. */
	ck_assert_uint_eq(HEADER + 8 + 16 * HWB_MEM_OPS_MAX, HWB_MESSAGE_MAX);
}
END_TEST

/* A region that is mediated comes alone. */
START_TEST(regions_without_a_descriptor)
{
	static const uint16_t opcodes[] = { HWB_IO_MEM_OPEN, HWB_IO_MEM_OPEN_BAR,
		                            HWB_IO_PORT_OPEN_BAR };
	struct draft draft;

	for (size_t i = 0; i < 3; i++) {
		start(&draft, opcodes[i], HWB_REPLY, sizeof(struct hwb_region));
		put32(&draft, HEADER, 7);
		expect(hwb_check_answer, &draft, HWB_MALFORMED, 22);
		put32(&draft, HEADER + 4, HWB_REGION_MEDIATED | HWB_REGION_IO);
		expect(hwb_check_answer, &draft, HWB_OK, 0);
		set_fds(&draft, 1);
		expect(hwb_check_answer, &draft, HWB_MALFORMED, 22);
	}
	/* Of two regions of a device, one. */
	size_t first = HEADER + offsetof(struct hwb_acquire_reply, regions);
	start(&draft, HWB_DEVICE_ACQUIRE, HWB_REPLY, sizeof(struct hwb_acquire_reply));
	put32(&draft, first, 7);
	put32(&draft, first + 32, 8);
	put32(&draft, first + 32 + 4, HWB_REGION_MEDIATED);
	set_fds(&draft, 1);
	expect(hwb_check_answer, &draft, HWB_OK, 0);
	set_fds(&draft, 2);
	expect(hwb_check_answer, &draft, HWB_MALFORMED, 22);
}
END_TEST

/* Of several faults the one that PROTOCOL.md lists first is reported. */
START_TEST(order_of_checks)
{
	struct draft draft;

	start(&draft, 0x7777, HWB_EVENT, 9);
	put16(&draft, 0, 3);
	put32(&draft, 4, 5);
	put32(&draft, 8, 0);
	put32(&draft, 16, 1);
	put16(&draft, 22, 1);
	draft.length = HWB_MESSAGE_MAX + 1;
	expect(hwb_check_request, &draft, HWB_MALFORMED, 4);
	draft.length = HEADER + 9;
	expect(hwb_check_request, &draft, HWB_BAD_VERSION, 0);
	put16(&draft, 0, 1);
	expect(hwb_check_request, &draft, HWB_MALFORMED, 4);
	put32(&draft, 4, HEADER + 9);
	expect(hwb_check_request, &draft, HWB_MALFORMED, 22);
	put16(&draft, 22, 0);
	expect(hwb_check_request, &draft, HWB_MALFORMED, 20);
	put16(&draft, 20, HWB_REQUEST);
	expect(hwb_check_request, &draft, HWB_RESERVED_NOT_ZERO, 16);
	put32(&draft, 16, 0);
	expect(hwb_check_request, &draft, HWB_INVALID, 8);
	put32(&draft, 8, 1);
	expect(hwb_check_request, &draft, HWB_UNKNOWN_OPCODE, 2);
}
END_TEST

/* ---- mutation --------------------------------------------------------- */

/* xorshift64*: the same sequence everywhere, so that a failure can be repeated. */
static uint32_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)(*state * 2685821657736338717ull >> 32);
}

static void mutate(struct draft *draft, uint64_t *state)
{
	static const uint32_t values[] = {
		0, 1, 8, 64, 255, 256, 257, 4096, 0x7fffffff, UINT32_MAX
	};

	for (uint32_t n = next_random(state) % 4; n > 0; n--) {
		size_t at = next_random(state) % (HEADER + 48);
		uint32_t value = next_random(state);

		switch (value % 5) {
		case 0:
			draft->bytes[at] = (unsigned char)(value >> 8);
			break;
		case 1:
			draft->bytes[at] ^= (unsigned char)(1u << (value >> 8) % 8);
			break;
		case 2:
			put32(draft, at & ~(size_t)3, values[(value >> 8) % 10]);
			break;
		case 3:
			resize(draft, (value >> 8) % (value & 0x100000 ? 4100 : 500));
			break;
		default:
			set_fds(draft, (value >> 8) % 66);
			break;
		}
	}
	if (next_random(state) % 16 == 0)
		draft->length = next_random(state) % 4200;
}

/* Reads each byte that a passed message entitles its receiver to. */
static void walk(const struct draft *draft, bool request)
{
	const struct hwb_header *header = (const struct hwb_header *)draft->bytes;
	const unsigned char *body = draft->bytes + HEADER;
	size_t length = draft->length - HEADER;

	ck_assert_uint_eq(header->length, draft->length);
	ck_assert_uint_le(draft->length, HWB_MESSAGE_MAX);
	ck_assert_uint_eq(header->fds, draft->fds);
	if (header->kind == HWB_EVENT)
		return;
	if (header->status != HWB_OK) {
		const struct hwb_refusal *refusal = (const struct hwb_refusal *)body;
		ck_assert_uint_eq(length, sizeof(*refusal) + refusal->reason_length);
		return;
	}
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *message = &messages[i];
		size_t fixed = request ? message->size : message->reply;

		if (message->opcode != header->opcode)
			continue;
		ck_assert_uint_ge(length, fixed);
		if (message->opcode == HWB_IO_PORT_BATCH) {
			uint32_t count = ((const struct hwb_port_batch *)body)->count;
			ck_assert_uint_eq(length, fixed + 8 * (size_t)count);
		} else if (message->opcode == HWB_IO_MEM_BATCH) {
			uint32_t count = ((const struct hwb_mem_batch *)body)->count;
			ck_assert_uint_eq(length, fixed + 16 * (size_t)count);
		} else if (!request && message->record != 0) {
			const struct hwb_list_reply *list = (const struct hwb_list_reply *)body;
			ck_assert_uint_eq(length, fixed + (size_t)list->count * list->record_size);
			ck_assert(list->count == 0 || list->record_size >= message->record);
		} else if (request || message->opcode != HWB_ADMIN_STATUS) {
			ck_assert_uint_eq(length, fixed);
		}
		return;
	}
	ck_abort_msg("opcode 0x%x passed", header->opcode);
}

START_TEST(mutated_packets)
{
	uint64_t state = 0x68776272u + (uint64_t)_i;
	uint32_t passed = 0;
	struct draft draft;

	for (uint32_t round = 0; round < 20000; round++) {
		const struct message *message = &messages[next_random(&state) % MESSAGES];
		bool request = round % 2 == 0;

		if (request)
			start_request(&draft, message);
		else
			start_reply(&draft, message);
		mutate(&draft, &state);
		checker check = request ? hwb_check_request : hwb_check_answer;
		if (run(check, &draft).status == HWB_OK) {
			walk(&draft, request);
			passed++;
		}
	}
	/* Both sides of the fence were visited. */
	ck_assert_uint_gt(passed, 2000);
	ck_assert_uint_lt(passed, 18000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codec");
	TCase *requests = tcase_create("requests");
	TCase *mutation = tcase_create("mutation");

	tcase_add_loop_test(requests, request_passes, 0, MESSAGES);
	tcase_add_loop_test(requests, request_of_any_other_length, 0, MESSAGES);
	tcase_add_loop_test(requests, request_that_lies_about_its_length, 0, MESSAGES);
	tcase_add_loop_test(requests, request_header_fields, 0, MESSAGES);
	tcase_add_loop_test(requests, request_with_other_descriptors, 0, MESSAGES);
	tcase_add_loop_test(requests, request_bits_of_the_body, 0, MESSAGES);
	tcase_add_test(requests, unknown_opcodes);
	tcase_add_test(requests, port_batches);
	tcase_add_test(requests, memory_batches);
	tcase_add_test(requests, regions_without_a_descriptor);
	tcase_add_test(requests, order_of_checks);
	suite_add_tcase(suite, requests);

	tcase_set_timeout(mutation, 60);
	tcase_add_loop_test(mutation, mutated_packets, 0, 8);
	suite_add_tcase(suite, mutation);
	return suite_run(suite);
}
