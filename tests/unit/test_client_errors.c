/* SPDX-License-Identifier: MIT */
/* The client library when the broker refuses, talks nonsense, hangs up or is not there. */
#include "test_client_broker.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* ---- connecting ---- */

START_TEST(hello_is_kept)
{
	start_open(welcome_and_serve, NULL, NULL);
	ck_assert_str_eq(client->hello.client, "tester");
	ck_assert_uint_eq(client->hello.sessions_max, 99);
	ck_assert_uint_eq(client->hello.features, HWB_FEATURE_DMA);
	ck_assert_int_ne(fcntl(posix.socket, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(hwb_ping(client, NULL), 0);
	finish();
}
END_TEST

static void refuse_hello(int broker)
{
	union packet packet;

	must(take(broker, &packet), "HELLO comes");
	refuse(broker, &packet.header, HWB_NOT_ADMITTED, "no [client] matches user nobody");
}

START_TEST(hello_may_be_refused)
{
	struct hwb_error error;

	start(refuse_hello);
	int result = hwb_posix_open(&posix, path, NULL, NULL, &error);
	ck_assert_int_eq(result, HWB_REFUSED(HWB_NOT_ADMITTED));
	ck_assert_uint_eq(hwb_refusal_of(result), HWB_NOT_ADMITTED);
	ck_assert_uint_eq(error.status, HWB_NOT_ADMITTED);
	ck_assert_str_eq(error.reason, "no [client] matches user nobody");
	pthread_join(thread, NULL);
	/* And without a place for the reason. */
	start(refuse_hello);
	ck_assert_int_eq(hwb_posix_open(&posix, path, NULL, NULL, NULL), result);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

static void hang_up_on_hello(int broker)
{
	union packet packet;

	must(take(broker, &packet), "HELLO comes");
}

START_TEST(hello_may_find_nobody)
{
	struct hwb_error error;

	start(hang_up_on_hello);
	ck_assert_int_eq(hwb_posix_open(&posix, path, NULL, NULL, &error), -EPIPE);
	ck_assert_ptr_nonnull(strstr(error.reason, "hung up"));
	ck_assert_ptr_nonnull(strstr(error.reason, path));
	pthread_join(thread, NULL);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

static void garble_hello(int broker)
{
	union packet packet;

	must(take(broker, &packet), "HELLO comes");
	answer(broker, &packet.header, 0, "short", 5);
}

START_TEST(hello_may_be_garbled)
{
	struct hwb_error error;

	start(garble_hello);
	ck_assert_int_eq(hwb_posix_open(&posix, path, NULL, NULL, &error), -EPROTO);
	ck_assert_str_ne(error.reason, "");
	pthread_join(thread, NULL);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

START_TEST(no_broker_and_impossible_paths)
{
	struct hwb_error error;
	char long_path[200];

	memset(long_path, 'p', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	ck_assert_int_eq(hwb_posix_open(&posix, long_path, NULL, NULL, &error), -ENAMETOOLONG);
	ck_assert_str_ne(error.reason, "");
	ck_assert_int_eq(hwb_posix_open(&posix, "/nowhere/socket", NULL, NULL, &error), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error.reason, "systemctl start"));
	ck_assert_int_eq(hwb_posix_open(&posix, "/nowhere/socket", NULL, NULL, NULL), -ENOENT);
	/* $HWBROKER_SOCKET, where no path is given. */
	setenv("HWBROKER_SOCKET", "/nowhere/else", 1);
	ck_assert_int_eq(hwb_posix_open(&posix, NULL, NULL, NULL, &error), -ENOENT);
	ck_assert_ptr_nonnull(strstr(error.reason, "/nowhere/else"));
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

/* ---- refusals ---- */

static char long_reason[HWB_REASON_MAX + 1];

static void refuse_all(int broker)
{
	union packet packet;

	welcome(broker);
	while (take(broker, &packet))
		if (packet.header.opcode == HWB_PING)
			refuse(broker, &packet.header, HWB_HOST_ERROR, long_reason);
		else if (packet.header.opcode == HWB_CLOSE)
			refuse(broker, &packet.header, HWB_NO_SESSION, "");
		else
			answer(broker, &packet.header, 7, NULL, 0);
}

START_TEST(refusals_keep_what_fits)
{
	struct hwb_error error;
	uint32_t session;

	memset(long_reason, 'r', HWB_REASON_MAX);
	start_open(refuse_all, NULL, NULL);
	memset(&error, 0xa5, sizeof(error));
	ck_assert_int_eq(hwb_ping(client, &error), HWB_REFUSED(HWB_HOST_ERROR));
	ck_assert_uint_eq(error.status, HWB_HOST_ERROR);
	ck_assert_uint_eq(error.host_errno, 5);
	ck_assert_uint_eq(error.field, 24);
	ck_assert_uint_eq(strlen(error.reason), sizeof(error.reason) - 1);
	ck_assert_int_eq(strncmp(error.reason, long_reason, sizeof(error.reason) - 1), 0);
	ck_assert_int_eq(hwb_close(client, 3, &error), HWB_REFUSED(HWB_NO_SESSION));
	ck_assert_str_eq(error.reason, "");
	ck_assert_int_eq(hwb_ping(client, NULL), HWB_REFUSED(HWB_HOST_ERROR));
	/* The connection goes on. */
	ck_assert_int_eq(hwb_domain_open(client, &session, &error), 0);
	ck_assert_uint_eq(session, 7);
	finish();
}
END_TEST

/* Of a later broker, and impossible ones. */
static const uint32_t strange_statuses[] = { 21,         0xffff,     0x7fffefff, 0x7ffff000,
	                                     0x7fffffff, 0x80000000, 0xffffff00, 0xffffffff };

enum { STRANGE_STATUSES = sizeof(strange_statuses) / sizeof(strange_statuses[0]) };

static void refuse_strangely(int broker)
{
	union packet packet;

	welcome(broker);
	for (int i = 0; i < STRANGE_STATUSES; i++) {
		must(take(broker, &packet), "a request comes");
		refuse(broker, &packet.header, (enum hwb_status)strange_statuses[i], "strange");
	}
	serve_rest(broker);
}

START_TEST(no_status_becomes_a_success)
{
	struct hwb_error error;

	start_open(refuse_strangely, NULL, NULL);
	for (int i = 0; i < STRANGE_STATUSES; i++) {
		int result = hwb_ping(client, &error);
		ck_assert_int_lt(result, HWB_REFUSED(HWB_NO_MEMORY));
		ck_assert_uint_ne(hwb_refusal_of(result), HWB_OK);
		ck_assert_uint_eq(error.status, strange_statuses[i]);
	}
	ck_assert_int_eq(hwb_ping(client, &error), 0);
	finish();
}
END_TEST

START_TEST(results_and_refusals_do_not_mix)
{
	ck_assert_uint_eq(hwb_refusal_of(0), HWB_OK);
	ck_assert_uint_eq(hwb_refusal_of(21), HWB_OK);
	ck_assert_uint_eq(hwb_refusal_of(-EPIPE), HWB_OK);
	ck_assert_uint_eq(hwb_refusal_of(-4095), HWB_OK);
	for (int status = HWB_MALFORMED; status <= HWB_NO_MEMORY; status++)
		ck_assert_uint_eq(hwb_refusal_of(HWB_REFUSED(status)), (unsigned)status);
}
END_TEST

/* ---- malformed ---- */

static const struct {
	const char *what;
	size_t sent;              /* bytes of a reply to PING, 0: as its header says */
	struct hwb_header change; /* added to the right header's fields */
	unsigned fds;
} wrongs[] = {
	{ .what = "shorter than a header", .sent = 10 },
	{ .what = "one byte short", .sent = 23 },
	{ .what = "length too large", .sent = 24, .change.length = 8 },
	{ .what = "longer than its header says", .sent = 32 },
	{ .what = "a body where none belongs", .change.length = 8 },
	{ .what = "another version", .change.version = 1 },
	{ .what = "of another serial", .change.serial = 1000 },
	{ .what = "of another opcode", .change.opcode = HWB_CLOSE - HWB_PING },
	{ .what = "of no opcode", .change.opcode = 0x7000 },
	{ .what = "a request", .change.kind = (uint16_t)(HWB_REQUEST - HWB_REPLY) },
	{ .what = "of no kind", .change.kind = 7 },
	{ .what = "an event with a serial", .change.kind = HWB_EVENT - HWB_REPLY },
	{ .what = "a refusal without a body", .change.status = HWB_BUSY },
	{ .what = "a refusal with a part of its body", .change = { .status = 12, .length = 8 } },
	{ .what = "a refusal of zeros and rest",
	  .change = { .status = 12, .length = sizeof(struct hwb_refusal) + 4 } },
	{ .what = "a descriptor where none belongs", .change.fds = 1, .fds = 1 },
	{ .what = "a descriptor that the header hides", .fds = 2 },
	{ .what = "fewer descriptors than the header says", .change.fds = 2, .fds = 1 },
	{ .what = "a refusal with a descriptor",
	  .change = { .status = 12, .length = sizeof(struct hwb_refusal), .fds = 1 },
	  .fds = 1 },
	{ .what = "longer than a packet may be", .sent = HWB_MESSAGE_MAX + 8 },
	{ .what = "more descriptors than a packet may have", .change.fds = 65, .fds = 65 },
};

static unsigned wrong;

static void answer_wrongly(int broker)
{
	union packet packets[3], reply;
	int fds[128] = { 0 };

	welcome(broker);
	for (int i = 0; i < 3; i++)
		must(take(broker, &packets[i]), "three requests come");
	memset(&reply, 0, sizeof(reply));
	reply.header = reply_to(&packets[1].header, 0);
	reply.header.version = (uint16_t)(reply.header.version + wrongs[wrong].change.version);
	reply.header.opcode = (uint16_t)(reply.header.opcode + wrongs[wrong].change.opcode);
	reply.header.length += wrongs[wrong].change.length;
	reply.header.serial += wrongs[wrong].change.serial;
	reply.header.status += wrongs[wrong].change.status;
	reply.header.kind = (uint16_t)(reply.header.kind + wrongs[wrong].change.kind);
	reply.header.fds = (uint16_t)(reply.header.fds + wrongs[wrong].change.fds);
	size_t length = wrongs[wrong].sent != 0 ? wrongs[wrong].sent : reply.header.length;
	for (unsigned i = 0; i < wrongs[wrong].fds; i++)
		fds[i] = listener;
	send_packet(broker, &reply, length, fds, wrongs[wrong].fds);
	while (take(broker, &reply))
		;
}

START_TEST(malformed_replies_end_it_for_all)
{
	struct hwb_call calls[3] = { { .next = NULL } };

	wrong = (unsigned)_i;
	start_open(answer_wrongly, NULL, NULL);
	unsigned before = count_fds();
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hwb_begin(client, &calls[i], HWB_PING, 0, NULL, 0, -1), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(hwb_finish(client, &calls[i]) == -EPROTO, "%s: call %d: %d",
		              wrongs[_i].what, i, calls[i].result);
	ck_assert_int_eq(hwb_ping(client, NULL), -EPROTO);
	ck_assert_int_eq(hwb_receive_one(client), -EPROTO);
	ck_assert_msg(count_fds() == before, "%s: a descriptor is left", wrongs[_i].what);
	finish();
}
END_TEST

static void answer_twice(int broker)
{
	union packet packet;

	welcome(broker);
	must(take(broker, &packet), "a request comes");
	answer(broker, &packet.header, 0, NULL, 0);
	answer(broker, &packet.header, 0, NULL, 0);
	while (take(broker, &packet))
		;
}

START_TEST(a_second_reply_is_malformed)
{
	start_open(answer_twice, NULL, NULL);
	ck_assert_int_eq(hwb_ping(client, NULL), 0);
	ck_assert_int_eq(hwb_ping(client, NULL), -EPROTO);
	finish();
}
END_TEST

/* ---- hanging up ---- */

START_TEST(hanging_up_ends_all_calls)
{
	struct hwb_call calls[3] = { { .next = NULL } };
	struct hwb_error error;

	start_open(take_three_and_leave, NULL, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hwb_begin(client, &calls[i], HWB_PING, 0, NULL, 0, -1), 0);
	for (int i = 2; i >= 0; i--)
		ck_assert_int_eq(hwb_finish(client, &calls[i]), -EPIPE);
	ck_assert_int_eq(hwb_ping(client, &error), -EPIPE);
	ck_assert_int_eq(hwb_receive_one(client), -EPIPE);
	finish();
}
END_TEST

static void welcome_and_leave(int broker)
{
	welcome(broker);
}

/* Sending is what notices here; it must raise no signal. */
START_TEST(sending_to_nobody)
{
	start_open(welcome_and_leave, NULL, NULL);
	pthread_join(thread, NULL);
	ck_assert_int_eq(hwb_ping(client, NULL), -EPIPE);
	ck_assert_int_eq(hwb_ping(client, NULL), -EPIPE);
	hwb_posix_close(&posix);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

/* A descriptor that is none is the fault of one request, of which nothing was sent. */
START_TEST(what_was_not_sent_harms_nobody_else)
{
	const struct hwb_dma_map_request request = { .size = 4096 };
	struct hwb_dma_reply reply;
	struct hwb_call call = { .next = NULL };

	start_open(welcome_and_serve, NULL, NULL);
	ck_assert_int_eq(hwb_begin(client, &call, HWB_PING, 0, NULL, 0, -1), 0);
	ck_assert_int_eq(hwb_dma_map(client, 9, &request, 9999, &reply, NULL), -EBADF);
	ck_assert_int_eq(hwb_finish(client, &call), 0);
	ck_assert_int_eq(hwb_ping(client, NULL), 0);
	finish();
}
END_TEST

static void refuse_and_leave(int broker)
{
	union packet packet;

	welcome(broker);
	must(take(broker, &packet), "a request comes");
	refuse(broker, &packet.header, HWB_MALFORMED, "and the broker hangs up");
}

/* The broker says why it ends the connection: sending on must not lose that. */
START_TEST(a_last_word_is_heard)
{
	struct hwb_call call = { .next = NULL };

	start_open(refuse_and_leave, NULL, NULL);
	ck_assert_int_eq(hwb_begin(client, &call, HWB_PING, 0, NULL, 0, -1), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(hwb_ping(client, NULL), -EPIPE);
	ck_assert_int_eq(hwb_finish(client, &call), HWB_REFUSED(HWB_MALFORMED));
	ck_assert_int_eq(hwb_receive_one(client), -EPIPE);
	hwb_posix_close(&posix);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

static void refuse_one_of_two_and_leave(int broker)
{
	union packet packet;
	char peek;

	welcome(broker);
	must(take(broker, &packet), "a request comes");
	must(recv(broker, &peek, 1, MSG_PEEK) == 1, "another one comes");
	refuse(broker, &packet.header, HWB_MALFORMED, "and the broker hangs up");
}

/* A request that the broker left unread resets the socket, ahead of what it said. */
START_TEST(a_last_word_is_heard_behind_a_reset)
{
	struct hwb_call calls[2] = { { .next = NULL } };

	start_open(refuse_one_of_two_and_leave, NULL, NULL);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(hwb_begin(client, &calls[i], HWB_PING, 0, NULL, 0, -1), 0);
	pthread_join(thread, NULL);
	ck_assert_int_eq(hwb_finish(client, &calls[0]), HWB_REFUSED(HWB_MALFORMED));
	ck_assert_int_eq(hwb_finish(client, &calls[1]), -EPIPE);
	hwb_posix_close(&posix);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

static void *receive_until_the_end(void *argument)
{
	int result;

	(void)argument;
	do
		result = hwb_receive_one(client);
	while (result == 0);
	must(result == -EPIPE, "the receiver is told the same");
	return NULL;
}

static void *ping_until_the_end(void *argument)
{
	int result;

	(void)argument;
	do
		result = hwb_ping(client, NULL);
	while (result == 0);
	must(result == -EPIPE || result == -ECONNRESET, "those who ask are told");
	return NULL;
}

static void tell_and_leave(int broker)
{
	const struct timeval pause = { .tv_usec = 5000 };

	welcome(broker);
	setsockopt(broker, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof(pause));
	for (int i = 0; i < 200; i++) {
		union packet packet;
		tell(broker, HWB_EVENT_POLICY, NULL, 0);
		if (take(broker, &packet))
			answer(broker, &packet.header, 0, NULL, 0);
	}
	shutdown(broker, SHUT_RDWR);
}

/* The end while one thread receives and another sends: all hear of it. */
START_TEST(all_threads_hear_of_the_end)
{
	pthread_t receiver, asker;

	start_open(tell_and_leave, NULL, NULL);
	pthread_create(&receiver, NULL, receive_until_the_end, NULL);
	pthread_create(&asker, NULL, ping_until_the_end, NULL);
	pthread_join(asker, NULL);
	pthread_join(receiver, NULL);
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client errors");
	TCase *cases = tcase_create("errors");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, hello_is_kept);
	tcase_add_test(cases, hello_may_be_refused);
	tcase_add_test(cases, hello_may_find_nobody);
	tcase_add_test(cases, hello_may_be_garbled);
	tcase_add_test(cases, no_broker_and_impossible_paths);
	tcase_add_test(cases, refusals_keep_what_fits);
	tcase_add_test(cases, no_status_becomes_a_success);
	tcase_add_test(cases, results_and_refusals_do_not_mix);
	tcase_add_loop_test(cases, malformed_replies_end_it_for_all, 0,
	                    (int)(sizeof(wrongs) / sizeof(wrongs[0])));
	tcase_add_test(cases, a_second_reply_is_malformed);
	tcase_add_test(cases, hanging_up_ends_all_calls);
	tcase_add_test(cases, sending_to_nobody);
	tcase_add_test(cases, what_was_not_sent_harms_nobody_else);
	tcase_add_test(cases, a_last_word_is_heard);
	tcase_add_test(cases, a_last_word_is_heard_behind_a_reset);
	tcase_add_test(cases, all_threads_hear_of_the_end);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
