/* SPDX-License-Identifier: MIT */
/*
 * Devices of a set: any that is free, and how many one client and all together may have.
 * Runs as root, who is a client as well, and is the other clients for a moment.
 */
#include "guest.h"

#include "pci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DRIVER = 1000, OTHER = 1001, HELD_MS = 500 };

static struct hwb_posix driver_posix, other_posix, third_posix;
static struct hwb_client *const driver = &driver_posix.client;
static struct hwb_client *const other = &other_posix.client;
static struct hwb_client *const third = &third_posix.client;

static void connect_all(void)
{
	guest_connect_as(DRIVER, &driver_posix, NULL);
	guest_connect_as(OTHER, &other_posix, NULL);
	guest_connect_as(0, &third_posix, NULL);
}

static void disconnect_all(void)
{
	hwb_posix_close(&driver_posix);
	hwb_posix_close(&other_posix);
	hwb_posix_close(&third_posix);
}

static void with_more(void)
{
	guest_ask_runner("policy share-more");
	connect_all();
}

/* For the tests after this one, and even if it failed. */
static void without_more(void)
{
	disconnect_all();
	guest_ask_runner("policy share");
}

struct given {
	uint32_t handle;
	struct hwb_acquire_reply reply;
	int bar; /* descriptor of BAR 0, if it was wanted */
};

static int any_with(struct hwb_client *client, const char *rule, uint32_t flags, uint32_t bars,
                    struct given *given)
{
	struct hwb_acquire_any_request request = { .flags = flags, .bars = bars };
	int fds[HWB_FDS_MAX];
	uint32_t count = 0;

	memcpy(request.rule, rule, strnlen(rule, sizeof(request.rule)));
	int result = hwb_device_acquire_any(client, &request, &given->handle, &given->reply, fds,
	                                    &count, &why);
	given->bar = result == 0 && count == 1 ? fds[0] : -1;
	return result;
}

static int any(struct hwb_client *client, const char *rule, struct given *given)
{
	return any_with(client, rule, 0, 0, given);
}

static void expect_device(const struct given *given, const char *address)
{
	struct hwb_pci_address wanted = guest_address(address);
	const struct hwb_pci_address *got = &given->reply.device.address;

	ck_assert_msg(memcmp(got, &wanted, sizeof(wanted)) == 0, "%02x:%02x.%x instead of %s",
	              got->bus, got->device, got->function, address);
	ck_assert_uint_eq(given->reply.device.state, HWB_DEVICE_GRANTED);
	ck_assert_uint_ne(given->reply.device.flags & HWB_DEVICE_MINE, 0);
}

static void expect_reason(const char *words)
{
	ck_assert_msg(strstr(why.reason, words) != NULL, "no `%s' in: %s", words, why.reason);
}

/* What the journal has for operators of a refusal: a pattern. */
static void expect_candidates(const char *rule, const char *pattern)
{
	char command[512];

	snprintf(command, sizeof(command),
	         "journalctl --sync; journalctl -u hwbrokerd --no-pager -o json -n 5 "
	         "HWBROKER_REQUEST=DEVICE_ACQUIRE_ANY 'HWBROKER_RESOURCE=any of [device %s]' | "
	         "tee /dev/stderr | grep -q \"\\\"HWBROKER_CANDIDATES\\\" *: *\\\"%s\"",
	         rule, pattern);
	ck_assert_msg(system(command) == 0, "%s", command);
}

START_TEST(each_gets_one)
{
	struct given first, second, more;
	struct example_device device;
	struct hwb_posix again;

	want(HWB_OK, any(driver, "edus", &first));
	expect_device(&first, EDU);
	want(HWB_OK, any(other, "edus", &second));
	expect_device(&second, EDU2);
	want(HWB_BUSY, any(third, "edus", &more));
	expect_reason("of 2, 2 in use");
	expect_candidates("edus", "0000:00:03.0: with .driver'; 0000:00:04.0: with .other'");
	/* That one may have no more is told before there are no more. */
	want(HWB_QUOTA, any(driver, "edus", &more));
	expect_reason("client `driver' has 1");
	expect_reason("count = 1");
	guest_connect_as(DRIVER, &again, NULL);
	want(HWB_QUOTA, any(&again.client, "edus", &more));
	hwb_posix_close(&again);
	want(HWB_OK, hwb_close(other, second.handle, &why));
	want(HWB_OK, any(third, "edus", &more));
	expect_device(&more, EDU2);
	want(HWB_OK, hwb_close(third, more.handle, &why));
	/* By its address it is one more as well. */
	guest_wait_state_of(driver, EDU2, HWB_DEVICE_FREE, PATIENCE_MS);
	want(HWB_QUOTA, guest_try(driver, EDU2, &(struct hwb_acquire_request){ 0 }, &device));
	want(HWB_OK, hwb_close(driver, first.handle, &why));
	want(HWB_OK, guest_try(driver, EDU2, &(struct hwb_acquire_request){ 0 }, &device));
}
END_TEST

/* One that is with the broker comes before one of a lower address that is not. */
START_TEST(what_is_at_hand_comes_first)
{
	struct given first, second;

	want(HWB_OK, any(driver, "edus", &first));
	want(HWB_OK, any(other, "edus", &second));
	want(HWB_OK, hwb_close(driver, first.handle, &why));
	want(HWB_OK, hwb_close(other, second.handle, &why));
	guest_wait_state_of(driver, EDU, HWB_DEVICE_FREE, PATIENCE_MS);
	guest_wait_state_of(driver, EDU2, HWB_DEVICE_FREE, PATIENCE_MS);
	want(HWB_OK, any(third, "edus", &first));
	expect_device(&first, EDU);
	want(HWB_OK, hwb_close(third, first.handle, &why));
	guest_wait_state_of(driver, EDU, HWB_DEVICE_FREE, PATIENCE_MS);
	ck_assert_int_eq(system("hwbroker-ctl release " EDU " > /dev/null"), 0);
	want(HWB_OK, any(third, "edus", &first));
	expect_device(&first, EDU2);
	/* Both alike again, for who comes next. */
	want(HWB_OK, hwb_close(third, first.handle, &why));
	guest_wait_state_of(driver, EDU2, HWB_DEVICE_FREE, PATIENCE_MS);
	ck_assert_int_eq(system("hwbroker-ctl release " EDU2 " > /dev/null"), 0);
}
END_TEST

START_TEST(a_rule_that_gives_nothing)
{
	struct given given;

	want(HWB_NOT_FOUND, any(driver, "edu", &given));
	want(HWB_NOT_FOUND, any(driver, "device edus", &given));
	want(HWB_NOT_FOUND, any(other, "network", &given));
	expect_reason("[device network]");
	want(HWB_INVALID, any(driver, "", &given));
	want(HWB_INVALID, any(driver, "abcdefghijklmnopqrstuvwxyz012345", &given));
	want(HWB_UNKNOWN_FLAG, any_with(driver, "edus", 8, 0, &given));
	want(HWB_INVALID, any_with(driver, "edus", 0, 0x40, &given));
	/* No edu has it. */
	want(HWB_NOT_FOUND, any_with(driver, "edus", 0, 2, &given));
	expect_reason("of 2, 2 unfit");
	expect_candidates("edus", "0000:00:03.0: [^;]*; 0000:00:04.0: ");
	want(HWB_OK, any(driver, "edus", &given));
}
END_TEST

/* The card has a function level reset, which lasts: 100 ms by the specification. */
START_TEST(waits_for_a_reset_or_not)
{
	struct hwb_acquire_any_request request = { .rule = "network" };
	struct hwb_acquire_reply reply;
	int fds[HWB_FDS_MAX];
	struct hwb_call close_call = { .error = &why };
	struct hwb_call busy = { .reply = &reply,
		                 .reply_size = sizeof(reply),
		                 .fds = fds,
		                 .fds_max = HWB_FDS_MAX,
		                 .error = &why };
	struct hwb_call patient = busy;
	struct given network;

	want(HWB_OK, any_with(driver, "network", 0, 1, &network));
	expect_device(&network, E1000E);
	close(network.bar);
	ck_assert_int_eq(hwb_begin(driver, &close_call, HWB_CLOSE, network.handle, NULL, 0, -1), 0);
	request.flags = HWB_ACQUIRE_NO_WAIT;
	ck_assert_int_eq(
	        hwb_begin(driver, &busy, HWB_DEVICE_ACQUIRE_ANY, 0, &request, sizeof(request), -1),
	        0);
	request.flags = 0;
	ck_assert_int_eq(hwb_begin(driver, &patient, HWB_DEVICE_ACQUIRE_ANY, 0, &request,
	                           sizeof(request), -1),
	                 0);
	want(HWB_OK, hwb_finish(driver, &close_call));
	want(HWB_BUSY, hwb_finish(driver, &busy));
	expect_reason("1 being brought to rest");
	/* Nobody else waits with it. */
	want(HWB_OK, hwb_ping(driver, &why));
	want(HWB_OK, hwb_finish(driver, &patient));
	want(HWB_OK, hwb_close(driver, patient.session, &why));
}
END_TEST

/* nvme carries swap space, and is asked first, as its address is lower. */
START_TEST(passes_over_what_the_host_uses)
{
	struct given disk, more;
	char host_driver[32];

	want(HWB_OK, any(driver, "disks", &disk));
	expect_device(&disk, SPARE_DISK);
	pci_driver(NVME, host_driver);
	ck_assert_str_eq(host_driver, "nvme");
	want(HWB_QUOTA, any(other, "disks", &more));
	expect_candidates("disks", "0000:00:0d.0: with .driver'");
	expect_reason("total = 1");
	ck_assert_ptr_null(strstr(why.reason, "driver"));
	want(HWB_OK, hwb_close(driver, disk.handle, &why));
	guest_wait_driver(SPARE_DISK, "virtio-pci");
}
END_TEST

/* Who keeps registers of what it gives back has not given it back. */
START_TEST(what_is_kept_counts)
{
	struct example_device device;
	struct given edu, again;

	want(HWB_OK, any_with(driver, "edus", 0, 1, &edu));
	expect_device(&edu, EDU);
	void *kept = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, edu.bar, 0);
	ck_assert_ptr_ne(kept, MAP_FAILED);
	want(HWB_OK, hwb_close(driver, edu.handle, &why));
	guest_pause(HELD_MS);
	want(HWB_QUOTA, guest_try(driver, EDU2, &(struct hwb_acquire_request){ 0 }, &device));
	want(HWB_OK, any(driver, "edus", &again));
	expect_device(&again, EDU);
	want(HWB_OK, hwb_close(driver, again.handle, &why));
	/* Others are given another one. */
	want(HWB_OK, any(other, "edus", &again));
	expect_device(&again, EDU2);
	want(HWB_BUSY, any(third, "edus", &again));
	expect_reason("1 given back, with registers that somebody still has");
	munmap(kept, PAGE);
	close(edu.bar);
	want(HWB_OK, any(third, "edus", &again));
	expect_device(&again, EDU);
}
END_TEST

START_TEST(a_group_goes_to_one)
{
	struct given given[4], more;

	want(HWB_OK, any(driver, "edus", &given[0]));
	expect_device(&given[0], EDU);
	want(HWB_OK, any(driver, "edus", &given[1]));
	expect_device(&given[1], EDU2);
	want(HWB_OK, any(other, "edus", &given[2]));
	expect_device(&given[2], PAIR0);
	want(HWB_BUSY, any(third, "edus", &more));
	expect_reason("of 4, 3 in use, 1 in an IOMMU group");
	want(HWB_OK, any(other, "edus", &given[3]));
	expect_device(&given[3], PAIR1);
	/* A policy that gives fewer takes nothing back, and gives no more. */
	guest_ask_runner("policy share");
	ck_assert_uint_eq(guest_state(driver, EDU2), HWB_DEVICE_GRANTED);
	want(HWB_QUOTA, any(driver, "edus", &more));
	expect_reason("client `driver' has 2");
	want(HWB_OK, hwb_close(driver, given[0].handle, &why));
	want(HWB_QUOTA, any(driver, "edus", &more));
	want(HWB_OK, any(other, "edus", &more));
	expect_device(&more, EDU);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("share");
	TCase *tests = tcase_create("share"), *more = tcase_create("more");

	tcase_add_checked_fixture(tests, connect_all, disconnect_all);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, each_gets_one);
	tcase_add_test(tests, what_is_at_hand_comes_first);
	tcase_add_test(tests, a_rule_that_gives_nothing);
	tcase_add_test(tests, waits_for_a_reset_or_not);
	tcase_add_test(tests, passes_over_what_the_host_uses);
	tcase_add_test(tests, what_is_kept_counts);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(more, with_more, without_more);
	tcase_set_timeout(more, 60);
	if (guest_has_pair())
		tcase_add_test(more, a_group_goes_to_one);
	suite_add_tcase(suite, more);
	return guest_run(suite);
}
