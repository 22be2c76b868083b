/* SPDX-License-Identifier: MIT */
/* What an operator is told of clients and sessions, however many there are. */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 120 }; /* more than one packet has room for */

/* ---- lists by the page ---- */

struct list {
	unsigned char *records;
	uint32_t count;
	uint32_t pages;
};

static void add_page(struct list *list, const struct hwb_list_reply *page, size_t size)
{
	ck_assert_uint_eq(page->record_size, size);
	list->records = realloc(list->records, (list->count + page->count + 1) * size);
	ck_assert_ptr_nonnull(list->records);
	memcpy(list->records + list->count * size, page + 1, page->count * size);
	list->count += page->count;
	list->pages++;
}

static struct list list_of(uint16_t opcode, size_t size)
{
	static _Alignas(8) unsigned char page[HWB_MESSAGE_MAX];
	const struct hwb_list_reply *head = (const struct hwb_list_reply *)page;
	struct hwb_list_request request = { 0 };
	struct list list = { 0 };

	do {
		struct hwb_call call = { .reply = page, .reply_size = sizeof(page), .error = &why };
		want(HWB_OK, hwb_begin(guest, &call, opcode, 0, &request, sizeof(request), -1));
		want(HWB_OK, hwb_finish(guest, &call));
		ck_assert(head->next == 0 || head->next > request.cursor);
		add_page(&list, head, size);
		request.cursor = head->next;
	} while (request.cursor != 0);
	return list;
}

/* What is said of the session with this handle. */
static const struct hwb_admin_session *session(uint32_t handle)
{
	static struct hwb_admin_session found;
	struct list list = list_of(HWB_ADMIN_SESSIONS, sizeof(found));
	const struct hwb_admin_session *sessions = (const struct hwb_admin_session *)list.records;

	found = (struct hwb_admin_session){ 0 };
	for (uint32_t i = 0; i < list.count; i++)
		if (sessions[i].handle == handle)
			found = sessions[i];
	free(list.records);
	ck_assert_msg(found.kind != 0, "no session has the handle 0x%x", handle);
	ck_assert_str_eq(found.client, "driver");
	return &found;
}

static void is(uint32_t handle, uint32_t kind, const char *resource)
{
	const struct hwb_admin_session *found = session(handle);

	ck_assert_uint_eq(found->kind, kind);
	ck_assert_str_eq(found->resource, resource);
}

/* ---- sessions ---- */

START_TEST(each_kind_of_session)
{
	struct hwb_acquire_request request = {
		.domain = guest_domain(),
		.bars = 1,
		.irq_type = HWB_IRQ_MSI,
		.irq_count = 1,
	};
	struct example_memory memory;
	struct example_device edu;
	char text[80];
	uint32_t ports;

	is(request.domain, HWB_SESSION_DOMAIN, "0 mappings, 0 bytes, 0 devices");
	guest_take(EDU, &request, &edu);
	guest_alloc(request.domain, PAGE, &memory);
	is(request.domain, HWB_SESSION_DOMAIN, "1 mappings, 4096 bytes, 1 device");
	is(edu.handle, HWB_SESSION_DEVICE, "0000:" EDU " with DMA");
	snprintf(text, sizeof(text), "0000:" EDU " BAR 0 0x%llx-0x%llx",
	         (unsigned long long)edu.info.regions[0].base,
	         (unsigned long long)edu.info.regions[0].base + 0xfffff);
	is(edu.info.regions[0].session, HWB_SESSION_IO_MEM, text);
	is(edu.info.interrupt.session, HWB_SESSION_IRQ, "0000:" EDU " MSI, 1 vector, not enabled");
	want(HWB_OK, hwb_irq_enable(guest, edu.info.interrupt.session, &why));
	is(edu.info.interrupt.session, HWB_SESSION_IRQ, "0000:" EDU " MSI, 1 vector");
	want(HWB_OK, hwb_io_port_open(guest, 0x42, 2, &ports, &why));
	is(ports, HWB_SESSION_IO_PORT, "ports 0x42-0x43");
}
END_TEST

START_TEST(without_dma)
{
	const struct hwb_acquire_request request = { .irq_type = HWB_IRQ_INTX, .irq_count = 1 };
	struct example_device disk;

	guest_take(NVME, &request, &disk);
	is(disk.handle, HWB_SESSION_DEVICE, "0000:" NVME);
	is(disk.info.interrupt.session, HWB_SESSION_IRQ,
	   "0000:" NVME " INTx, 1 vector, not enabled");
}
END_TEST

START_TEST(more_sessions_than_a_packet_holds)
{
	struct list list;
	uint32_t handle;

	for (int i = 0; i < MANY; i++)
		want(HWB_OK, hwb_io_port_open(guest, 0x40, 1, &handle, &why));
	list = list_of(HWB_ADMIN_SESSIONS, sizeof(struct hwb_admin_session));
	ck_assert_uint_eq(list.count, MANY);
	ck_assert_uint_gt(list.pages, 1);
	free(list.records);
}
END_TEST

/* ---- clients ---- */

START_TEST(more_clients_than_a_packet_holds)
{
	static struct hwb_posix posix[MANY];
	struct list list;
	uint32_t last = 0;

	for (int i = 0; i < MANY; i++)
		guest_connect(&posix[i]);
	list = list_of(HWB_ADMIN_CLIENTS, sizeof(struct hwb_admin_client));
	ck_assert_uint_eq(list.count, MANY + 1);
	ck_assert_uint_gt(list.pages, 1);
	for (uint32_t i = 0; i < list.count; i++) {
		const struct hwb_admin_client *client =
		        (const struct hwb_admin_client *)list.records + i;
		ck_assert_uint_gt(client->id, last);
		ck_assert_str_eq(client->client, "driver");
		last = client->id;
	}
	free(list.records);
	for (int i = 0; i < MANY; i++)
		hwb_posix_close(&posix[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("admin");
	TCase *tests = guest_case(suite, "lists");

	tcase_add_test(tests, each_kind_of_session);
	tcase_add_test(tests, without_dma);
	tcase_add_test(tests, more_sessions_than_a_packet_holds);
	tcase_add_test(tests, more_clients_than_a_packet_holds);
	return guest_run(suite);
}
