/* SPDX-License-Identifier: MIT */
/* The client library, core and POSIX transport: everybody gets their answers. */
#define _GNU_SOURCE /* memfd_create */
#include "test_client_broker.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- pipelining ---- */

static void answer_backwards(int broker)
{
	union packet packets[3];

	welcome(broker);
	for (int i = 0; i < 3; i++)
		must(take(broker, &packets[i]), "three requests come before any answer");
	for (int i = 2; i >= 0; i--)
		answer(broker, &packets[i].header, packets[i].header.opcode + 1000u, NULL, 0);
	serve_rest(broker);
}

START_TEST(replies_come_in_any_order)
{
	static const uint16_t opcodes[3] = { HWB_DOMAIN_OPEN, HWB_PING, HWB_IO_PORT_OPEN };
	const struct hwb_io_port_request ports = { 0x60, 1 };
	struct hwb_call calls[3] = { { .next = NULL } };

	start_open(answer_backwards, NULL, NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hwb_begin(client, &calls[i], opcodes[i], 0, &ports,
		                           i == 2 ? sizeof(ports) : 0, -1),
		                 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(hwb_finish(client, &calls[i]), 0);
		ck_assert_uint_eq(calls[i].session, opcodes[i] + 1000u);
	}
	ck_assert_int_eq(hwb_ping(client, NULL), 0);
	finish();
}
END_TEST

enum { THREADS = 3, REQUESTS = 10000 };

/* Answers up to eight at a time, the last one first. */
static void answer_config_reads(int broker)
{
	union packet packets[8];
	bool open = true;

	welcome(broker);
	while (open) {
		unsigned count = 0;
		open = take(broker, &packets[count]);
		while (open && ++count < 8) {
			char peek;
			if (recv(broker, &peek, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
				break;
			open = take(broker, &packets[count]);
		}
		while (count-- > 0) {
			struct hwb_config_access access;
			memcpy(&access, body_of(&packets[count]), sizeof(access));
			access.value = packets[count].header.session << 16 | access.offset;
			answer(broker, &packets[count].header, packets[count].header.session,
			       &access, sizeof(access));
		}
	}
}

static void *read_config(void *argument)
{
	uint32_t device = (uint32_t)(uintptr_t)argument;

	for (uint32_t i = 0; i < REQUESTS; i++) {
		uint32_t value;
		must(hwb_config_read(client, device, i * 4 % 4096, 4, &value, NULL) == 0,
		     "every request is answered");
		must(value == (device << 16 | i * 4 % 4096), "everybody gets their own answer");
	}
	return NULL;
}

START_TEST(threads_share_a_connection)
{
	pthread_t threads[THREADS];

	start_open(answer_config_reads, NULL, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_config, (void *)(i + 1)),
		                 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	finish();
}
END_TEST

START_TEST(serials_are_never_zero)
{
	struct hwb_call calls[3] = { { .next = NULL } };

	start_open(welcome_and_serve, NULL, NULL);
	client->next_serial = UINT32_MAX - 1;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hwb_begin(client, &calls[i], HWB_PING, 0, NULL, 0, -1), 0);
	ck_assert_uint_eq(calls[0].serial, UINT32_MAX);
	ck_assert_uint_eq(calls[1].serial, 1);
	ck_assert_uint_eq(calls[2].serial, 2);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hwb_finish(client, &calls[i]), 0);
	finish();
}
END_TEST

START_TEST(too_long_a_request_is_not_sent)
{
	static const char body[HWB_MESSAGE_MAX];
	struct hwb_call call = { .next = NULL };

	start_open(welcome_and_serve, NULL, NULL);
	ck_assert_int_eq(hwb_begin(client, &call, HWB_PING, 0, body,
	                           HWB_MESSAGE_MAX - sizeof(struct hwb_header) + 1, -1),
	                 -EINVAL);
	ck_assert_int_eq(hwb_begin(client, &call, HWB_PING, 0, body, SIZE_MAX, -1), -EINVAL);
	call.tail_size = UINT32_MAX;
	ck_assert_int_eq(hwb_begin(client, &call, HWB_PING, 0, body, 8, -1), -EINVAL);
	call.tail_size = HWB_MESSAGE_MAX - sizeof(struct hwb_header) - 7;
	ck_assert_int_eq(hwb_begin(client, &call, HWB_PING, 0, body, 8, -1), -EINVAL);
	ck_assert_int_eq(hwb_ping(client, NULL), 0);
	finish();
}
END_TEST

/*
 * A thread that looks at its call, finds no answer yet and goes for the lock may
 * be overtaken: the receiver delivers the answer and is back in receive(). The
 * locks and the transport below hold both threads at just these points.
 */
static struct hwb_monitor true_monitor;
static struct hwb_transport true_transport;
static pthread_t overtaken;
static atomic_uint receives;
static sem_t overtaken_asks, overtaken_done;

static void pause_ms(long milliseconds)
{
	const struct timespec time = { .tv_nsec = milliseconds * 1000 * 1000 };

	nanosleep(&time, NULL);
}

static void acquire_late(void *context)
{
	if (pthread_equal(pthread_self(), overtaken)) {
		sem_post(&overtaken_asks);
		for (int i = 0; i < 300 && atomic_load(&receives) < 2; i++)
			pause_ms(1);
	}
	true_monitor.acquire(context);
}

static long receive_counted(void *context, void *packet, int *fds, uint32_t *fd_count, int wait)
{
	atomic_fetch_add(&receives, 1);
	return true_transport.receive(context, packet, fds, fd_count, wait);
}

static bool quick_came_first;

/* Answers the second request at once, the first one when that has arrived, or
 * when it is plain that it does not. */
static void answer_quick_then_slow(int broker)
{
	union packet slow, quick;
	struct timespec end;

	welcome(broker);
	must(take(broker, &slow), "the slow request comes");
	must(take(broker, &quick), "the quick request comes");
	sem_wait(&overtaken_asks);
	answer(broker, &quick.header, 0, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec++;
	quick_came_first = sem_timedwait(&overtaken_done, &end) == 0;
	answer(broker, &slow.header, 8, NULL, 0);
	serve_rest(broker);
}

static void *finish_slow(void *argument)
{
	must(hwb_finish(client, argument) == 0, "the slow request is answered");
	return NULL;
}

START_TEST(a_slow_answer_holds_up_nobody)
{
	struct hwb_call slow = { .next = NULL };
	pthread_t receiver;

	sem_init(&overtaken_asks, 0, 0);
	sem_init(&overtaken_done, 0, 0);
	start_open(answer_quick_then_slow, NULL, NULL);
	true_monitor = client->monitor;
	true_transport = client->transport;
	client->transport.receive = receive_counted;
	ck_assert_int_eq(hwb_begin(client, &slow, HWB_DOMAIN_OPEN, 0, NULL, 0, -1), 0);
	ck_assert_int_eq(pthread_create(&receiver, NULL, finish_slow, &slow), 0);
	while (atomic_load(&receives) < 1)
		pause_ms(1);
	struct hwb_call quick = { .next = NULL };
	ck_assert_int_eq(hwb_begin(client, &quick, HWB_PING, 0, NULL, 0, -1), 0);
	overtaken = pthread_self();
	client->monitor.acquire = acquire_late;
	ck_assert_int_eq(hwb_finish(client, &quick), 0);
	client->monitor.acquire = true_monitor.acquire;
	sem_post(&overtaken_done);
	pthread_join(receiver, NULL);
	ck_assert_uint_eq(slow.session, 8);
	finish();
	sem_destroy(&overtaken_asks);
	sem_destroy(&overtaken_done);
	ck_assert_msg(quick_came_first, "an answer that was there waited for another");
}
END_TEST

/* ---- events ---- */

struct heard {
	unsigned device_events, policy_events, others;
	uint32_t change;
};

static void on_event(void *context, const struct hwb_header *header, const void *body)
{
	struct heard *heard = context;

	if (header->opcode == HWB_EVENT_DEVICE) {
		const struct hwb_device_event *event = body;
		heard->device_events++;
		heard->change = event->change;
		must(header->length == sizeof(*header) + sizeof(*event), "an event has its size");
	} else if (header->opcode == HWB_EVENT_POLICY) {
		heard->policy_events++;
	} else {
		heard->others++;
	}
}

static void tell_in_between(int broker)
{
	const struct hwb_device_event event = { .change = HWB_CHANGE_FREED };
	static const char unknown[100];
	union packet packet;

	welcome(broker);
	while (take(broker, &packet)) {
		tell(broker, HWB_EVENT_POLICY, NULL, 0);
		tell(broker, HWB_EVENT_DEVICE, &event, sizeof(event));
		/* Of a later broker. */
		tell(broker, 0x99, unknown, sizeof(unknown));
		answer(broker, &packet.header, 0, NULL, 0);
		tell(broker, HWB_EVENT_POLICY, NULL, 0);
	}
}

START_TEST(events_come_between_replies)
{
	struct heard heard = { 0 };

	start_open(tell_in_between, on_event, &heard);
	ck_assert_int_eq(hwb_ping(client, NULL), 0);
	ck_assert_uint_eq(heard.policy_events, 1);
	ck_assert_uint_eq(heard.device_events, 1);
	ck_assert_uint_eq(heard.change, HWB_CHANGE_FREED);
	ck_assert_uint_eq(heard.others, 1);
	/* One more waits: for a thread that looks for events. */
	ck_assert_int_eq(hwb_receive_one(client), 0);
	ck_assert_uint_eq(heard.policy_events, 2);
	finish();
}
END_TEST

START_TEST(events_need_no_handler)
{
	start_open(tell_in_between, NULL, NULL);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(hwb_ping(client, NULL), 0);
	/* The last one, too: the broker must not meet a closed socket. */
	ck_assert_int_eq(hwb_receive_one(client), 0);
	finish();
}
END_TEST

START_TEST(a_receiver_delivers_replies_too)
{
	struct hwb_call call = { .next = NULL };

	start_open(welcome_and_serve, NULL, NULL);
	ck_assert_int_eq(hwb_begin(client, &call, HWB_PING, 0, NULL, 0, -1), 0);
	ck_assert_int_eq(hwb_receive_one(client), 0);
	/* Answered already: nothing is received, which would block for ever. */
	ck_assert_int_eq(hwb_finish(client, &call), 0);
	finish();
}
END_TEST

/* ---- sizes and descriptors ---- */

static void answer_at_length(int broker)
{
	struct hwb_device device = { .vendor = 0x8086 };
	struct hwb_region region = { .session = 5, .size = 4096 };
	union packet packet;

	welcome(broker);
	while (take(broker, &packet))
		if (packet.header.opcode == HWB_DEVICE_INFO)
			answer(broker, &packet.header, 0, &device, sizeof(device));
		else if (packet.header.opcode == HWB_IO_MEM_OPEN)
			answer_with_fds(broker, &packet.header, 5, &region, sizeof(region),
			                &listener, 1);
		else
			answer(broker, &packet.header, 0, NULL, 0);
}

START_TEST(a_reply_longer_than_the_buffer)
{
	const struct hwb_device_info_request info = { { 0 } };
	struct hwb_device device;
	unsigned char small[sizeof(device)];
	struct hwb_call call = { .reply = small, .reply_size = sizeof(small) - 1 };

	memset(small, 0xa5, sizeof(small));
	start_open(answer_at_length, NULL, NULL);
	ck_assert_int_eq(hwb_begin(client, &call, HWB_DEVICE_INFO, 0, &info, sizeof(info), -1), 0);
	ck_assert_int_eq(hwb_finish(client, &call), -EOVERFLOW);
	for (size_t i = 0; i < sizeof(small); i++)
		must(small[i] == 0xa5, "nothing of it is stored");
	/* It harms nobody else. */
	ck_assert_int_eq(hwb_device_info(client, &info.address, &device, NULL), 0);
	ck_assert_uint_eq(device.vendor, 0x8086);
	finish();
}
END_TEST

START_TEST(descriptors_without_a_place_are_closed)
{
	const struct hwb_io_mem_request io_mem = { 0xfe000000, 4096, 0, 0 };
	struct hwb_region region;
	int fd = -1;
	struct hwb_call call = { .reply = &region, .reply_size = sizeof(region) };
	struct hwb_call small = { .reply = &region, .reply_size = 8, .fds = &fd, .fds_max = 1 };

	start_open(answer_at_length, NULL, NULL);
	unsigned before = count_fds();
	ck_assert_int_eq(hwb_begin(client, &call, HWB_IO_MEM_OPEN, 0, &io_mem, sizeof(io_mem), -1),
	                 0);
	ck_assert_int_eq(hwb_finish(client, &call), -EOVERFLOW);
	/* What was opened all the same can be closed. */
	ck_assert_uint_eq(call.session, 5);
	ck_assert_int_eq(hwb_begin(client, &small, HWB_IO_MEM_OPEN, 0, &io_mem, sizeof(io_mem), -1),
	                 0);
	ck_assert_int_eq(hwb_finish(client, &small), -EOVERFLOW);
	ck_assert_int_eq(fd, -1);
	ck_assert_uint_eq(small.fd_count, 0);
	ck_assert_uint_eq(count_fds(), before);
	ck_assert_int_eq(hwb_io_mem_open(client, 0xfe000000, 4096, 0, &region, &fd, NULL), 0);
	ck_assert_uint_eq(region.session, 5);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_uint_eq(count_fds(), before + 1);
	close(fd);
	finish();
}
END_TEST

static void grant_device(int broker)
{
	struct hwb_acquire_reply reply = {
		.regions[0] = { .session = 2 },
		.regions[4] = { .session = 3 },
		.interrupt = { .session = 4, .type = HWB_IRQ_INTX, .vectors = 1, .fds = 1 },
	};
	union packet packet;
	int fds[4];

	welcome(broker);
	must(take(broker, &packet), "ACQUIRE comes");
	for (int i = 0; i < 4; i++) {
		char content = (char)('a' + i);
		fds[i] = memfd_create("test", MFD_CLOEXEC);
		must(write(fds[i], &content, 1) == 1, "a memfd takes a byte");
	}
	answer_with_fds(broker, &packet.header, 1, &reply, sizeof(reply), fds, 4);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	serve_rest(broker);
}

START_TEST(descriptors_arrive_in_their_order)
{
	const struct hwb_acquire_request request = { .flags = HWB_ACQUIRE_ALL_BARS };
	struct hwb_acquire_reply reply;
	int fds[HWB_FDS_MAX];
	uint32_t session, count;

	start_open(grant_device, NULL, NULL);
	ck_assert_int_eq(hwb_device_acquire(client, &request, &session, &reply, fds, &count, NULL),
	                 0);
	ck_assert_uint_eq(session, 1);
	ck_assert_uint_eq(count, 4);
	ck_assert_uint_eq(reply.regions[4].session, 3);
	for (int i = 0; i < 4; i++) {
		char content;
		ck_assert_int_ne(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, 0);
		ck_assert_int_eq(pread(fds[i], &content, 1, 0), 1);
		ck_assert_int_eq(content, 'a' + i);
		close(fds[i]);
	}
	finish();
}
END_TEST

static void give_two_vectors(int broker)
{
	const struct hwb_irq_fds range = { 7, 2 };
	const int fds[] = { listener, listener };
	union packet packet;

	welcome(broker);
	while (take(broker, &packet))
		answer_with_fds(broker, &packet.header, 3, &range, sizeof(range), fds, 2);
}

START_TEST(no_more_descriptors_than_asked_for)
{
	int fds[2] = { -1, -1 };

	start_open(give_two_vectors, NULL, NULL);
	unsigned before = count_fds();
	ck_assert_int_eq(hwb_irq_fds(client, 3, 7, 1, fds, NULL), -EOVERFLOW);
	ck_assert_int_eq(fds[1], -1);
	ck_assert_uint_eq(count_fds(), before);
	ck_assert_int_eq(hwb_irq_fds(client, 3, 7, 2, fds, NULL), 0);
	close(fds[0]);
	close(fds[1]);
	finish();
}
END_TEST

START_TEST(no_fewer_descriptors_than_asked_for)
{
	int fds[3] = { -1, -1, -1 };

	start_open(give_two_vectors, NULL, NULL);
	unsigned before = count_fds();
	ck_assert_int_eq(hwb_irq_fds(client, 3, 7, 3, fds, NULL), -EPROTO);
	ck_assert_int_eq(fds[0], -1);
	ck_assert_uint_eq(count_fds(), before);
	ck_assert_int_eq(hwb_ping(client, NULL), -EPROTO);
	finish();
}
END_TEST

static void give_with_nothing(int broker)
{
	const int fds[] = { listener, listener };
	union packet packet;

	welcome(broker);
	must(take(broker, &packet), "a request comes");
	send_packet(broker, &packet, 0, fds, 2);
}

START_TEST(descriptors_of_an_empty_packet_are_closed)
{
	struct hwb_region region;
	int fd;

	start_open(give_with_nothing, NULL, NULL);
	unsigned before = count_fds();
	ck_assert_int_eq(hwb_io_mem_open(client, 0, 4096, 0, &region, &fd, NULL), -EPIPE);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(count_fds(), before - 1); /* the broker's end */
	hwb_posix_close(&posix);
}
END_TEST

static void take_memory(int broker)
{
	struct hwb_dma_reply reply = { .iova = 0x10000, .size = 4096, .page_size = 4096 };
	union packet packet;
	char content;
	int fd;

	welcome(broker);
	must(take_with_fd(broker, &packet, &fd), "DMA_MAP comes");
	must(fd >= 0 && pread(fd, &content, 1, 0) == 1 && content == 'm', "with the memory");
	close(fd);
	answer(broker, &packet.header, 0, &reply, sizeof(reply));
	serve_rest(broker);
}

START_TEST(descriptors_passed_in_stay_the_callers)
{
	const struct hwb_dma_map_request request = { .size = 4096 };
	struct hwb_dma_reply reply;
	int fd = memfd_create("test", MFD_CLOEXEC);

	ck_assert_int_eq(write(fd, "m", 1), 1);
	start_open(take_memory, NULL, NULL);
	ck_assert_int_eq(hwb_dma_map(client, 9, &request, fd, &reply, NULL), 0);
	ck_assert_uint_eq(reply.iova, 0x10000);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	close(fd);
	finish();
}
END_TEST

/* ---- requests that do more than send ---- */

static unsigned batches, batch_length, batch_cut;

static void do_ports(int broker)
{
	union packet packet;

	welcome(broker);
	while (take(broker, &packet)) {
		struct {
			struct hwb_port_batch head;
			struct hwb_port_op ops[HWB_PORT_OPS_MAX];
		} batch;
		size_t length = hwb_body_length(&packet.header);
		memcpy(&batch, body_of(&packet), length);
		must(packet.header.session == 4, "the session is named");
		must(batch.head.count == batch_length, "all come at once");
		for (uint32_t i = 0; i < batch.head.count; i++) {
			must(batch.ops[i].port == i, "in their order");
			if (batch.ops[i].action == HWB_PORT_IN)
				batch.ops[i].value = i + 500;
		}
		batches++;
		batch.head.count -= batch_cut;
		answer(broker, &packet.header, 4, &batch, length - batch_cut * sizeof(*batch.ops));
	}
}

static struct hwb_port_op port_ops[HWB_PORT_OPS_MAX + 1];

static int run_ops(unsigned count)
{
	for (unsigned i = 0; i < HWB_PORT_OPS_MAX + 1; i++)
		port_ops[i] = (struct hwb_port_op){ .port = (uint16_t)i,
			                            .action = i % 2 ? HWB_PORT_OUT : HWB_PORT_IN,
			                            .width = 1,
			                            .value = i % 2 };
	batch_length = count;
	return hwb_io_port_batch(client, 4, port_ops, count, NULL);
}

/* One packet, so that the broker checks all before the first, and nobody else's
 * operations come in between. */
START_TEST(a_batch_is_one_request)
{
	static const unsigned counts[] = { 0, 1, 32, 33, 255, HWB_PORT_OPS_MAX };

	start_open(do_ports, NULL, NULL);
	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		ck_assert_int_eq(run_ops(counts[i]), 0);
		for (unsigned op = 0; op < HWB_PORT_OPS_MAX + 1; op++)
			ck_assert_uint_eq(port_ops[op].value, op % 2           ? 1
			                                      : op < counts[i] ? op + 500
			                                                       : 0);
		ck_assert_uint_eq(batches, i + 1);
	}
	/* The broker would end the connection for it. */
	ck_assert_int_eq(run_ops(HWB_PORT_OPS_MAX + 1), -EINVAL);
	ck_assert_int_eq(run_ops(7), 0);
	finish();
}
END_TEST

START_TEST(a_batch_comes_back_whole)
{
	start_open(do_ports, NULL, NULL);
	batch_cut = 1;
	ck_assert_int_eq(run_ops(5), -EPROTO);
	ck_assert_uint_eq(port_ops[0].value, 0);
	ck_assert_int_eq(hwb_ping(client, NULL), -EPROTO);
	finish();
}
END_TEST

/* The wire has 16 bits for an offset and a width. A larger number must not
 * become another register without a word. */
START_TEST(impossible_registers_are_not_cut_to_possible_ones)
{
	uint32_t value;

	start_open(answer_config_reads, NULL, NULL);
	ck_assert_int_eq(hwb_config_read(client, 1, 0xffc, 4, &value, NULL), 0);
	ck_assert_uint_eq(value, 1u << 16 | 0xffc);
	ck_assert_int_ne(hwb_config_read(client, 1, 0x10040, 4, &value, NULL), 0);
	ck_assert_int_ne(hwb_config_write(client, 1, 0x10040, 4, 0, NULL), 0);
	ck_assert_int_ne(hwb_config_read(client, 1, 0x40, 0x10004, &value, NULL), 0);
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *cases = tcase_create("calls");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, replies_come_in_any_order);
	tcase_add_test(cases, threads_share_a_connection);
	tcase_add_test(cases, a_slow_answer_holds_up_nobody);
	tcase_add_test(cases, serials_are_never_zero);
	tcase_add_test(cases, events_come_between_replies);
	tcase_add_test(cases, events_need_no_handler);
	tcase_add_test(cases, a_receiver_delivers_replies_too);
	tcase_add_test(cases, descriptors_arrive_in_their_order);
	tcase_add_test(cases, no_more_descriptors_than_asked_for);
	tcase_add_test(cases, no_fewer_descriptors_than_asked_for);
	tcase_add_test(cases, descriptors_of_an_empty_packet_are_closed);
	tcase_add_test(cases, descriptors_passed_in_stay_the_callers);
	tcase_add_test(cases, a_batch_is_one_request);
	tcase_add_test(cases, a_batch_comes_back_whole);
	tcase_add_test(cases, impossible_registers_are_not_cut_to_possible_ones);
	tcase_add_test(cases, too_long_a_request_is_not_sent);
	tcase_add_test(cases, a_reply_longer_than_the_buffer);
	tcase_add_test(cases, descriptors_without_a_place_are_closed);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
