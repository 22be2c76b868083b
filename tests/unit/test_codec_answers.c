/* SPDX-License-Identifier: MIT */
/* Every rule of protocol/codec.c for answers, and refusals as it makes them. */
#include "test_codec_messages.h"

#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
	Suite *suite = suite_create("codec_answers");
	TCase *answers = tcase_create("answers");

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
	suite_add_tcase(suite, answers);
	return suite_run(suite);
}
