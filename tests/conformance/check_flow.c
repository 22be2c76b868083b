/* SPDX-License-Identifier: MIT */
/* Sections "Ordering and flow" and "Events". */
#include "kit.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static void pipelining(void)
{
	struct packet packet;
	int fd = greeted();

	for (unsigned i = 0; i < 200; i++) {
		start(&packet, PING, 0);
		say(fd, &packet, NULL, 0);
		/* Not more than the broker reads ahead. */
		if (i % 8 == 7)
			for (unsigned replies = 0; replies < 8; replies++)
				if (hear_reply(fd, &packet, PROMPT_MS) != A_PACKET)
					wrong("expected replies to 8 requests in a row, got %u",
					      replies);
	}
}

/* Sends PINGs until there has been no room for more for so long. */
static uint32_t flood(int fd, int patience_ms)
{
	struct packet packet;
	struct pollfd wait = { .fd = fd, .events = POLLOUT };

	for (uint32_t sent = 0; sent < 100000;) {
		start(&packet, PING, 0);
		if (wire_send(fd, &packet, NULL, 0, MSG_DONTWAIT)) {
			audit_sent(fd, &packet);
			sent++;
		} else if (errno != EAGAIN) {
			wrong("expected EAGAIN once the socket is full, got the end after %u requests",
			      sent);
		} else if (poll(&wait, 1, patience_ms) == 0) {
			return sent;
		}
	}
	wrong("expected the broker to stop reading while nobody reads replies, got 100000 requests read");
}

static void flow_room(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t sent = flood(fd, 2000);

	for (uint32_t i = 0; i < sent; i++)
		if (hear_reply(fd, &packet, PROMPT_MS) != A_PACKET)
			wrong("expected %u replies once we read, got %u", sent, i);
	want_alive(fd);
}

static void deaf_dropped(void)
{
	struct pollfd wait = { .events = 0 };
	int fd = greeted();
	int64_t begun;

	flood(fd, 500);
	begun = now_ms();
	wait.fd = fd;
	if (poll(&wait, 1, READER_MS + PROMPT_MS) != 1 || (wait.revents & POLLHUP) == 0)
		wrong("expected the end after 5 s, got nothing in 10 s");
	if (now_ms() - begun < READER_MS - 2000)
		wrong("expected the end after 5 s, got it after %d ms", (int)(now_ms() - begun));
}

static void deaf_alone(void)
{
	int deaf = greeted();

	flood(deaf, 500);
	for (unsigned i = 0; i < 10; i++) {
		int64_t begun = now_ms();
		int fd = greeted();
		want_alive(fd);
		hang_up(fd);
		if (now_ms() - begun > 2000)
			wrong("expected others to be served at once, got a reply after %d ms",
			      (int)(now_ms() - begun));
	}
}

static void order_device(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t device, first = 0;

	need_device();
	device = own(fd);
	for (uint32_t i = 0; i < 8; i++) {
		start(&packet, i % 2 == 0 ? CONFIG_READ : DEVICE_INFO, device);
		if (i % 2 == 0)
			put(&packet, HEADER + 2, 2, 2);
		first = i == 0 ? get32(&packet, SERIAL) : first;
		say(fd, &packet, NULL, 0);
	}
	/* DEVICE_INFO is answered at once, but the others keep their order. */
	for (uint32_t i = 0, last = 0; i < 8; i++) {
		if (hear_reply(fd, &packet, 4 * PROMPT_MS) != A_PACKET)
			wrong("expected 8 replies, got %u", i);
		uint32_t serial = get32(&packet, SERIAL);
		if (get(&packet, OPCODE, 2) != CONFIG_READ)
			continue;
		if (serial < last || serial - first >= 8)
			wrong("expected CONFIG_READs in the order of their serials, got %u after %u",
			      serial, last);
		last = serial;
	}
}

static void alloc_at(struct packet *packet, uint32_t handle, uint64_t iova)
{
	alloc_request(packet, handle, PAGE, DMA_READS | DMA_FIXED);
	put(packet, HEADER + 16, 8, iova);
}

static void unmap_at(struct packet *packet, uint32_t handle, uint64_t iova)
{
	start(packet, DMA_UNMAP, handle);
	put(packet, HEADER, 8, iova);
}

static void order_domain(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle, first = 0;

	if ((facts.features & FEATURE_DMA) == 0)
		skip("needs an IOMMU (feature DMA)");
	handle = domain(fd);
	for (uint32_t i = 0; i < 8; i++) {
		alloc_at(&packet, handle, 0x10000000 + i * PAGE);
		first = i == 0 ? get32(&packet, SERIAL) : first;
		say(fd, &packet, NULL, 0);
	}
	for (uint32_t i = 0; i < 8; i++) {
		if (hear_reply(fd, &packet, 4 * PROMPT_MS) != A_PACKET)
			wrong("expected 8 replies, got %u", i);
		packet_drop(&packet);
		if (get32(&packet, SERIAL) != first + i)
			wrong("expected replies in the order of the requests, got request %u at place %u",
			      get32(&packet, SERIAL) - first, i);
	}
}

static void judged_at_arrival(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle;

	if ((facts.features & FEATURE_DMA) == 0)
		skip("needs an IOMMU (feature DMA)");
	handle = domain(fd);
	alloc_at(&packet, handle, 0x10000000);
	say(fd, &packet, NULL, 0);
	unmap_at(&packet, handle, 0x10000000);
	say(fd, &packet, NULL, 0);
	for (unsigned i = 0; i < 2; i++) {
		if (hear_reply(fd, &packet, 4 * PROMPT_MS) != A_PACKET)
			wrong("expected two replies, got %u", i);
		packet_drop(&packet);
		if (get32(&packet, STATUS) != OK)
			wrong("%s right after the other: expected OK, got %s",
			      opcode_name((uint32_t)get(&packet, OPCODE, 2)),
			      status_name(get32(&packet, STATUS)));
	}
}

static void freed_when_replied(void)
{
	struct packet packet;
	int fd = greeted();
	uint32_t handle;

	if ((facts.features & FEATURE_DMA) == 0)
		skip("needs an IOMMU (feature DMA)");
	handle = domain(fd);
	for (unsigned i = 0; i < 10; i++) {
		alloc_at(&packet, handle, 0x10000000);
		want(fd, &packet, OK);
		packet_drop(&packet);
		unmap_at(&packet, handle, 0x10000000);
		want(fd, &packet, OK);
	}
}

/* Closes the device and waits for the event. */
static void freed(int fd, struct packet *packet, uint32_t *handle)
{
	need_device();
	*handle = own(fd);
	close_handle(fd, *handle);
	if (!hear_event(fd, packet, facts.device.address, 4 * PROMPT_MS))
		wrong("expected EVENT_DEVICE after CLOSE, got none");
}

static void event_freed(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = greeted();

	freed(fd, &packet, &handle);
	uint32_t change = body32(&packet, 8);
	if (change != CHANGE_FREED && change != CHANGE_QUARANTINED)
		wrong("expected FREED (5) or QUARANTINED (6) after CLOSE, got %u", change);
	while (hear(fd, &packet, SILENCE_MS) == A_PACKET)
		if (get(&packet, OPCODE, 2) == EVENT_DEVICE && body32(&packet, 8) >= CHANGE_FREED)
			wrong("expected one such event, got a second one");
}

static void event_session(void)
{
	struct packet packet;
	uint32_t handle;
	int fd = greeted();

	freed(fd, &packet, &handle);
	if (get32(&packet, SESSION) != handle)
		wrong("expected the handle that it was, %u, got %u", handle,
		      get32(&packet, SESSION));
}

const struct check flow_checks[] = {
	{ "pipelining", "requests may be sent before replies came", pipelining, false },
	{ "flow-room", "the broker stops reading while replies have no room, and loses none",
	  flow_room, false },
	{ "deaf-dropped", "who does not read is dropped after 5 s", deaf_dropped, true },
	{ "deaf-alone", "others do not notice one who does not read", deaf_alone, false },
	{ "order-device", "requests about a device keep their order", order_device, false },
	{ "order-domain", "requests about a domain keep their order", order_domain, false },
	{ "judged-at-arrival", "DMA_UNMAP may follow DMA_ALLOC at once", judged_at_arrival, false },
	{ "freed-when-replied", "addresses are free when DMA_UNMAP was answered",
	  freed_when_replied, false },
	{ "event-header", "an event has serial 0, status 0 and no descriptor", NULL, false },
	{ "event-after-hello", "no event comes before HELLO was answered", NULL, false },
	{ "event-grace", "grace_ms is 0 but with ASKED_BACK", NULL, false },
	{ "event-freed", "CLOSE of a device is followed by one FREED or QUARANTINED", event_freed,
	  false },
	{ "event-session", "the event names the handle that it was", event_session, false },
	{ .rule = NULL },
};
