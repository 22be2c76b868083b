/* SPDX-License-Identifier: MIT */
/* The client library's lists, and what tells about devices and domains. */
#include "test_client_broker.h"

#include "suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The broker's pages: `page_counts` records each, numbered through from 100 on.
 * Its cursors look as if they went backwards: nobody may make sense of them. */
enum { PAGES = 4, FIRST = 100, DOMAIN = 9 };

/* As long as a name may be. */
static const char CLIENT[HWB_NAME_SIZE] = "a-client-with-the-longest-name1";

static uint32_t page_counts[PAGES];
static uint32_t record_size;
static unsigned pages_asked;
static unsigned refusals; /* before each answer */

static uint64_t cursor_of(unsigned page)
{
	return page == 0 || page == PAGES ? 0 : 1000 - page;
}

static void send_page(int broker, const union packet *request, unsigned page)
{
	union {
		struct hwb_list_reply head;
		unsigned char bytes[HWB_MESSAGE_MAX];
	} reply;
	unsigned number = FIRST;

	for (unsigned i = 0; i < page; i++)
		number += page_counts[i];
	memset(&reply, 0xee, sizeof(reply));
	reply.head = (struct hwb_list_reply){ cursor_of(page + 1), page_counts[page], record_size };
	for (uint32_t i = 0; i < page_counts[page]; i++, number++) {
		const struct hwb_device device = { .vendor = (uint16_t)number,
			                           .bars[5].size = number };
		const struct hwb_iova_range window = { number, number };
		unsigned char *at = reply.bytes + sizeof(reply.head) + i * record_size;
		if (request->header.opcode != HWB_DOMAIN_INFO)
			memcpy(at, &device,
			       record_size < sizeof(device) ? record_size : sizeof(device));
		else
			memcpy(at, &window, sizeof(window));
	}
	answer(broker, &request->header, request->header.session, &reply,
	       sizeof(reply.head) + page_counts[page] * record_size);
}

static void serve_lists(int broker)
{
	union packet packet;

	welcome(broker);
	while (take(broker, &packet)) {
		struct hwb_list_request list;
		unsigned page = 0;
		must(packet.header.session ==
		             (packet.header.opcode == HWB_DOMAIN_INFO ? DOMAIN : 0),
		     "the domain is named");
		if (packet.header.opcode == HWB_ADMIN_GIVEN)
			must(memcmp((const char *)body_of(&packet) + sizeof(list), CLIENT,
			            HWB_NAME_SIZE) == 0,
			     "the client is named, and padded");
		memcpy(&list, body_of(&packet), sizeof(list));
		while (cursor_of(page) != list.cursor)
			must(++page < PAGES, "the cursor is one of ours");
		for (unsigned i = 0; i < refusals; i++) {
			refuse(broker, &packet.header, HWB_NO_MEMORY, "try later");
			must(take(broker, &packet), "the list is continued");
		}
		pages_asked++;
		send_page(broker, &packet, page);
	}
}

static void set_pages(uint32_t first, uint32_t second, uint32_t third, uint32_t fourth)
{
	page_counts[0] = first;
	page_counts[1] = second;
	page_counts[2] = third;
	page_counts[3] = fourth;
	pages_asked = 0;
}

static void check_device(const struct hwb_device *device, unsigned number)
{
	ck_assert_uint_eq(device->vendor, number);
	ck_assert_uint_eq(device->device, 0);
	ck_assert_uint_eq(device->bars[5].size, number);
	ck_assert_uint_eq(device->bars[5].reserved, 0);
}

static struct hwb_list list;

/* Of this and of a later broker: whatever room there is, each comes once, in order. */
START_TEST(nothing_is_lost)
{
	static const uint32_t rooms[] = { 1, 2, 4, 15, 16, 40 };
	struct hwb_device devices[40];

	record_size = (uint32_t)sizeof(devices[0]) + 64 * (uint32_t)_i;
	start_open(serve_lists, NULL, NULL);
	for (size_t room = 0; room < sizeof(rooms) / sizeof(rooms[0]); room++) {
		unsigned number = FIRST;
		int count;
		set_pages(15, 0, 1, 7);
		memset(&list, 0, sizeof(list));
		do {
			memset(devices, 0xa5, sizeof(devices));
			count = hwb_device_list(client, &list, devices, rooms[room], NULL);
			ck_assert_int_ge(count, 0);
			ck_assert_int_le(count, (int)rooms[room]);
			for (int i = 0; i < count; i++)
				check_device(&devices[i], number++);
			if (count < 40)
				ck_assert_uint_eq(devices[count].vendor, 0xa5a5);
		} while (count > 0);
		ck_assert_uint_eq(number, FIRST + 23);
		ck_assert_uint_eq(pages_asked, PAGES);
		/* The end stays one. */
		ck_assert_int_eq(hwb_device_list(client, &list, devices, 1, NULL), 0);
		ck_assert_uint_eq(pages_asked, PAGES);
	}
	finish();
}
END_TEST

START_TEST(what_another_is_given)
{
	static const char too_long[] = "a-client-with-the-longest-name12";
	struct hwb_device devices[16];

	record_size = sizeof(devices[0]);
	start_open(serve_lists, NULL, NULL);
	memset(&list, 0, sizeof(list));
	set_pages(3, 0, 2, 0);
	ck_assert_int_eq(hwb_admin_given(client, CLIENT, &list, devices, 0, NULL), -EINVAL);
	ck_assert_int_eq(hwb_admin_given(client, too_long, &list, devices, 16, NULL), -EINVAL);
	ck_assert_uint_eq(pages_asked, 0);
	ck_assert_int_eq(hwb_admin_given(client, CLIENT, &list, devices, 16, NULL), 3);
	ck_assert_int_eq(hwb_admin_given(client, CLIENT, &list, devices, 16, NULL), 2);
	check_device(&devices[1], FIRST + 4);
	ck_assert_int_eq(hwb_admin_given(client, CLIENT, &list, devices, 16, NULL), 0);
	finish();
}
END_TEST

START_TEST(the_longest_page)
{
	struct hwb_device devices[21];

	record_size = sizeof(devices[0]);
	start_open(serve_lists, NULL, NULL);
	memset(&list, 0, sizeof(list));
	set_pages(21, 21, 0, 0);
	ck_assert_int_eq(hwb_device_list(client, &list, devices, 21, NULL), 21);
	ck_assert_int_eq(hwb_device_list(client, &list, devices, 21, NULL), 21);
	check_device(&devices[20], FIRST + 41);
	ck_assert_int_eq(hwb_device_list(client, &list, devices, 21, NULL), 0);
	finish();
}
END_TEST

START_TEST(empty_lists_and_no_room)
{
	struct hwb_device device;

	record_size = 0;
	start_open(serve_lists, NULL, NULL);
	memset(&list, 0, sizeof(list));
	set_pages(0, 0, 0, 0);
	ck_assert_int_eq(hwb_device_list(client, &list, &device, 1, NULL), 0);
	ck_assert_int_eq(hwb_device_list(client, &list, &device, 0, NULL), -EINVAL);
	finish();
}
END_TEST

START_TEST(a_list_goes_on_after_a_refusal)
{
	struct hwb_device devices[3];

	record_size = sizeof(devices[0]);
	start_open(serve_lists, NULL, NULL);
	memset(&list, 0, sizeof(list));
	set_pages(2, 2, 0, 0);
	refusals = 1;
	for (unsigned page = 0; page < 2; page++) {
		ck_assert_int_eq(hwb_device_list(client, &list, devices, 3, NULL),
		                 HWB_REFUSED(HWB_NO_MEMORY));
		ck_assert_int_eq(hwb_device_list(client, &list, devices, 3, NULL), 2);
		check_device(&devices[1], FIRST + page * 2 + 1);
	}
	finish();
}
END_TEST

/* Version 1 knows no shorter records than its own. */
START_TEST(short_records_are_malformed)
{
	struct hwb_device devices[21];

	record_size = sizeof(devices[0]) - 8;
	start_open(serve_lists, NULL, NULL);
	memset(&list, 0, sizeof(list));
	set_pages(2, 0, 0, 0);
	ck_assert_int_eq(hwb_device_list(client, &list, devices, 21, NULL), -EPROTO);
	finish();
}
END_TEST

START_TEST(windows_of_a_domain)
{
	struct hwb_iova_range windows[3];

	record_size = sizeof(windows[0]);
	start_open(serve_lists, NULL, NULL);
	memset(&list, 0, sizeof(list));
	set_pages(4, 0, 1, 0);
	ck_assert_int_eq(hwb_domain_info(client, DOMAIN, &list, windows, 3, NULL), 3);
	ck_assert_uint_eq(windows[0].first, FIRST);
	ck_assert_uint_eq(windows[2].last, FIRST + 2);
	ck_assert_int_eq(hwb_domain_info(client, DOMAIN, &list, windows, 3, NULL), 1);
	ck_assert_uint_eq(windows[0].first, FIRST + 3);
	ck_assert_int_eq(hwb_domain_info(client, DOMAIN, &list, windows, 3, NULL), 1);
	ck_assert_uint_eq(windows[0].first, FIRST + 4);
	ck_assert_int_eq(hwb_domain_info(client, DOMAIN, &list, windows, 3, NULL), 0);
	finish();
}
END_TEST

static void tell_of_devices(int broker)
{
	static const struct hwb_pci_address none;
	union packet packet;

	welcome(broker);
	while (take(broker, &packet)) {
		struct hwb_device device = { .vendor = (uint16_t)packet.header.session };
		struct hwb_device_info_request request;
		memcpy(&request, body_of(&packet), sizeof(request));
		must(packet.header.session == 0 ||
		             memcmp(&request.address, &none, sizeof(none)) == 0,
		     "with a handle the address is zero");
		device.address = request.address;
		answer(broker, &packet.header, packet.header.session, &device, sizeof(device));
	}
}

START_TEST(a_device_by_address_or_handle)
{
	const struct hwb_pci_address address = { .bus = 3 };
	struct hwb_device device;

	start_open(tell_of_devices, NULL, NULL);
	ck_assert_int_eq(hwb_device_info(client, &address, &device, NULL), 0);
	ck_assert_uint_eq(device.address.bus, 3);
	ck_assert_int_eq(hwb_device_info_by_handle(client, 6, &device, NULL), 0);
	ck_assert_uint_eq(device.vendor, 6);
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client lists");
	TCase *cases = tcase_create("lists");

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, nothing_is_lost, 0, 2);
	tcase_add_test(cases, the_longest_page);
	tcase_add_test(cases, what_another_is_given);
	tcase_add_test(cases, empty_lists_and_no_room);
	tcase_add_test(cases, a_list_goes_on_after_a_refusal);
	tcase_add_test(cases, short_records_are_malformed);
	tcase_add_test(cases, windows_of_a_domain);
	tcase_add_test(cases, a_device_by_address_or_handle);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
