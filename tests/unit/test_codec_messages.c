/* SPDX-License-Identifier: MIT */
#include "test_codec_messages.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

const struct message messages[MESSAGES] = {
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

bool known(uint32_t opcode)
{
	for (size_t i = 0; i < MESSAGES; i++)
		if (messages[i].opcode == opcode)
			return true;
	return false;
}

void put16(struct draft *draft, size_t at, uint32_t value)
{
	draft->bytes[at] = (unsigned char)value;
	draft->bytes[at + 1] = (unsigned char)(value >> 8);
}

void put32(struct draft *draft, size_t at, uint32_t value)
{
	put16(draft, at, value);
	put16(draft, at + 2, value >> 16);
}

void resize(struct draft *draft, size_t body)
{
	draft->length = HEADER + body;
	put32(draft, 4, (uint32_t)draft->length);
}

void set_fds(struct draft *draft, uint32_t fds)
{
	draft->fds = fds;
	put16(draft, 22, fds);
}

void start(struct draft *draft, uint32_t opcode, enum hwb_kind kind, size_t body)
{
	memset(draft, 0, sizeof(*draft));
	put16(draft, 0, 1);
	put16(draft, 2, opcode);
	put32(draft, 8, 7);
	put16(draft, 20, kind);
	resize(draft, body);
}

void start_request(struct draft *draft, const struct message *message)
{
	start(draft, message->opcode, HWB_REQUEST, message->size);
	set_fds(draft, message->fds);
}

void start_reply(struct draft *draft, const struct message *message)
{
	start(draft, message->opcode, HWB_REPLY, message->reply);
	set_fds(draft, message->reply_fds);
}

struct hwb_check run(checker check, const struct draft *draft)
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

void expect(checker check, const struct draft *draft, enum hwb_status status, uint32_t field)
{
	struct hwb_check result = run(check, draft);

	ck_assert_msg(result.status == status && (status == HWB_OK || result.field == field),
	              "opcode 0x%02x, %zu bytes, %u fds: %s at %u (%s), not %s at %u",
	              draft->bytes[2] + 256u * draft->bytes[3], draft->length, draft->fds,
	              hwb_status_name(result.status), result.field, result.reason,
	              hwb_status_name(status), field);
}

void expect_status(checker check, const struct draft *draft, enum hwb_status status)
{
	expect(check, draft, status, run(check, draft).field);
}
