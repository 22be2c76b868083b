/* SPDX-License-Identifier: MIT */
/* The client library for callers that must not wait: who is told of an answer, and when. */
#include "test_client_broker.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static sem_t may_answer;

/* Takes two requests and answers both, the second one first, when the test says so. */
static void answer_when_told(int broker)
{
	union packet first, second;

	welcome(broker);
	must(take(broker, &first), "a request comes");
	must(take(broker, &second), "another one comes");
	sem_wait(&may_answer);
	answer(broker, &second.header, 2, NULL, 0);
	answer(broker, &first.header, 1, NULL, 0);
	serve_rest(broker);
}

static void wait_for_packet(void)
{
	struct pollfd socket = { .fd = posix.socket, .events = POLLIN };

	ck_assert_int_eq(poll(&socket, 1, 10000), 1);
}

/* ---- one thread ---- */

START_TEST(a_thread_that_polls_need_not_wait)
{
	struct hwb_call calls[2] = { { .next = NULL } };

	start_open(answer_when_told, NULL, NULL);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(hwb_begin(client, &calls[i], HWB_PING, 0, NULL, 0, -1), 0);
	ck_assert_int_eq(hwb_receive_ready(client), 0);
	ck_assert_int_eq(hwb_done(client, &calls[0]), 0);
	ck_assert_int_eq(hwb_done(client, &calls[1]), 0);
	sem_post(&may_answer);
	wait_for_packet();
	ck_assert_int_eq(hwb_receive_ready(client), 1);
	ck_assert_int_eq(hwb_done(client, &calls[0]), 0);
	ck_assert_int_eq(hwb_done(client, &calls[1]), 1);
	ck_assert_int_eq(hwb_finish(client, &calls[1]), 0);
	wait_for_packet();
	ck_assert_int_eq(hwb_receive_ready(client), 1);
	ck_assert_int_eq(hwb_done(client, &calls[0]), 1);
	ck_assert_int_eq(hwb_finish(client, &calls[0]), 0);
	ck_assert_int_eq(hwb_receive_ready(client), 0);
	/* That nothing was there did no harm. */
	ck_assert_int_eq(hwb_ping(client, NULL), 0);
	finish();
}
END_TEST

static void welcome_and_leave(int broker)
{
	welcome(broker);
}

START_TEST(a_thread_that_polls_hears_of_the_end)
{
	start_open(welcome_and_leave, NULL, NULL);
	wait_for_packet();
	ck_assert_int_eq(hwb_receive_ready(client), -EPIPE);
	ck_assert_int_eq(hwb_receive_ready(client), -EPIPE);
	finish();
}
END_TEST

/* ---- completion handlers ---- */

/* What became of a call. */
struct fate {
	struct hwb_call call;
	unsigned told;
	unsigned place; /* among those that were told */
	pthread_t teller;
	struct fate *next; /* to be begun then */
};

static unsigned all_told;

static void tell_fate(void *context, struct hwb_call *call)
{
	struct fate *fate = context;

	must(call == &fate->call, "the handler gets its call");
	fate->told++;
	fate->place = ++all_told;
	fate->teller = pthread_self();
	if (fate->next != NULL)
		must(hwb_begin(client, &fate->next->call, HWB_PING, 0, NULL, 0, -1) == 0,
		     "a handler can begin a request");
}

static void prepare(struct fate *fate)
{
	*fate = (struct fate){ .call = { .on_done = tell_fate, .done_context = fate } };
}

START_TEST(handlers_are_called_by_who_receives)
{
	struct fate fates[3];

	all_told = 0;
	for (int i = 0; i < 3; i++)
		prepare(&fates[i]);
	fates[0].next = &fates[2];
	start_open(answer_when_told, NULL, NULL);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(hwb_begin(client, &fates[i].call, HWB_PING, 0, NULL, 0, -1), 0);
	sem_post(&may_answer);
	/* Its answer comes behind those two. */
	ck_assert_int_eq(hwb_ping(client, NULL), 0);
	ck_assert_uint_eq(fates[1].place, 1);
	ck_assert_uint_eq(fates[0].place, 2);
	while (fates[2].told == 0) {
		wait_for_packet();
		ck_assert_int_ge(hwb_receive_ready(client), 0);
	}
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(fates[i].told, 1);
		ck_assert_int_eq(fates[i].call.result, 0);
		ck_assert(pthread_equal(fates[i].teller, pthread_self()));
	}
	ck_assert_uint_eq(fates[0].call.session, 1);
	ck_assert_uint_eq(fates[1].call.session, 2);
	finish();
}
END_TEST

/* Each is told once, whether it was begun before the end or after. */
START_TEST(handlers_hear_of_the_end)
{
	struct fate fates[3], late;

	start_open(take_three_and_leave, NULL, NULL);
	for (int i = 0; i < 3; i++) {
		prepare(&fates[i]);
		ck_assert_int_eq(hwb_begin(client, &fates[i].call, HWB_PING, 0, NULL, 0, -1), 0);
	}
	pthread_join(thread, NULL);
	/* Who is told by the return value is not told again. */
	prepare(&late);
	ck_assert_int_eq(hwb_begin(client, &late.call, HWB_PING, 0, NULL, 0, -1), -EPIPE);
	ck_assert_int_eq(hwb_receive_ready(client), -EPIPE);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(fates[i].told, 1);
		ck_assert_int_eq(fates[i].call.result, -EPIPE);
	}
	ck_assert_int_eq(hwb_begin(client, &late.call, HWB_PING, 0, NULL, 0, -1), -EPIPE);
	ck_assert_uint_eq(late.told, 0);
	hwb_posix_close(&posix);
	ck_assert_uint_eq(count_fds(), fds_before);
}
END_TEST

static struct hwb_transport true_transport;
static struct fate meanwhile;
static struct hwb_monitor true_monitor;

/* Sends nothing, as the receiver meets the end. */
static int fail_to_send(void *context, const struct hwb_part *parts, uint32_t count, int fd)
{
	(void)context;
	(void)parts;
	(void)count;
	(void)fd;
	ck_assert_int_eq(hwb_receive_one(client), -EPIPE);
	ck_assert_uint_eq(meanwhile.told, 1);
	return -EPIPE;
}

/* The end is told by the handler or by the return value, never by both. */
START_TEST(the_end_is_told_once)
{
	start_open(welcome_and_leave, NULL, NULL);
	prepare(&meanwhile);
	client->transport.send = fail_to_send;
	ck_assert_int_eq(hwb_begin(client, &meanwhile.call, HWB_PING, 0, NULL, 0, -1), 0);
	ck_assert_uint_eq(meanwhile.told, 1);
	ck_assert_int_eq(meanwhile.call.result, -EPIPE);
	finish();
}
END_TEST

static void forget_call(void *context, struct hwb_call *call)
{
	unsigned *told = context;

	memset(call, 0xff, sizeof(*call));
	++*told;
}

/* As if another thread met the end as soon as it gets the monitor. */
static void release_to_receiver(void *context)
{
	client->monitor.release = true_monitor.release;
	true_monitor.release(context);
	ck_assert_int_eq(hwb_receive_one(client), -EPIPE);
}

static int send_to_nobody(void *context, const struct hwb_part *parts, uint32_t count, int fd)
{
	const struct hwb_header *header = parts[0].bytes;

	(void)context;
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(header->length, sizeof(*header));
	ck_assert_uint_eq(header->serial, client->next_serial);
	ck_assert_int_eq(fd, -1);
	return -EPIPE;
}

/* A handler may do away with its call while another thread is about to send it. */
START_TEST(a_call_that_is_done_is_the_callers)
{
	unsigned told = 0;
	struct hwb_call call = { .on_done = forget_call, .done_context = &told };

	start_open(welcome_and_leave, NULL, NULL);
	true_monitor = client->monitor;
	client->monitor.release = release_to_receiver;
	client->transport.send = send_to_nobody;
	ck_assert_int_eq(hwb_begin(client, &call, HWB_PING, 0, NULL, 0, -1), 0);
	ck_assert_uint_eq(told, 1);
	finish();
}
END_TEST

/* ---- several threads ---- */

static atomic_bool receives;

static long receive_seen(void *context, void *packet, int *fds, uint32_t *fd_count, int wait)
{
	atomic_store(&receives, true);
	return true_transport.receive(context, packet, fds, fd_count, wait);
}

static void *ping_and_wait(void *argument)
{
	(void)argument;
	must(hwb_ping(client, NULL) == 0, "the one who waits is answered");
	return NULL;
}

/* Another thread may be in receive() for long: nobody who must not wait does. */
START_TEST(a_receiver_holds_up_nobody)
{
	struct fate fate;
	pthread_t receiver;

	start_open(answer_when_told, NULL, NULL);
	true_transport = client->transport;
	client->transport.receive = receive_seen;
	atomic_store(&receives, false);
	ck_assert_int_eq(pthread_create(&receiver, NULL, ping_and_wait, NULL), 0);
	while (!atomic_load(&receives))
		poll(NULL, 0, 1);
	ck_assert_int_eq(hwb_receive_ready(client), 0);
	prepare(&fate);
	ck_assert_int_eq(hwb_begin(client, &fate.call, HWB_PING, 0, NULL, 0, -1), 0);
	ck_assert_int_eq(hwb_receive_ready(client), 0);
	ck_assert_int_eq(hwb_done(client, &fate.call), 0);
	sem_post(&may_answer);
	pthread_join(receiver, NULL);
	ck_assert_uint_eq(fate.told, 1);
	ck_assert(pthread_equal(fate.teller, receiver));
	finish();
}
END_TEST

static void *ping_in_vain(void *argument)
{
	(void)argument;
	must(hwb_ping(client, NULL) == -EPIPE, "the one who waits is told of the end");
	return NULL;
}

static void welcome_and_hold(int broker)
{
	union packet packet;

	welcome(broker);
	while (take(broker, &packet))
		;
}

/* As posix.h says of closing. */
START_TEST(shutdown_lets_those_who_wait_come_back)
{
	struct fate fate;
	pthread_t threads[2];

	start_open(welcome_and_hold, NULL, NULL);
	prepare(&fate);
	ck_assert_int_eq(hwb_begin(client, &fate.call, HWB_PING, 0, NULL, 0, -1), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ping_in_vain, NULL), 0);
	poll(NULL, 0, 20);
	shutdown(posix.socket, SHUT_RDWR);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(hwb_receive_ready(client), -EPIPE);
	ck_assert_uint_eq(fate.told, 1);
	finish();
}
END_TEST

enum { THREADS = 2, CALLS = 2000 };

static atomic_uint answered;

static void count_answer(void *context, struct hwb_call *call)
{
	(void)context;
	must(call->result == 0, "each call is answered");
	atomic_fetch_add(&answered, 1);
}

static void *ping_often(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < CALLS; i++)
		must(hwb_ping(client, NULL) == 0, "everybody who waits is answered");
	return NULL;
}

/* As a core with entrypoints that wait and one thread that polls. */
START_TEST(waiting_and_polling_go_together)
{
	struct hwb_call call;
	pthread_t threads[THREADS];

	start_open(welcome_and_serve, NULL, NULL);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ping_often, NULL), 0);
	for (unsigned i = 0; i < CALLS; i++) {
		call = (struct hwb_call){ .on_done = count_answer };
		ck_assert_int_eq(hwb_begin(client, &call, HWB_PING, 0, NULL, 0, -1), 0);
		while (atomic_load(&answered) == i) {
			struct pollfd socket = { .fd = posix.socket, .events = POLLIN };
			poll(&socket, 1, 1);
			ck_assert_int_ge(hwb_receive_ready(client), 0);
		}
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	finish();
}
END_TEST

static void split_setup(void)
{
	setup();
	sem_init(&may_answer, 0, 0);
}

static void split_teardown(void)
{
	sem_destroy(&may_answer);
	teardown();
}

int main(void)
{
	Suite *suite = suite_create("client, split");
	TCase *cases = tcase_create("split");

	tcase_add_checked_fixture(cases, split_setup, split_teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, a_thread_that_polls_need_not_wait);
	tcase_add_test(cases, a_thread_that_polls_hears_of_the_end);
	tcase_add_test(cases, handlers_are_called_by_who_receives);
	tcase_add_test(cases, handlers_hear_of_the_end);
	tcase_add_test(cases, the_end_is_told_once);
	tcase_add_test(cases, a_call_that_is_done_is_the_callers);
	tcase_add_test(cases, a_receiver_holds_up_nobody);
	tcase_add_test(cases, shutdown_lets_those_who_wait_come_back);
	tcase_add_test(cases, waiting_and_polling_go_together);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
