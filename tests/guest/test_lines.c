/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines that no PCI function has. What is polled is tried here; the keyboard itself
 * by suite_lines.sh, which also has the suite's runner replace the policy and the daemon.
 */
#include "guest.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* policy/lines.conf */
enum { KEYBOARD = 1, COM2 = 3, COM1 = 4, BOARD = 5, TIMER = 0, RATE = 200, LESS_OFTEN = 20 };

static struct hwb_line line;
static int fds[2];

static void open_line(struct hwb_client *client, uint32_t number)
{
	want(HWB_OK, hwb_irq_open_number(client, number, &line, fds, &why));
	ck_assert_uint_eq(line.number, number);
	ck_assert_uint_eq(line.source, HWB_LINE_POLLED);
	ck_assert_int_ge(fds[0], 0);
	ck_assert_int_eq(fds[1], -1);
}

/* Beats of a clock within that time. */
static uint64_t beats(int fd, int milliseconds)
{
	double end = example_now() + milliseconds / 1000.0;
	uint64_t sum = 0, count;

	while (example_now() < end) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		if (poll(&wait, 1, 50) == 1 && read(fd, &count, sizeof(count)) == sizeof(count))
			sum += count;
	}
	return sum;
}

static void want_rate(int fd, uint32_t rate)
{
	beats(fd, 50); /* those of before */
	double start = example_now();
	uint64_t count = beats(fd, 1500);
	double seconds = example_now() - start;

	/* What was missed is counted, so that a slow machine sees no fewer. */
	ck_assert_msg((double)count > rate * seconds * 0.9 - 2 &&
	                      (double)count < rate * seconds * 1.1 + 2,
	              "%llu beats in %.2f s at %u Hz", (unsigned long long)count, seconds, rate);
}

static void want_still(int fd)
{
	/* One may have come before. */
	beats(fd, 50);
	ck_assert_uint_eq(beats(fd, 300), 0);
}

static void reload_back(void)
{
	guest_ask_runner("policy lines");
}

START_TEST(list)
{
	static const struct hwb_line_grant given[] = {
		{ KEYBOARD, RATE }, { COM2, 100 }, { COM1, 100 }, { BOARD, 0 }
	};
	static struct hwb_list page;
	struct hwb_line_grant lines[HWB_LINES];

	page = (struct hwb_list){ .next = 0 };
	ck_assert_int_eq(hwb_irq_list(guest, &page, lines, HWB_LINES, &why), 4);
	ck_assert_int_eq(memcmp(lines, given, sizeof(given)), 0);
	ck_assert_int_eq(hwb_irq_list(guest, &page, lines, HWB_LINES, &why), 0);
}
END_TEST

START_TEST(polled_at_its_rate)
{
	open_line(guest, KEYBOARD);
	ck_assert_uint_eq(line.rate, RATE);
	want_rate(fds[0], RATE);
	want(HWB_OK, hwb_irq_ack(guest, line.session, &why));
}
END_TEST

START_TEST(by_default_without_a_uio_device)
{
	open_line(guest, COM1);
	ck_assert_uint_eq(line.rate, 100);
	want_rate(fds[0], 100);
}
END_TEST

START_TEST(refusals)
{
	want(HWB_INVALID, hwb_irq_open_number(guest, 16, &line, fds, &why));
	want(HWB_DENIED, hwb_irq_open_number(guest, TIMER, &line, fds, &why));
	ck_assert_msg(strstr(why.reason, "[interrupt]") != NULL, "%s", why.reason);
	want(HWB_DENIED, hwb_irq_open_number(guest, 2, &line, fds, &why));
	want(HWB_NOT_FOUND, hwb_irq_open_number(guest, BOARD, &line, fds, &why));
	ck_assert_msg(strstr(why.reason, "no-such-board") != NULL, "%s", why.reason);
	open_line(guest, KEYBOARD);
	want(HWB_NO_SESSION, hwb_irq_enable(guest, line.session, &why));
	want(HWB_NO_SESSION, hwb_irq_fds(guest, line.session, 0, 1, fds, &why));
}
END_TEST

START_TEST(once_a_connection)
{
	struct hwb_posix posix;
	struct hwb_client *second = guest_connect(&posix);
	struct hwb_line first;

	open_line(guest, COM1);
	first = line;
	want(HWB_BUSY, hwb_irq_open_number(guest, COM1, &line, fds, &why));
	/* What is polled is nobody's alone. */
	open_line(second, COM1);
	hwb_posix_close(&posix);
	want(HWB_OK, hwb_close(guest, first.session, &why));
	open_line(guest, COM1);
	ck_assert_uint_gt(line.session, first.session);
}
END_TEST

/* Several at once, before any is answered. */
START_TEST(in_flight)
{
	const struct hwb_line_request wanted = { .number = COM2 };
	struct hwb_line lines[4];
	struct hwb_call calls[4];
	int got[4][2];
	uint32_t opened = 0;

	for (int i = 0; i < 4; i++) {
		calls[i] = (struct hwb_call){ .reply = &lines[i],
			                      .reply_size = sizeof(lines[i]),
			                      .fds = got[i],
			                      .fds_max = 2 };
		want(HWB_OK, hwb_begin(guest, &calls[i], HWB_IRQ_OPEN_NUMBER, 0, &wanted,
		                       sizeof(wanted), -1));
	}
	for (int i = 0; i < 4; i++) {
		int result = hwb_finish(guest, &calls[i]);
		ck_assert(result == 0 || result == HWB_REFUSED(HWB_BUSY));
		opened += result == 0;
	}
	ck_assert_uint_eq(opened, 1);
}
END_TEST

START_TEST(closed_it_stands_still)
{
	open_line(guest, KEYBOARD);
	want(HWB_OK, hwb_close(guest, line.session, &why));
	want_still(fds[0]);
	want(HWB_NO_SESSION, hwb_irq_ack(guest, line.session, &why));
}
END_TEST

START_TEST(taken_by_the_policy)
{
	struct hwb_line serial;
	int other[2];

	want(HWB_OK, hwb_irq_open_number(guest, COM1, &serial, other, &why));
	open_line(guest, KEYBOARD);
	guest_ask_runner("policy lines-less");
	want(HWB_GONE, hwb_irq_ack(guest, line.session, &why));
	want_still(fds[0]);
	want(HWB_DENIED, hwb_irq_open_number(guest, KEYBOARD, &line, fds, &why));
	/* The other one stays, at the rate that it has now. */
	want(HWB_OK, hwb_irq_ack(guest, serial.session, &why));
	beats(other[0], 100);
	want_rate(other[0], LESS_OFTEN);
}
END_TEST

/* A clock beats on while nobody is there, and is the next daemon's to stop. */
START_TEST(kept_over_a_restart)
{
	open_line(guest, KEYBOARD);
	guest_pause(300);
	guest_ask_runner("restart-daemon");
	want(HWB_OK, hwb_ping(guest, &why));
	want(HWB_OK, hwb_irq_ack(guest, line.session, &why));
	want_rate(fds[0], RATE);
	want(HWB_BUSY, hwb_irq_open_number(guest, KEYBOARD, &line, (int[2]){ -1, -1 }, &why));
	want(HWB_OK, hwb_close(guest, 1, &why));
	want_still(fds[0]);
}
END_TEST

START_TEST(kept_over_a_crash)
{
	open_line(guest, KEYBOARD);
	guest_pause(500);
	guest_ask_runner("kill-daemon");
	want(HWB_OK, hwb_irq_ack(guest, line.session, &why));
	want_rate(fds[0], RATE);
}
END_TEST

static Suite *suite(void)
{
	Suite *made = suite_create("lines");
	TCase *tests = guest_case(made, "lines");

	tcase_add_test(tests, list);
	tcase_add_test(tests, polled_at_its_rate);
	tcase_add_test(tests, by_default_without_a_uio_device);
	tcase_add_test(tests, refusals);
	tcase_add_test(tests, once_a_connection);
	tcase_add_test(tests, in_flight);
	tcase_add_test(tests, closed_it_stands_still);
	tests = guest_case(made, "kept");
	tcase_add_test(tests, kept_over_a_restart);
	tcase_add_test(tests, kept_over_a_crash);
	tests = guest_case(made, "taken");
	tcase_add_unchecked_fixture(tests, NULL, reload_back);
	tcase_add_test(tests, taken_by_the_policy);
	return made;
}

int main(void)
{
	return guest_run(suite());
}
