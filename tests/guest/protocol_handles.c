/* SPDX-License-Identifier: MIT */
/* Handles that are none, or not for that. */
#include "protocol_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct handles {
	uint32_t of[HWB_SESSION_DOMAIN + 1]; /* by enum hwb_session_kind; 0: not to be had */
};

static uint32_t try_open(int fd, struct packet *packet)
{
	if (exchange(fd, packet) != HWB_OK)
		return 0;
	ck_assert_uint_ne(header_of(packet)->session, 0);
	return header_of(packet)->session;
}

/* One of each kind, as far as host and policy give them: the first device that
 * can be acquired, with its registers and INTx; the first port that is granted. */
static void open_all(int fd, struct handles *handles)
{
	struct packet packet;
	struct packet list;

	memset(handles, 0, sizeof(*handles));
	wire_fill(&packet, HWB_DOMAIN_OPEN, 9, 0, 0);
	handles->of[HWB_SESSION_DOMAIN] = try_open(fd, &packet);
	for (uint32_t port = 0; port < 0x400 && handles->of[HWB_SESSION_IO_PORT] == 0; port++) {
		wire_fill(&packet, HWB_IO_PORT_OPEN, 9, 0, sizeof(struct hwb_io_port_request));
		*(struct hwb_io_port_request *)body_of(&packet) =
		        (struct hwb_io_port_request){ .base = port, .count = 1 };
		handles->of[HWB_SESSION_IO_PORT] = try_open(fd, &packet);
	}
	wire_fill(&list, HWB_DEVICE_LIST, 9, 0, sizeof(struct hwb_list_request));
	ck_assert_int_eq(exchange(fd, &list), HWB_OK);
	const struct hwb_list_reply *head = body_of(&list);
	for (uint32_t i = 0; i < head->count && handles->of[HWB_SESSION_DEVICE] == 0; i++) {
		const struct hwb_device *device =
		        (const struct hwb_device *)((const unsigned char *)(head + 1) +
		                                    i * head->record_size);
		wire_fill(&packet, HWB_DEVICE_ACQUIRE, 9, 0, sizeof(struct hwb_acquire_request));
		struct hwb_acquire_request *wanted = body_of(&packet);
		wanted->address = device->address;
		wanted->flags = HWB_ACQUIRE_ALL_BARS;
		wanted->irq_type = device->intx_pin != 0 ? HWB_IRQ_INTX : HWB_IRQ_NONE;
		wanted->irq_count = device->intx_pin != 0;
		handles->of[HWB_SESSION_DEVICE] = try_open(fd, &packet);
		if (handles->of[HWB_SESSION_DEVICE] == 0)
			continue;
		const struct hwb_acquire_reply *reply = body_of(&packet);
		handles->of[HWB_SESSION_IRQ] = reply->interrupt.session;
		for (uint32_t bar = 0; bar < HWB_BARS; bar++)
			if (reply->regions[bar].session != 0)
				handles->of[HWB_SESSION_IO_MEM] = reply->regions[bar].session;
	}
}

/* Each request that needs a handle, with this one, which is not of its kind.
 * DMA_MAP is left to its own test: it needs a descriptor. */
static void expect_no_session(int fd, uint32_t handle, unsigned kind)
{
	struct packet packet;

	for (size_t i = 0; i < REQUESTS; i++) {
		const struct request *request = &requests[i];
		if (request->session == NO_SESSION || request->fd || request->session == kind ||
		    (request->session == ANY_SESSION && kind != 0) ||
		    (request->session == DEVICE_OR_NONE &&
		     (kind == HWB_SESSION_DEVICE || handle == 0)))
			continue;
		wire_fill(&packet, request->opcode, 9, handle, request->body);
		ck_assert_msg(exchange(fd, &packet) == HWB_NO_SESSION,
		              "opcode 0x%x, handle %u of kind %u: status %u", request->opcode,
		              handle, kind, header_of(&packet)->status);
		ck_assert_uint_eq(header_of(&packet)->session, handle);
	}
	/* Handles in bodies. */
	if (kind != HWB_SESSION_DOMAIN && handle != 0) {
		wire_fill(&packet, HWB_DEVICE_LIST, 9, 0, sizeof(struct hwb_list_request));
		ck_assert_int_eq(exchange(fd, &packet), HWB_OK);
		const struct hwb_list_reply *head = body_of(&packet);
		if (head->count != 0) {
			struct hwb_pci_address address =
			        ((const struct hwb_device *)(head + 1))->address;
			wire_fill(&packet, HWB_DEVICE_ACQUIRE, 9, 0,
			          sizeof(struct hwb_acquire_request));
			struct hwb_acquire_request *wanted = body_of(&packet);
			wanted->address = address;
			wanted->domain = handle;
			ck_assert_int_eq(exchange(fd, &packet), HWB_NO_SESSION);
		}
	}
	expect_alive(fd);
}

START_TEST(handles_that_never_were)
{
	static const uint32_t handles[] = { 0, 1, 2, 100, 0x7fffffff, 0x80000000u, UINT32_MAX };
	int fd = wire_greeted(NULL);

	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
		expect_no_session(fd, handles[i], 0);
	close(fd);
}
END_TEST

START_TEST(handles_of_another_kind)
{
	struct handles handles;
	struct packet packet;
	int fd = wire_greeted(NULL);

	open_all(fd, &handles);
	for (unsigned kind = HWB_SESSION_DEVICE; kind <= HWB_SESSION_DOMAIN; kind++)
		if (handles.of[kind] != 0)
			expect_no_session(fd, handles.of[kind], kind);
		else
			printf("protocol: kind %u of handles is not to be had here\n", kind);
	/* ASSIGN with a domain where the device should be, and the reverse. */
	uint32_t domain = handles.of[HWB_SESSION_DOMAIN];
	if (domain != 0) {
		wire_fill(&packet, HWB_DOMAIN_ASSIGN, 9, domain, sizeof(struct hwb_assign_request));
		((struct hwb_assign_request *)body_of(&packet))->device = domain;
		ck_assert_int_eq(exchange(fd, &packet), HWB_NO_SESSION);
	}
	close(fd);
}
END_TEST

START_TEST(handles_of_another_connection)
{
	struct handles handles;
	int owner = wire_greeted(NULL);
	int thief = wire_greeted(NULL);

	open_all(owner, &handles);
	for (unsigned kind = HWB_SESSION_DEVICE; kind <= HWB_SESSION_DOMAIN; kind++)
		if (handles.of[kind] != 0)
			expect_no_session(thief, handles.of[kind], 0);
	expect_alive(owner);
	close(owner);
	close(thief);
}
END_TEST

START_TEST(handles_that_were_closed)
{
	struct handles handles;
	struct packet packet;
	int fd = wire_greeted(NULL);

	open_all(fd, &handles);
	/* From the last kind to the first: a device takes its interrupt along. */
	for (unsigned kind = HWB_SESSION_DOMAIN; kind >= HWB_SESSION_DEVICE; kind--) {
		if (handles.of[kind] == 0)
			continue;
		wire_fill(&packet, HWB_CLOSE, 9, handles.of[kind], 0);
		ck_assert_int_eq(exchange(fd, &packet), HWB_OK);
		expect_no_session(fd, handles.of[kind], 0);
	}
	close(fd);
}
END_TEST

START_TEST(handles_are_not_used_again)
{
	struct packet packet;
	uint32_t last = 0;
	int fd = wire_greeted(NULL);

	for (unsigned round = 0; round < 100; round++) {
		wire_fill(&packet, HWB_DOMAIN_OPEN, 9, 0, 0);
		uint32_t handle = try_open(fd, &packet);
		if (handle == 0)
			break; /* no DMA on this host */
		ck_assert_uint_ne(handle, last);
		last = handle;
		wire_fill(&packet, HWB_CLOSE, 9, handle, 0);
		ck_assert_int_eq(exchange(fd, &packet), HWB_OK);
	}
	close(fd);
}
END_TEST

void add_handles(TCase *tests)
{
	tcase_add_test(tests, handles_that_never_were);
	tcase_add_test(tests, handles_of_another_kind);
	tcase_add_test(tests, handles_of_another_connection);
	tcase_add_test(tests, handles_that_were_closed);
	tcase_add_test(tests, handles_are_not_used_again);
}
