/* SPDX-License-Identifier: MIT */
/*
 * Every rule of protocol/codec.c for every opcode, and PROTOCOL.md against the
 * C structures.
 *
 * The table of messages below repeats the protocol by hand rather than reading
 * the codec's: a slip in one of the two shows. Each packet is checked in memory
 * of exactly its size, so that an address sanitizer sees a look beyond.
 */
#include <hwbroker/codec.h>

#include "suite.h"

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 24, ROOM = 8192, ODD = 0xa5 };

enum takes { NO_HANDLE, A_HANDLE };

struct message {
	uint32_t opcode;
	enum takes takes;
	uint32_t fds;         /* with the request */
	size_t size;          /* of the request's body */
	size_t reply;         /* of the reply's body, without records */
	uint32_t reply_fds;   /* with a reply of zeros */
	size_t record;        /* of the reply's records, 0: has none */
	uint32_t known_flags; /* of the request */
	size_t flags_at;      /* offset in the packet, 0: has no flags */
	size_t reserved_at[2];
	size_t reserved_size[2];
};

static const struct message messages[] = {
	{ .opcode = 0x01, .size = 16, .reply = 72, .reserved_at = { 28 }, .reserved_size = { 4 } },
	{ .opcode = 0x02 },
	{ .opcode = 0x03, .takes = A_HANDLE },
	{ .opcode = 0x10, .size = 8, .reply = 16, .record = 192 },
	{ .opcode = 0x11,
	  .takes = A_HANDLE,
	  .size = 8,
	  .reply = 192,
	  .reserved_at = { 31 },
	  .reserved_size = { 1 } },
	{ .opcode = 0x12,
	  .size = 32,
	  .reply = 400,
	  .known_flags = 7,
	  .flags_at = 32,
	  .reserved_at = { 31 },
	  .reserved_size = { 1 } },
	{ .opcode = 0x13,
	  .takes = A_HANDLE,
	  .size = 8,
	  .reply = 8,
	  .reserved_at = { 28 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x14, .takes = A_HANDLE, .size = 8, .reply = 8 },
	{ .opcode = 0x15, .size = 56, .reply = 400, .known_flags = 7, .flags_at = 56 },
	{ .opcode = 0x16, .takes = A_HANDLE, .reply_fds = 1 },
	{ .opcode = 0x20,
	  .size = 24,
	  .reply = 32,
	  .reply_fds = 1,
	  .known_flags = 1,
	  .flags_at = 40,
	  .reserved_at = { 44 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x21,
	  .takes = A_HANDLE,
	  .size = 24,
	  .reply = 32,
	  .reply_fds = 1,
	  .known_flags = 1,
	  .flags_at = 28 },
	{ .opcode = 0x22,
	  .takes = A_HANDLE,
	  .size = 8,
	  .reply = 8,
	  .reserved_at = { 28 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x23, .size = 8, .reply = 16, .record = 24 },
	{ .opcode = 0x30, .size = 8 },
	{ .opcode = 0x31,
	  .takes = A_HANDLE,
	  .size = 24,
	  .reply = 32,
	  .reply_fds = 1,
	  .known_flags = 0,
	  .flags_at = 28 },
	{ .opcode = 0x32,
	  .takes = A_HANDLE,
	  .size = 8,
	  .reply = 8,
	  .reserved_at = { 28 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x33, .size = 8, .reply = 16, .record = 8 },
	{ .opcode = 0x40,
	  .takes = A_HANDLE,
	  .size = 24,
	  .reply = 16,
	  .known_flags = 1,
	  .flags_at = 40,
	  .reserved_at = { 44 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x41, .takes = A_HANDLE },
	{ .opcode = 0x42, .takes = A_HANDLE },
	{ .opcode = 0x43, .takes = A_HANDLE, .size = 8, .reply = 8 },
	{ .opcode = 0x44,
	  .size = 8,
	  .reply = 16,
	  .reply_fds = 1,
	  .reserved_at = { 28 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x45, .size = 8, .reply = 16, .record = 8 },
	{ .opcode = 0x50 },
	{ .opcode = 0x51, .takes = A_HANDLE, .size = 8, .reply = 16, .record = 16 },
	{ .opcode = 0x52,
	  .takes = A_HANDLE,
	  .size = 8,
	  .reserved_at = { 28 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x53,
	  .takes = A_HANDLE,
	  .size = 8,
	  .reserved_at = { 28 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x54,
	  .takes = A_HANDLE,
	  .size = 40,
	  .reply = 24,
	  .reply_fds = 1,
	  .known_flags = 0x1f,
	  .flags_at = 56,
	  .reserved_at = { 60 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x55,
	  .takes = A_HANDLE,
	  .fds = 1,
	  .size = 48,
	  .reply = 24,
	  .known_flags = 7,
	  .flags_at = 64,
	  .reserved_at = { 68 },
	  .reserved_size = { 4 } },
	{ .opcode = 0x56, .takes = A_HANDLE, .size = 8 },
	{ .opcode = 0x60, .reply = 256 },
	{ .opcode = 0x61, .size = 8, .reply = 16, .record = 416 },
	{ .opcode = 0x62, .size = 8, .reply = 16, .record = 80 },
	{ .opcode = 0x63, .size = 8, .reply = 16, .record = 128 },
	{ .opcode = 0x64, .size = 40, .reply = 16, .record = 192 },
	{ .opcode = 0x65,
	  .size = 16,
	  .reply = 136,
	  .known_flags = 1,
	  .flags_at = 32,
	  .reserved_at = { 31, 36 },
	  .reserved_size = { 1, 4 } },
	{ .opcode = 0x66, .size = 8, .reply = 136, .reserved_at = { 31 }, .reserved_size = { 1 } },
	{ .opcode = 0x67, .size = 8, .reply = 16, .record = 512 },
	{ .opcode = 0x68,
	  .size = 216,
	  .reply = 16,
	  .record = 512,
	  .reserved_at = { 39, 188 },
	  .reserved_size = { 1, 4 } },
	{ .opcode = 0x69, .size = 8, .reply = 16, .record = 512 },
	{ .opcode = 0x6a, .size = 8, .reply = 136, .reserved_at = { 31 }, .reserved_size = { 1 } },
	{ .opcode = 0x6b, .reply = 16, .record = 512 },
	{ .opcode = 0x6c, .size = 8, .reply = 16, .record = 472 },
	{ .opcode = 0x70 },
	{ .opcode = 0x71, .size = 8, .reply = 16, .record = 48 },
};

enum { MESSAGES = sizeof(messages) / sizeof(messages[0]) };

/* A packet being made up, before it is put into memory of its size. */
struct draft {
	_Alignas(8) unsigned char bytes[ROOM];
	size_t length;
	uint32_t fds; /* that come with it */
};

static void put16(struct draft *draft, size_t at, uint32_t value)
{
	draft->bytes[at] = (unsigned char)value;
	draft->bytes[at + 1] = (unsigned char)(value >> 8);
}

static void put32(struct draft *draft, size_t at, uint32_t value)
{
	put16(draft, at, value);
	put16(draft, at + 2, value >> 16);
}

/* Makes the packet as long as `body` needs, and lets the header say so. */
static void resize(struct draft *draft, size_t body)
{
	draft->length = HEADER + body;
	put32(draft, 4, (uint32_t)draft->length);
}

static void set_fds(struct draft *draft, uint32_t fds)
{
	draft->fds = fds;
	put16(draft, 22, fds);
}

static void start(struct draft *draft, uint32_t opcode, enum hwb_kind kind, size_t body)
{
	memset(draft, 0, sizeof(*draft));
	put16(draft, 0, 1);
	put16(draft, 2, opcode);
	put32(draft, 8, 7);
	put16(draft, 20, kind);
	resize(draft, body);
}

static void start_request(struct draft *draft, const struct message *message)
{
	start(draft, message->opcode, HWB_REQUEST, message->size);
	set_fds(draft, message->fds);
}

static void start_reply(struct draft *draft, const struct message *message)
{
	start(draft, message->opcode, HWB_REPLY, message->reply);
	set_fds(draft, message->reply_fds);
}

typedef struct hwb_check (*checker)(const void *, size_t, uint32_t, struct hwb_header *);

/* Checks the draft in memory of its own size; what holds for any result. */
static struct hwb_check run(checker check, const struct draft *draft)
{
	void *packet = draft->length != 0 ? malloc(draft->length) : NULL;
	struct hwb_header header;
	struct hwb_check result;

	ck_assert(packet != NULL || draft->length == 0);
	memset(&header, 0xff, sizeof(header));
	if (draft->length != 0)
		memcpy(packet, draft->bytes, draft->length);
	result = check(packet, draft->length, draft->fds, &header);
	free(packet);

	ck_assert_ptr_nonnull(result.reason);
	ck_assert_int_eq(result.status == HWB_OK, result.reason[0] == '\0');
	ck_assert_uint_lt(result.field, HEADER + HWB_MESSAGE_MAX);
	if (draft->length >= HEADER) {
		ck_assert_mem_eq(&header, draft->bytes, HEADER);
	} else {
		static const struct hwb_header none;
		ck_assert_mem_eq(&header, &none, HEADER);
	}
	return result;
}

static void expect(checker check, const struct draft *draft, enum hwb_status status, uint32_t field)
{
	struct hwb_check result = run(check, draft);

	ck_assert_msg(result.status == status && (status == HWB_OK || result.field == field),
	              "opcode 0x%02x, %zu bytes, %u fds: %s at %u (%s), not %s at %u",
	              draft->bytes[2] + 256u * draft->bytes[3], draft->length, draft->fds,
	              hwb_status_name(result.status), result.field, result.reason,
	              hwb_status_name(status), field);
}

static void expect_status(checker check, const struct draft *draft, enum hwb_status status)
{
	expect(check, draft, status, run(check, draft).field);
}

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

static bool known(uint32_t opcode)
{
	for (size_t i = 0; i < MESSAGES; i++)
		if (messages[i].opcode == opcode)
			return true;
	return false;
}

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

/* ---- answers ---------------------------------------------------------- */

START_TEST(reply_passes_and_other_lengths_do_not)
{
	const struct message *message = &messages[_i];
	struct draft draft;

	start_reply(&draft, message);
	expect(hwb_check_answer, &draft, HWB_OK, 0);
	put32(&draft, 12, UINT32_MAX);
	expect(hwb_check_answer, &draft, HWB_OK, 0);
	for (size_t length = 0; length <= HEADER + message->reply + 64; length++) {
		if (length == HEADER + message->reply)
			continue;
		start_reply(&draft, message);
		draft.length = length;
		expect(hwb_check_answer, &draft, HWB_MALFORMED, length < HEADER ? 0 : 4);
		if (length < HEADER)
			continue;
		resize(&draft, length - HEADER);
		expect(hwb_check_answer, &draft, HWB_MALFORMED, 4);
	}
	start_reply(&draft, message);
	put16(&draft, 0, 2);
	expect(hwb_check_answer, &draft, HWB_BAD_VERSION, 0);
	start_reply(&draft, message);
	put16(&draft, 20, HWB_REQUEST);
	expect(hwb_check_answer, &draft, HWB_MALFORMED, 20);
	put16(&draft, 20, 3);
	expect(hwb_check_answer, &draft, HWB_MALFORMED, 20);
}
END_TEST

START_TEST(reply_with_other_descriptors)
{
	const struct message *message = &messages[_i];
	struct draft draft;

	for (uint32_t fds = 0; fds <= HWB_FDS_MAX; fds++) {
		start_reply(&draft, message);
		set_fds(&draft, fds);
		expect(hwb_check_answer, &draft, fds == message->reply_fds ? HWB_OK : HWB_MALFORMED,
		       22);
		put16(&draft, 22, fds + 1);
		expect(hwb_check_answer, &draft, HWB_MALFORMED, 22);
	}
}
END_TEST

/* Expects `fds` descriptors to be right and one more or less to be wrong. */
static void expect_fds(struct draft *draft, uint32_t fds)
{
	set_fds(draft, fds);
	expect(hwb_check_answer, draft, HWB_OK, 0);
	set_fds(draft, fds + 1);
	expect(hwb_check_answer, draft, HWB_MALFORMED, 22);
	set_fds(draft, fds - 1);
	expect(hwb_check_answer, draft, HWB_MALFORMED, 22);
}

START_TEST(descriptors_that_the_body_announces)
{
	size_t regions = HEADER + offsetof(struct hwb_acquire_reply, regions);
	size_t interrupt = HEADER + offsetof(struct hwb_acquire_reply, interrupt);
	struct draft draft;

	start(&draft, HWB_DEVICE_ACQUIRE, HWB_REPLY, sizeof(struct hwb_acquire_reply));
	put32(&draft, regions, 5);
	expect_fds(&draft, 1);
	put32(&draft, regions + 5 * sizeof(struct hwb_region), 1u << 31);
	expect_fds(&draft, 2);
	put32(&draft, interrupt, 9);
	put32(&draft, interrupt + 4, HWB_IRQ_MSIX);
	put32(&draft, interrupt + 12, 62);
	expect_fds(&draft, 64);
	put32(&draft, interrupt + 4, HWB_IRQ_INTX);
	put32(&draft, interrupt + 12, 1);
	expect_fds(&draft, 4);
	put32(&draft, interrupt + 12, UINT32_MAX); /* a sum that wraps in 32 bits */
	for (uint32_t fds = 0; fds < 4; fds++) {
		set_fds(&draft, fds);
		expect(hwb_check_answer, &draft, HWB_MALFORMED, 22);
	}
	put32(&draft, interrupt, 0); /* no interrupt, no unmask eventfd */
	put32(&draft, interrupt + 12, 0);
	expect_fds(&draft, 2);

	start(&draft, HWB_IRQ_OPEN, HWB_REPLY, sizeof(struct hwb_interrupt));
	put32(&draft, HEADER, 3);
	put32(&draft, HEADER + 4, HWB_IRQ_INTX);
	put32(&draft, HEADER + 12, 1);
	expect_fds(&draft, 2);
	put32(&draft, HEADER + 4, HWB_IRQ_MSI);
	expect_fds(&draft, 1);

	start(&draft, HWB_IRQ_FDS, HWB_REPLY, sizeof(struct hwb_irq_fds));
	put32(&draft, HEADER + 4, 64);
	expect_fds(&draft, 64);

	start(&draft, HWB_IRQ_OPEN_NUMBER, HWB_REPLY, sizeof(struct hwb_line));
	put32(&draft, HEADER + 8, HWB_LINE_POLLED);
	expect_fds(&draft, 1);
	put32(&draft, HEADER + 8, HWB_LINE_UIO);
	expect_fds(&draft, 2);
}
END_TEST

/* Reply that carries `count` records of `size` bytes and says so, or says other. */
static void list_case(const struct message *message, uint32_t count, uint32_t size, size_t bytes,
                      enum hwb_status status)
{
	struct draft draft;

	start(&draft, message->opcode, HWB_REPLY, message->reply + bytes);
	put32(&draft, HEADER + 8, count);
	put32(&draft, HEADER + 12, size);
	expect_status(hwb_check_answer, &draft, status);
}

START_TEST(list_replies)
{
	const struct message *message = &messages[_i];
	uint32_t size = (uint32_t)message->record;

	if (size == 0)
		return;
	for (uint32_t count = 0; 40 + count * size <= HWB_MESSAGE_MAX; count++) {
		list_case(message, count, size, count * (size_t)size, HWB_OK);
		list_case(message, count + 1, size, count * (size_t)size, HWB_MALFORMED);
		list_case(message, count, size, count * (size_t)size + 8, HWB_MALFORMED);
		if (count != 0)
			list_case(message, count, size, (count - 1) * (size_t)size, HWB_MALFORMED);
	}
	/* A later broker's records are longer; none are shorter or misaligned. */
	list_case(message, 2, size + 8, 2 * ((size_t)size + 8), HWB_OK);
	list_case(message, 2, size + 4, 2 * ((size_t)size + 4), HWB_MALFORMED);
	list_case(message, 2, size - 8, 2 * ((size_t)size - 8), HWB_MALFORMED);
	list_case(message, 0, 0, 0, HWB_OK);
	/* Many records of no size would be read beyond the packet. */
	list_case(message, 1, 0, 0, HWB_MALFORMED);
	list_case(message, HWB_MESSAGE_MAX, 0, 0, HWB_MALFORMED);
	list_case(message, UINT32_MAX, 0, 0, HWB_MALFORMED);
	list_case(message, 0, UINT32_MAX, 0, HWB_MALFORMED);
	/* Products that wrap in 32 bits. */
	list_case(message, 0x10000, 0x10000, 0, HWB_MALFORMED);
	list_case(message, 0x80000000u, 2, 0, HWB_MALFORMED);
	list_case(message, UINT32_MAX, UINT32_MAX, 1, HWB_MALFORMED);
}
END_TEST

START_TEST(status_text)
{
	size_t at = HEADER + offsetof(struct hwb_status_reply, text_length);
	struct draft draft;

	for (uint32_t text = 0; text <= HWB_MESSAGE_MAX - HEADER - 256; text += 97) {
		start(&draft, HWB_ADMIN_STATUS, HWB_REPLY, 256 + text);
		put32(&draft, at, text);
		expect(hwb_check_answer, &draft, HWB_OK, 0);
		put32(&draft, at, text + 1);
		expect_status(hwb_check_answer, &draft, HWB_MALFORMED);
		put32(&draft, at, text - 1);
		expect_status(hwb_check_answer, &draft, HWB_MALFORMED);
	}
}
END_TEST

START_TEST(refusals)
{
	struct draft draft;

	/* An unknown opcode is refused as well, and statuses may be newer than we. */
	static const uint32_t opcodes[] = { 0, HWB_PING, HWB_DEVICE_ACQUIRE, 0x7777 };
	for (size_t i = 0; i < 4; i++) {
		for (uint32_t status = 1; status < 40; status++) {
			start(&draft, opcodes[i], HWB_REPLY, 16 + 5);
			put32(&draft, 16, status);
			put32(&draft, HEADER + 8, 5);
			expect(hwb_check_answer, &draft, HWB_OK, 0);
		}
	}
	for (uint32_t length = 0; length < 16; length++) {
		resize(&draft, length);
		expect(hwb_check_answer, &draft, HWB_MALFORMED, 4);
	}
	for (uint32_t reason = 0; reason <= HWB_REASON_MAX + 1; reason++) {
		resize(&draft, 16 + reason);
		put32(&draft, HEADER + 8, reason);
		expect(hwb_check_answer, &draft, reason > HWB_REASON_MAX ? HWB_MALFORMED : HWB_OK,
		       4);
		put32(&draft, HEADER + 8, reason + 1);
		expect(hwb_check_answer, &draft, HWB_MALFORMED, 4);
		put32(&draft, HEADER + 8, UINT32_MAX - 15 + reason);
		expect(hwb_check_answer, &draft, HWB_MALFORMED, 4);
	}
	resize(&draft, 16);
	put32(&draft, HEADER + 8, 0);
	set_fds(&draft, 1);
	expect(hwb_check_answer, &draft, HWB_MALFORMED, 4);
}
END_TEST

START_TEST(replies_to_unknown_opcodes)
{
	struct draft draft;

	for (uint32_t opcode = 0; opcode <= 0xffff; opcode++) {
		if (known(opcode))
			continue;
		start(&draft, opcode, HWB_REPLY, 0);
		expect(hwb_check_answer, &draft, HWB_UNKNOWN_OPCODE, 2);
	}
}
END_TEST

START_TEST(events)
{
	struct draft draft;

	for (uint32_t body = 0; body <= 40; body++) {
		start(&draft, HWB_EVENT_DEVICE, HWB_EVENT, body);
		put32(&draft, 8, 0);
		expect(hwb_check_answer, &draft, body == 16 ? HWB_OK : HWB_MALFORMED, 4);
		put16(&draft, 2, HWB_EVENT_POLICY);
		expect(hwb_check_answer, &draft, body == 0 ? HWB_OK : HWB_MALFORMED, 4);
		put16(&draft, 2, 0x99); /* a later broker's: passes, for the client to skip */
		expect(hwb_check_answer, &draft, HWB_OK, 0);
	}
	put32(&draft, 8, 1);
	expect(hwb_check_answer, &draft, HWB_MALFORMED, 8);
	put32(&draft, 8, 0);
	put32(&draft, 16, HWB_BUSY);
	expect(hwb_check_answer, &draft, HWB_MALFORMED, 8);
	put32(&draft, 16, 0);
	set_fds(&draft, 1);
	expect(hwb_check_answer, &draft, HWB_MALFORMED, 8);
}
END_TEST

/* ---- building refusals, names ----------------------------------------- */

static uint32_t refuse(struct draft *draft, const char *reason, size_t length)
{
	const struct hwb_header request = { .version = 1,
		                            .opcode = HWB_DMA_MAP,
		                            .length = 72,
		                            .serial = 99,
		                            .session = 5,
		                            .fds = 1 };

	memset(draft->bytes, ODD, sizeof(draft->bytes));
	draft->length =
	        hwb_make_refusal(draft->bytes, &request, HWB_HOST_ERROR, 64, 12, reason, length);
	draft->fds = 0;
	expect(hwb_check_answer, draft, HWB_OK, 0);
	for (size_t i = draft->length; i < sizeof(draft->bytes); i++)
		ck_assert_uint_eq(draft->bytes[i], ODD);
	return (uint32_t)draft->length - HEADER - (uint32_t)sizeof(struct hwb_refusal);
}

START_TEST(made_refusals)
{
	static const char euro[] = { (char)0xe2, (char)0x82, (char)0xac };
	static char reason[2000];
	struct draft draft;
	struct hwb_header header;
	struct hwb_refusal refusal;

	ck_assert_uint_eq(refuse(&draft, "because", 7), 7);
	memcpy(&header, draft.bytes, sizeof(header));
	memcpy(&refusal, draft.bytes + HEADER, sizeof(refusal));
	ck_assert_uint_eq(header.opcode, HWB_DMA_MAP);
	ck_assert_uint_eq(header.serial, 99);
	ck_assert_uint_eq(header.session, 5);
	ck_assert_uint_eq(header.status, HWB_HOST_ERROR);
	ck_assert_uint_eq(header.kind, HWB_REPLY);
	ck_assert_uint_eq(header.fds, 0);
	ck_assert_uint_eq(refusal.host_errno, 12);
	ck_assert_uint_eq(refusal.field, 64);
	ck_assert_mem_eq(draft.bytes + HEADER + 16, "because", 7);

	ck_assert_uint_eq(refuse(&draft, "", 0), 0);
	memset(reason, 'a', sizeof(reason));
	ck_assert_uint_eq(refuse(&draft, reason, HWB_REASON_MAX), HWB_REASON_MAX);
	ck_assert_uint_eq(refuse(&draft, reason, sizeof(reason)), HWB_REASON_MAX);
	/* Cut before a character of three bytes, wherever the limit falls in it. */
	memcpy(reason + HWB_REASON_MAX - 2, euro, sizeof(euro));
	ck_assert_uint_eq(refuse(&draft, reason, sizeof(reason)), HWB_REASON_MAX - 2);
	memcpy(reason + HWB_REASON_MAX - 3, euro, sizeof(euro));
	ck_assert_uint_eq(refuse(&draft, reason, HWB_REASON_MAX), HWB_REASON_MAX);
	memset(reason, 0x80, sizeof(reason)); /* not UTF-8 at all: terminates */
	ck_assert_uint_eq(refuse(&draft, reason, sizeof(reason)), 0);
}
END_TEST

START_TEST(statuses_and_names)
{
	for (uint32_t status = 0; status < 300; status++) {
		bool final = status == 1 || status == 2 || status == 3;
		ck_assert_int_eq(hwb_status_is_final((enum hwb_status)status) != 0, final);
		ck_assert_int_eq(strcmp(hwb_status_name(status), "?") != 0, status <= 20);
	}
	ck_assert_str_eq(hwb_status_name(HWB_NO_MEMORY), "NO_MEMORY");
	ck_assert_str_eq(hwb_status_name(UINT32_MAX), "?");
	for (uint32_t opcode = 0; opcode < 0x10000; opcode++) {
		bool named = known(opcode) || (opcode >= 0x80 && opcode <= 0x82);
		ck_assert_int_eq(strcmp(hwb_opcode_name(opcode), "?") != 0, named);
	}
	ck_assert_str_eq(hwb_opcode_name(UINT32_MAX), "?");
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

/* ---- PROTOCOL.md ------------------------------------------------------ */

struct constant {
	const char *name;
	uint64_t value;
};

struct field {
	const char *structure;
	const char *name;
	size_t offset;
	size_t size;
	size_t total; /* size of the structure */
};

#define C(name)             \
	{                   \
#name, name \
	}
#define F(s, f)                                                                               \
	{                                                                                     \
		"hwb_" #s, #f, offsetof(struct hwb_##s, f), sizeof(((struct hwb_##s *)0)->f), \
		        sizeof(struct hwb_##s)                                                \
	}

/* clang-format off: as many to a line as fit. */
static const struct constant constants[] = {
	C(HWB_PROTOCOL_VERSION),
	C(HWB_MESSAGE_MAX),
	C(HWB_FDS_MAX),
	C(HWB_NAME_SIZE),
	C(HWB_BARS),
	C(HWB_BAR_ROM),
	C(HWB_PORT_OPS_MAX),
	C(HWB_MEM_OPS_MAX),
	C(HWB_BATCH_POLL_MAX),
	C(HWB_EXPLAIN_GROUPS),
	C(HWB_REASON_MAX),
	C(HWB_CONFIG_SIZE),
	C(HWB_IRQ_VECTORS_MAX),
	C(HWB_REQUEST),
	C(HWB_REPLY),
	C(HWB_EVENT),
	C(HWB_HELLO),
	C(HWB_PING),
	C(HWB_CLOSE),
	C(HWB_DEVICE_LIST),
	C(HWB_DEVICE_INFO),
	C(HWB_DEVICE_ACQUIRE),
	C(HWB_CONFIG_READ),
	C(HWB_CONFIG_WRITE),
	C(HWB_DEVICE_ACQUIRE_ANY),
	C(HWB_DEVICE_FD),
	C(HWB_IO_MEM_OPEN),
	C(HWB_IO_MEM_OPEN_BAR),
	C(HWB_IO_MEM_BATCH),
	C(HWB_IO_MEM_LIST),
	C(HWB_IO_PORT_OPEN),
	C(HWB_IO_PORT_OPEN_BAR),
	C(HWB_IO_PORT_BATCH),
	C(HWB_IO_PORT_LIST),
	C(HWB_IRQ_OPEN),
	C(HWB_IRQ_ENABLE),
	C(HWB_IRQ_ACK),
	C(HWB_IRQ_FDS),
	C(HWB_IRQ_OPEN_NUMBER),
	C(HWB_IRQ_LIST),
	C(HWB_LINES),
	C(HWB_LINE_POLLED),
	C(HWB_LINE_UIO),
	C(HWB_DOMAIN_OPEN),
	C(HWB_DOMAIN_INFO),
	C(HWB_DOMAIN_ASSIGN),
	C(HWB_DOMAIN_DEASSIGN),
	C(HWB_DMA_ALLOC),
	C(HWB_DMA_MAP),
	C(HWB_DMA_UNMAP),
	C(HWB_ADMIN_STATUS),
	C(HWB_ADMIN_DEVICES),
	C(HWB_ADMIN_CLIENTS),
	C(HWB_ADMIN_SESSIONS),
	C(HWB_ADMIN_GIVEN),
	C(HWB_ADMIN_REVOKE),
	C(HWB_ADMIN_CLEAR),
	C(HWB_ADMIN_GROUPS),
	C(HWB_ADMIN_EXPLAIN),
	C(HWB_ADMIN_AUDIT),
	C(HWB_ADMIN_RELEASE),
	C(HWB_ADMIN_RELOAD),
	C(HWB_ADMIN_RULES),
	C(HWB_MEMBER_BRIDGE),
	C(HWB_MEMBER_IN_THE_WAY),
	C(HWB_MEMBER_ON_BUS),
	C(HWB_MEMBER_VIRTUAL),
	C(HWB_MEMBER_OWN),
	C(HWB_MEMBER_OWN_END),
	C(HWB_MEMBER_USED),
	C(HWB_RULE_DEVICE),
	C(HWB_RULE_PORTS),
	C(HWB_RULE_MEMORY),
	C(HWB_RULE_INTERRUPT),
	C(HWB_RULE_CLIENT),
	C(HWB_RULE_VIRTUAL),
	C(HWB_FINDING_FINE),
	C(HWB_FINDING_LIMITS),
	C(HWB_FINDING_BLOCKS),
	C(HWB_ADMIN_MONITOR),
	C(HWB_ADMIN_METRICS),
	C(HWB_EVENT_DEVICE),
	C(HWB_EVENT_POLICY),
	C(HWB_EVENT_HAPPENING),
	C(HWB_OK),
	C(HWB_MALFORMED),
	C(HWB_BAD_VERSION),
	C(HWB_NOT_ADMITTED),
	C(HWB_UNKNOWN_OPCODE),
	C(HWB_UNKNOWN_FLAG),
	C(HWB_RESERVED_NOT_ZERO),
	C(HWB_INVALID),
	C(HWB_NO_SESSION),
	C(HWB_NOT_FOUND),
	C(HWB_DENIED),
	C(HWB_UNSAFE),
	C(HWB_BUSY),
	C(HWB_QUOTA),
	C(HWB_WRONG_STATE),
	C(HWB_CONFLICT),
	C(HWB_BAD_FD),
	C(HWB_UNSUPPORTED),
	C(HWB_GONE),
	C(HWB_HOST_ERROR),
	C(HWB_NO_MEMORY),
	C(HWB_FEATURE_IO_PORT),
	C(HWB_FEATURE_DMA),
	C(HWB_FEATURE_ADMIN),
	C(HWB_FEATURE_HOTPLUG),
	C(HWB_FEATURE_REVOKE),
	C(HWB_FEATURE_CONTROL),
	C(HWB_REVOKE_NOW),
	C(HWB_HAPPENED_GRANTED),
	C(HWB_HAPPENED_REFUSED),
	C(HWB_HAPPENED_ASKED_BACK),
	C(HWB_HAPPENED_REVOKED),
	C(HWB_HAPPENED_HELD),
	C(HWB_HAPPENED_RELEASED),
	C(HWB_HAPPENED_QUARANTINED),
	C(HWB_HAPPENED_CLEARED),
	C(HWB_HAPPENED_PORTS_GRANTED),
	C(HWB_HAPPENED_PORTS_RELEASED),
	C(HWB_HAPPENED_CONNECTED),
	C(HWB_HAPPENED_DISCONNECTED),
	C(HWB_HAPPENED_NOT_ADMITTED),
	C(HWB_HAPPENED_POLICY_LOADED),
	C(HWB_HAPPENED_POLICY_REFUSED),
	C(HWB_HAPPENED_DEVICE_ARRIVED),
	C(HWB_HAPPENED_DEVICE_LEFT),
	C(HWB_HAPPENED_LINE_OPENED),
	C(HWB_HAPPENED_LINE_CLOSED),
	C(HWB_HAPPENED_MEMORY_GRANTED),
	C(HWB_HAPPENED_MEMORY_RELEASED),
	C(HWB_METRIC_HAPPENED),
	C(HWB_METRIC_REFUSED),
	C(HWB_METRIC_DEVICES),
	C(HWB_METRIC_ROUNDS),
	C(HWB_METRIC_ROUNDS_US),
	C(HWB_METRIC_LONGEST_ROUND_US),
	C(HWB_METRIC_MONITORS),
	C(HWB_METRIC_CLIENT_REQUESTS),
	C(HWB_METRIC_CLIENT_CONNECTIONS),
	C(HWB_METRIC_CLIENT_DMA_BYTES),
	C(HWB_METRIC_CLIENT_DMA_MAPPINGS),
	C(HWB_DEVICE_HOST),
	C(HWB_DEVICE_FREE),
	C(HWB_DEVICE_GRANTED),
	C(HWB_DEVICE_REVOKING),
	C(HWB_DEVICE_QUARANTINED),
	C(HWB_DEVICE_GONE),
	C(HWB_BAR_IO),
	C(HWB_BAR_64BIT),
	C(HWB_BAR_PREFETCHABLE),
	C(HWB_BAR_MSIX_TABLE),
	C(HWB_BAR_PARTIAL_PAGE),
	C(HWB_DEVICE_MINE),
	C(HWB_DEVICE_RESETS),
	C(HWB_DEVICE_MAY_DMA),
	C(HWB_DEVICE_REVOCABLE),
	C(HWB_DEVICE_PCIE),
	C(HWB_DEVICE_DMA_UNSAFE),
	C(HWB_DEVICE_VIRTUAL),
	C(HWB_IRQ_NONE),
	C(HWB_IRQ_INTX),
	C(HWB_IRQ_MSI),
	C(HWB_IRQ_MSIX),
	C(HWB_ACQUIRE_ALL_BARS),
	C(HWB_ACQUIRE_NO_WAIT),
	C(HWB_ACQUIRE_IRQ_ENABLE),
	C(HWB_REGION_WC),
	C(HWB_REGION_IO),
	C(HWB_REGION_REVOCABLE),
	C(HWB_REGION_MEDIATED),
	C(HWB_REGION_COPY),
	C(HWB_REGION_DEV_MEM),
	C(HWB_REGION_READ_ONLY),
	C(HWB_IO_MEM_WC),
	C(HWB_BATCH_READ),
	C(HWB_BATCH_WRITE),
	C(HWB_BATCH_READ_REPEAT),
	C(HWB_BATCH_WRITE_REPEAT),
	C(HWB_BATCH_READ_BLOCK),
	C(HWB_BATCH_WRITE_BLOCK),
	C(HWB_BATCH_MODIFY),
	C(HWB_BATCH_POLL),
	C(HWB_MEMORY_WRITE),
	C(HWB_MEMORY_FD),
	C(HWB_PORT_IN),
	C(HWB_PORT_OUT),
	C(HWB_TRIGGER_ANY),
	C(HWB_TRIGGER_EDGE),
	C(HWB_TRIGGER_LEVEL),
	C(HWB_POLARITY_ANY),
	C(HWB_POLARITY_HIGH),
	C(HWB_POLARITY_LOW),
	C(HWB_IRQ_OPEN_ENABLE),
	C(HWB_DMA_DEVICE_READS),
	C(HWB_DMA_DEVICE_WRITES),
	C(HWB_DMA_FIXED),
	C(HWB_DMA_PAGES_4K),
	C(HWB_DMA_PAGES_2M),
	C(HWB_DMA_UNSAFE),
	C(HWB_CHANGE_ARRIVED),
	C(HWB_CHANGE_REMOVED),
	C(HWB_CHANGE_ASKED_BACK),
	C(HWB_CHANGE_REVOKED),
	C(HWB_CHANGE_FREED),
	C(HWB_CHANGE_QUARANTINED),
	C(HWB_STATUS_IOMMU),
	C(HWB_STATUS_INTERRUPT_REMAPPING),
	C(HWB_STATUS_LOCKDOWN),
	C(HWB_STATUS_VFIO),
	C(HWB_STATUS_STRICT_DEVMEM),
	C(HWB_STATUS_RESUMES),
	C(HWB_SESSION_DEVICE),
	C(HWB_SESSION_IO_MEM),
	C(HWB_SESSION_IO_PORT),
	C(HWB_SESSION_IRQ),
	C(HWB_SESSION_DOMAIN),
	C(HWB_SESSION_LINE),
};

static const struct field fields[] = {
	F(header, version),
	F(header, opcode),
	F(header, length),
	F(header, serial),
	F(header, session),
	F(header, status),
	F(header, kind),
	F(header, fds),
	F(refusal, host_errno),
	F(refusal, field),
	F(refusal, reason_length),
	F(refusal, reserved),
	F(pci_address, domain),
	F(pci_address, bus),
	F(pci_address, device),
	F(pci_address, function),
	F(pci_address, reserved),
	F(hello_request, version_min),
	F(hello_request, version_max),
	F(hello_request, reserved),
	F(hello_request, features),
	F(hello_reply, version),
	F(hello_reply, reserved),
	F(hello_reply, message_max),
	F(hello_reply, features),
	F(hello_reply, requests_max),
	F(hello_reply, sessions_max),
	F(hello_reply, dma_bytes_max),
	F(hello_reply, dma_mappings_max),
	F(hello_reply, page_size),
	F(hello_reply, client),
	F(bar, address),
	F(bar, size),
	F(bar, flags),
	F(bar, reserved),
	F(device, address),
	F(device, vendor),
	F(device, device),
	F(device, subsystem_vendor),
	F(device, subsystem_device),
	F(device, class_code),
	F(device, revision),
	F(device, header_type),
	F(device, intx_pin),
	F(device, reserved0),
	F(device, iommu_group),
	F(device, state),
	F(device, flags),
	F(device, msi_vectors),
	F(device, msix_vectors),
	F(device, irq_number),
	F(device, physical_function),
	F(device, virtual_functions),
	F(device, bars),
	F(list_request, cursor),
	F(list_reply, next),
	F(list_reply, count),
	F(list_reply, record_size),
	F(device_info_request, address),
	F(acquire_request, address),
	F(acquire_request, flags),
	F(acquire_request, domain),
	F(acquire_request, bars),
	F(acquire_request, wc),
	F(acquire_request, irq_type),
	F(acquire_request, irq_count),
	F(acquire_any_request, rule),
	F(acquire_any_request, flags),
	F(acquire_any_request, domain),
	F(acquire_any_request, bars),
	F(acquire_any_request, wc),
	F(acquire_any_request, irq_type),
	F(acquire_any_request, irq_count),
	F(region, session),
	F(region, flags),
	F(region, base),
	F(region, size),
	F(region, fd_offset),
	F(interrupt, session),
	F(interrupt, type),
	F(interrupt, vectors),
	F(interrupt, fds),
	F(acquire_reply, device),
	F(acquire_reply, regions),
	F(acquire_reply, interrupt),
	F(config_access, offset),
	F(config_access, width),
	F(config_access, value),
	F(io_mem_request, base),
	F(io_mem_request, size),
	F(io_mem_request, flags),
	F(io_mem_request, reserved),
	F(bar_request, bar),
	F(bar_request, flags),
	F(bar_request, offset),
	F(bar_request, size),
	F(io_port_request, base),
	F(io_port_request, count),
	F(port_op, port),
	F(port_op, action),
	F(port_op, width),
	F(port_op, value),
	F(port_batch, count),
	F(port_batch, stopped),
	F(port_operand, mask),
	F(port_operand, microseconds),
	F(mem_batch, count),
	F(mem_batch, stopped),
	F(mem_op, offset),
	F(mem_op, action),
	F(mem_op, width),
	F(mem_op, reserved),
	F(mem_op, value),
	F(mem_operand, mask),
	F(mem_operand, microseconds),
	F(mem_operand, reserved),
	F(memory_range, base),
	F(memory_range, size),
	F(memory_range, flags),
	F(memory_range, reserved),
	F(port_range, base),
	F(port_range, count),
	F(irq_request, type),
	F(irq_request, count),
	F(irq_request, number),
	F(irq_request, trigger),
	F(irq_request, polarity),
	F(irq_request, flags),
	F(irq_request, reserved),
	F(irq_fds, first),
	F(irq_fds, count),
	F(line_request, number),
	F(line_request, reserved),
	F(line, session),
	F(line, number),
	F(line, source),
	F(line, rate),
	F(line_grant, number),
	F(line_grant, rate),
	F(iova_range, first),
	F(iova_range, last),
	F(assign_request, device),
	F(assign_request, reserved),
	F(dma_alloc_request, size),
	F(dma_alloc_request, alignment),
	F(dma_alloc_request, iova),
	F(dma_alloc_request, limit),
	F(dma_alloc_request, flags),
	F(dma_alloc_request, reserved),
	F(dma_map_request, offset),
	F(dma_map_request, size),
	F(dma_map_request, alignment),
	F(dma_map_request, iova),
	F(dma_map_request, limit),
	F(dma_map_request, flags),
	F(dma_map_request, reserved),
	F(dma_reply, iova),
	F(dma_reply, size),
	F(dma_reply, page_size),
	F(dma_reply, flags),
	F(dma_unmap_request, iova),
	F(device_event, address),
	F(device_event, change),
	F(device_event, grace_ms),
	F(status_reply, uptime_ms),
	F(status_reply, pid),
	F(status_reply, flags),
	F(status_reply, devices),
	F(status_reply, devices_granted),
	F(status_reply, connections),
	F(status_reply, sessions),
	F(status_reply, dma_bytes),
	F(status_reply, requests),
	F(status_reply, workers),
	F(status_reply, workers_busy),
	F(status_reply, rules),
	F(status_reply, text_length),
	F(status_reply, version),
	F(status_reply, backend),
	F(status_reply, policy),
	F(admin_device, device),
	F(admin_device, host_driver),
	F(admin_device, client),
	F(admin_device, rule),
	F(admin_device, note),
	F(admin_client, id),
	F(admin_client, pid),
	F(admin_client, uid),
	F(admin_client, gid),
	F(admin_client, sessions),
	F(admin_client, mappings),
	F(admin_client, dma_bytes),
	F(admin_client, connected_ms),
	F(admin_client, requests),
	F(admin_client, client),
	F(admin_session, connection),
	F(admin_session, handle),
	F(admin_session, kind),
	F(admin_session, reserved),
	F(admin_session, client),
	F(admin_session, resource),
	F(given_request, cursor),
	F(given_request, client),
	F(revoke_request, address),
	F(revoke_request, flags),
	F(revoke_request, reserved),
	F(clear_request, address),
	F(outcome_reply, state),
	F(outcome_reply, reserved),
	F(outcome_reply, note),
	F(release_request, address),
	F(explain_request, cursor),
	F(explain_request, address),
	F(explain_request, kind),
	F(explain_request, base),
	F(explain_request, count),
	F(explain_request, uid),
	F(explain_request, group_count),
	F(explain_request, groups),
	F(explain_request, reserved),
	F(explain_request, client),
	F(explain_request, memory),
	F(explain_request, memory_size),
	F(admin_member, address),
	F(admin_member, iommu_group),
	F(admin_member, flags),
	F(admin_member, state),
	F(admin_member, class_code),
	F(admin_member, vendor),
	F(admin_member, device),
	F(admin_member, subsystem_vendor),
	F(admin_member, subsystem_device),
	F(admin_member, owned_ms),
	F(admin_member, connection),
	F(admin_member, pid),
	F(admin_member, uid),
	F(admin_member, physical_function),
	F(admin_member, virtual_functions),
	F(admin_member, driver),
	F(admin_member, client),
	F(admin_member, resets),
	F(admin_member, slot),
	F(admin_member, path),
	F(admin_member, home),
	F(admin_member, functions_max),
	F(admin_member, reserved),
	F(admin_rule, address),
	F(admin_rule, kind),
	F(admin_rule, line),
	F(admin_rule, first),
	F(admin_rule, last),
	F(admin_rule, client),
	F(admin_rule, rule),
	F(admin_rule, file),
	F(admin_rule, grant),
	F(admin_rule, memory),
	F(admin_rule, memory_size),
	F(finding, address),
	F(finding, level),
	F(finding, line),
	F(finding, code),
	F(finding, rule),
	F(finding, file),
	F(finding, text),
	F(happening_event, time_ms),
	F(happening_event, kind),
	F(happening_event, lost),
	F(happening_event, status),
	F(happening_event, opcode),
	F(happening_event, pid),
	F(happening_event, uid),
	F(happening_event, client),
	F(happening_event, resource),
	F(happening_event, rule),
	F(happening_event, reason),
	F(metric, value),
	F(metric, kind),
	F(metric, which),
	F(metric, client),
};
/* clang-format on */

enum {
	CONSTANTS = sizeof(constants) / sizeof(constants[0]),
	FIELDS = sizeof(fields) / sizeof(fields[0]),
	CELLS = 8
};

/* Opens a file of protocol/; the caller closes it. */
static FILE *source(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", PROTOCOL_DIR, name);
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "cannot read %s", path);
	return file;
}

/* Splits "| a | `b` |" in place; cells lose blanks and backquotes at their ends.
 * Returns how many there are, 0 if the line is no table row. */
static size_t split(char *line, char *cells[CELLS])
{
	size_t count = 0;

	if (*line != '|')
		return 0;
	for (char *at = line + 1; count < CELLS; count++) {
		char *end = strchr(at, '|');
		if (end == NULL)
			break;
		char *next = end + 1;
		at += strspn(at, " `");
		while (end > at && (end[-1] == ' ' || end[-1] == '`'))
			end--;
		*end = '\0';
		cells[count] = at;
		at = next;
	}
	return count;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	ck_assert_msg(end != text && *end == '\0', "`%s' is not a number", text);
	return value;
}

static const struct field *find_field(const char *structure, const char *name)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(fields[i].structure, structure) == 0 &&
		    (name == NULL || strcmp(fields[i].name, name) == 0))
			return &fields[i];
	return NULL;
}

/* The lists above have whatever protocol.h defines. */
START_TEST(lists_are_complete)
{
	char line[512];
	FILE *header = source("include/hwbroker/protocol.h");

	for (unsigned number_of = 1; fgets(line, sizeof(line), header) != NULL; number_of++) {
		char name[64];
		bool found = true;

		if (sscanf(line, "struct %63[a-z0-9_] {", name) == 1 && strchr(line, '{') != NULL)
			found = find_field(name, NULL) != NULL;
		else if (sscanf(line, "#define %63[A-Z0-9_] %*[0-9(]", name) == 1 ||
		         sscanf(line, " %63[A-Z0-9_] = ", name) == 1) {
			found = strncmp(name, "HWB_", 4) != 0 || strcmp(name, "HWB_PIN") == 0 ||
			        strcmp(name, "HWB_SOCKET_PATH") == 0 ||
			        strcmp(name, "HWB_PROTOCOL_H") == 0;
			for (size_t i = 0; i < CONSTANTS && !found; i++)
				found = strcmp(constants[i].name, name) == 0;
		}
		ck_assert_msg(found, "protocol.h:%u: %s is not in this test's lists", number_of,
		              name);
	}
	fclose(header);
	/* Fields in order, without gap or overlap, as large as their structure. */
	size_t end = 0;
	for (size_t i = 0; i < FIELDS; i++) {
		ck_assert_msg(fields[i].offset == end, "%s.%s: gap before it", fields[i].structure,
		              fields[i].name);
		end = fields[i].offset + fields[i].size;
		if (i + 1 == FIELDS || strcmp(fields[i].structure, fields[i + 1].structure) != 0) {
			ck_assert_msg(end == fields[i].total, "%s: bytes after %s",
			              fields[i].structure, fields[i].name);
			end = 0;
		}
	}
}
END_TEST

/* Each row `HWB_NAME` | value, and each constant has one. */
START_TEST(document_has_the_numbers)
{
	bool seen[CONSTANTS] = { false };
	bool path = false;
	char line[1024];
	char *cells[CELLS];
	FILE *document = source("PROTOCOL.md");

	while (fgets(line, sizeof(line), document) != NULL) {
		path = path || strstr(line, HWB_SOCKET_PATH) != NULL;
		if (split(line, cells) < 2 || strncmp(cells[0], "HWB_", 4) != 0)
			continue;
		size_t i = 0;
		while (i < CONSTANTS && strcmp(constants[i].name, cells[0]) != 0)
			i++;
		ck_assert_msg(i < CONSTANTS, "%s is not in protocol.h", cells[0]);
		ck_assert_msg(constants[i].value == number(cells[1]), "%s is not %s", cells[0],
		              cells[1]);
		ck_assert_msg(!seen[i], "%s is there twice", cells[0]);
		seen[i] = true;
		if (strncmp(cells[0], "HWB_STATUS_", 11) != 0 && strstr(cells[2], "yes") != NULL)
			ck_assert(hwb_status_is_final((enum hwb_status)constants[i].value));
	}
	fclose(document);
	for (size_t i = 0; i < CONSTANTS; i++)
		ck_assert_msg(seen[i], "PROTOCOL.md lacks %s", constants[i].name);
	ck_assert_msg(path, "PROTOCOL.md lacks the socket's path");
}
END_TEST

/* Each "Layout `hwb_x`, N bytes:" (or "... layout") and the rows below it: offset, size, field. */
START_TEST(document_has_the_layouts)
{
	bool seen[FIELDS] = { false };
	char line[1024];
	char *cells[CELLS];
	char structure[64] = "";
	FILE *document = source("PROTOCOL.md");

	while (fgets(line, sizeof(line), document) != NULL) {
		const char *layout = strstr(line, "ayout `hwb_");
		unsigned bytes;

		if (layout != NULL) {
			ck_assert_int_eq(
			        sscanf(layout, "ayout `%63[a-z_]`, %u bytes:", structure, &bytes),
			        2);
			const struct field *any = find_field(structure, NULL);
			ck_assert_msg(any != NULL, "%s is not in protocol.h", structure);
			ck_assert_msg(any->total == bytes, "%s is %zu bytes", structure,
			              any->total);
			continue;
		}
		if (line[0] == '#')
			structure[0] = '\0';
		if (structure[0] == '\0' || split(line, cells) < 4 ||
		    strspn(cells[0], "0123456789") != strlen(cells[0]))
			continue;
		const struct field *field = find_field(structure, cells[2]);
		ck_assert_msg(field != NULL, "%s has no field %s", structure, cells[2]);
		ck_assert_msg(field->offset == number(cells[0]) && field->size == number(cells[1]),
		              "%s.%s is at %zu, %zu bytes", structure, cells[2], field->offset,
		              field->size);
		ck_assert_msg(!seen[field - fields], "%s.%s is there twice", structure, cells[2]);
		seen[field - fields] = true;
	}
	fclose(document);
	for (size_t i = 0; i < FIELDS; i++)
		ck_assert_msg(seen[i], "PROTOCOL.md lacks %s.%s", fields[i].structure,
		              fields[i].name);
}
END_TEST

/* Size of the structure that a cell of the table of opcodes begins with. */
static size_t size_of_cell(const char *cell)
{
	char name[64];

	if (sscanf(cell, "%63[a-z_]", name) != 1)
		return 0;
	const struct field *field = find_field(name, NULL);
	ck_assert_msg(field != NULL, "%s is not in protocol.h", name);
	return field->total;
}

/* "1-2", or "0-1": none with a region that is mediated, which one of zeros is not. */
static uint64_t number_of_fds(const char *cell)
{
	char *end;
	uint64_t least = strtoull(cell, &end, 10);

	return least == 0 && *end == '-' ? number(end + 1) : least;
}

/* The table of opcodes against the messages above: bodies, handles, descriptors. */
START_TEST(document_has_the_opcodes)
{
	size_t rows = 0;
	char line[1024];
	char *cells[CELLS];
	FILE *document = source("PROTOCOL.md");

	while (fgets(line, sizeof(line), document) != NULL) {
		if (split(line, cells) != 7 || strncmp(cells[0], "HWB_", 4) != 0)
			continue;
		ck_assert_str_eq(cells[0] + 4, hwb_opcode_name((uint32_t)number(cells[1])));
		for (size_t i = 0; i < MESSAGES; i++) {
			const struct message *message = &messages[i];
			if (message->opcode != number(cells[1]))
				continue;
			ck_assert_int_eq(message->takes == NO_HANDLE, strcmp(cells[2], "0") == 0);
			ck_assert_uint_eq(message->size, size_of_cell(cells[3]));
			ck_assert_uint_eq(message->reply, size_of_cell(cells[4]));
			ck_assert_uint_eq(message->fds, number(cells[5]));
			const char *record = strchr(cells[4], '+');
			if (message->record != 0)
				ck_assert_uint_eq(message->record, size_of_cell(record + 2));
			if (message->reply_fds != 0)
				ck_assert_uint_eq(message->reply_fds, number_of_fds(cells[6]));
			rows++;
		}
	}
	fclose(document);
	ck_assert_uint_eq(rows, MESSAGES);
}
END_TEST

/* Each ```hex request and ```hex answer passes the codec. */
START_TEST(document_has_good_examples)
{
	unsigned examples = 0;
	char line[1024];
	FILE *document = source("PROTOCOL.md");

	while (fgets(line, sizeof(line), document) != NULL) {
		bool request = strcmp(line, "```hex request\n") == 0;
		struct draft draft = { .length = 0 };

		if (!request && strcmp(line, "```hex answer\n") != 0)
			continue;
		while (fgets(line, sizeof(line), document) != NULL && line[0] != '`') {
			char *at = line;
			ck_assert_uint_eq(strtoul(at, &at, 16), draft.length);
			while (*at != '\n') {
				draft.bytes[draft.length++] = (unsigned char)strtoul(at, &at, 16);
				ck_assert(draft.length < ROOM);
			}
		}
		draft.fds = draft.bytes[22];
		expect(request ? hwb_check_request : hwb_check_answer, &draft, HWB_OK, 0);
		examples++;
	}
	fclose(document);
	ck_assert_uint_ge(examples, 8);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codec");
	TCase *requests = tcase_create("requests");
	TCase *answers = tcase_create("answers");
	TCase *mutation = tcase_create("mutation");
	TCase *document = tcase_create("PROTOCOL.md");

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

	tcase_add_loop_test(answers, reply_passes_and_other_lengths_do_not, 0, MESSAGES);
	tcase_add_loop_test(answers, reply_with_other_descriptors, 0, MESSAGES);
	tcase_add_test(answers, descriptors_that_the_body_announces);
	tcase_add_loop_test(answers, list_replies, 0, MESSAGES);
	tcase_add_test(answers, status_text);
	tcase_add_test(answers, refusals);
	tcase_add_test(answers, replies_to_unknown_opcodes);
	tcase_add_test(answers, events);
	tcase_add_test(answers, made_refusals);
	tcase_add_test(answers, statuses_and_names);

	tcase_set_timeout(mutation, 60);
	tcase_add_loop_test(mutation, mutated_packets, 0, 8);

	tcase_add_test(document, lists_are_complete);
	tcase_add_test(document, document_has_the_numbers);
	tcase_add_test(document, document_has_the_layouts);
	tcase_add_test(document, document_has_the_opcodes);
	tcase_add_test(document, document_has_good_examples);

	suite_add_tcase(suite, requests);
	suite_add_tcase(suite, answers);
	suite_add_tcase(suite, mutation);
	suite_add_tcase(suite, document);
	return suite_run(suite);
}
