/* SPDX-License-Identifier: MIT */
/*
 * Who is told what happens: all of it in order, as long as they read; who does not costs
 * no memory and delays nobody, and is told how much it missed.
 */
#include "server/monitor.h"
#include "server/peer_io.h"
#include "suite.h"

#include <check.h>
#include <hwbroker/codec.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEERS = MONITORS_MAX + 1 };

static struct broker broker;
static struct peer peers[PEERS];
static int ends[PEERS]; /* the clients' sides */
static uint32_t told;

static void setup(void)
{
	broker = (struct broker){ .loop = ev_loop_new(0) };
	ck_assert_ptr_nonnull(broker.loop);
	broker.peers_end = &broker.peers;
	told = 0;
	for (int i = 0; i < PEERS; i++) {
		int fds[2];
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
		peers[i] = (struct peer){ .broker = &broker,
			                  .fd = fds[0],
			                  .references = 1,
			                  .greeted = true,
			                  .may_query = true,
			                  .link = broker.peers_end };
		ends[i] = fds[1];
		*broker.peers_end = &peers[i];
		broker.peers_end = &peers[i].next;
		peer_io_start(&peers[i]);
		ev_timer_stop(broker.loop, &peers[i].deadline);
	}
}

static void teardown(void)
{
	for (int i = 0; i < PEERS; i++) {
		monitor_stop(&peers[i]);
		peer_io_stop(&peers[i]);
		close(peers[i].fd);
		close(ends[i]);
	}
	ck_assert_ptr_null(broker.monitor_record);
	ev_loop_destroy(broker.loop);
}

static void tell(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct hwb_happening_event event = { .kind = 1, .pid = ++told };
		monitor_tell(&broker, &event);
	}
}

static void listen_to(int which)
{
	struct fault fault;

	ck_assert_int_eq(monitor_start(&peers[which], &fault), 0);
}

/* The next event that has come; false: none has. */
static bool heard(int which, struct hwb_happening_event *event)
{
	uint64_t packet[HWB_MESSAGE_MAX / 8];
	struct hwb_header header;
	ssize_t length = recv(ends[which], packet, sizeof(packet), MSG_DONTWAIT);

	if (length < 0)
		return false;
	ck_assert_uint_eq(hwb_check_answer(packet, (size_t)length, 0, &header).status, HWB_OK);
	ck_assert_uint_eq(header.opcode, HWB_EVENT_HAPPENING);
	memcpy(event, hwb_body(packet), sizeof(*event));
	return true;
}

START_TEST(who_listens_is_told_all_in_order)
{
	struct hwb_happening_event event;

	tell(3);
	ck_assert(!monitor_listens(&broker));
	listen_to(0);
	listen_to(0); /* again: nothing changes */
	ck_assert(monitor_listens(&broker));
	ck_assert_uint_eq(broker.monitor_count, 1);
	/* What was before is none of its concern. */
	ck_assert(!heard(0, &event));
	for (uint32_t i = 0; i < 1000; i++) {
		tell(1);
		ck_assert(heard(0, &event));
		ck_assert_uint_eq(event.pid, told);
		ck_assert_uint_eq(event.lost, 0);
		ck_assert(!heard(0, &event));
		ck_assert(!heard(1, &event));
	}
}
END_TEST

START_TEST(who_does_not_read_is_told_how_much_it_missed)
{
	struct hwb_happening_event event;
	uint64_t seen = 0, lost = 0;

	listen_to(0);
	listen_to(1);
	for (int i = 0; i < 5000; i++) {
		tell(1);
		ck_assert(heard(1, &event)); /* the other is not held up */
		ck_assert_uint_eq(event.pid, told);
		ck_assert_uint_eq(event.lost, 0);
	}
	/* All that waits for it is in its socket: nothing is queued here. */
	ck_assert_ptr_null(peers[0].queue);
	ck_assert_ptr_null(peers[0].events);
	ck_assert(ev_is_active(&peers[0].writer));
	uint32_t last = 0;
	for (;;) {
		while (heard(0, &event)) {
			seen++;
			lost += event.lost;
			ck_assert_uint_eq(event.pid, last + event.lost + 1);
			last = event.pid;
		}
		if (!ev_is_active(&peers[0].writer))
			break;
		ev_run(broker.loop, EVRUN_NOWAIT);
	}
	ck_assert_uint_eq(last, told);
	ck_assert_uint_gt(lost, 0);
	ck_assert_uint_eq(seen + lost, told);
	/* And from then on all. */
	tell(1);
	ck_assert(heard(0, &event));
	ck_assert_uint_eq(event.lost, 0);
}
END_TEST

START_TEST(who_goes_on_is_told_of_a_gap)
{
	struct hwb_happening_event event;

	monitor_resume(&peers[0]);
	ck_assert(peers[0].monitors);
	tell(2);
	ck_assert(heard(0, &event));
	ck_assert_uint_eq(event.lost, 1);
	ck_assert_uint_eq(event.pid, told - 1);
	ck_assert(heard(0, &event));
	ck_assert_uint_eq(event.lost, 0);
	/* The policy of now does not let it. */
	peers[1].may_query = false;
	monitor_resume(&peers[1]);
	ck_assert(!peers[1].monitors);
}
END_TEST

START_TEST(a_lost_right_ends_it)
{
	struct hwb_happening_event event;

	listen_to(0);
	tell(1);
	ck_assert(heard(0, &event));
	peers[0].may_query = false;
	tell(1);
	ck_assert(!heard(0, &event));
}
END_TEST

START_TEST(so_many_may_listen)
{
	struct hwb_happening_event event;
	struct fault fault;

	for (int i = 0; i < MONITORS_MAX; i++)
		listen_to(i);
	peers[MONITORS_MAX].subject.uid = 1000;
	ck_assert_int_eq(monitor_start(&peers[MONITORS_MAX], &fault), -1);
	ck_assert_int_eq(fault.status, HWB_QUOTA);
	/* Root finds a place all the same. */
	peers[MONITORS_MAX].subject.uid = 0;
	listen_to(MONITORS_MAX);
	monitor_stop(&peers[MONITORS_MAX]);
	peers[MONITORS_MAX].subject.uid = 1000;
	monitor_stop(&peers[3]);
	listen_to(MONITORS_MAX);
	tell(1);
	for (int i = 0; i < PEERS; i++)
		ck_assert(heard(i, &event) == (i != 3));
}
END_TEST

START_TEST(who_hangs_up_harms_nobody)
{
	struct hwb_happening_event event;

	listen_to(0);
	listen_to(1);
	shutdown(ends[0], SHUT_RDWR);
	tell(2);
	ck_assert(peers[0].broken);
	ck_assert(heard(1, &event) && heard(1, &event));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("monitor");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, who_listens_is_told_all_in_order);
	tcase_add_test(all, who_does_not_read_is_told_how_much_it_missed);
	tcase_add_test(all, who_goes_on_is_told_of_a_gap);
	tcase_add_test(all, a_lost_right_ends_it);
	tcase_add_test(all, so_many_may_listen);
	tcase_add_test(all, who_hangs_up_harms_nobody);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
