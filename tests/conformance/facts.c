/* SPDX-License-Identifier: MIT */
/*
 * What the checks need to know, asked of the broker before they start. Nothing is
 * judged here: what is wrong is seen by the checks, and not found is not there.
 */
#include "kit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CANDIDATES = 256 };

struct facts facts = {
	.path = DEFAULT_SOCKET, .any_device = true, .port = 0x40, .ports = 4, .config_write = -1
};

bool is_edu(const struct device_facts *device)
{
	return device->there && device->vendor == 0x1234 && device->id == 0x11e8;
}

/* One request, less formal than those of the checks. */
static bool exchange(int fd, struct packet *packet)
{
	if (!wire_send(fd, packet, NULL, 0, 0))
		return false;
	do {
		if (wire_receive(fd, packet, 4 * PROMPT_MS) != A_PACKET || packet->length < HEADER)
			return false;
	} while (get(packet, KIND, 2) == EVENT);
	return true;
}

static void note_device(struct device_facts *device, const struct packet *packet, size_t record)
{
	*device = (struct device_facts){
		.address = get(packet, record, 8),
		.bar = -1,
		.vendor = (uint32_t)get(packet, record + DEVICE_VENDOR, 2),
		.id = (uint32_t)get(packet, record + DEVICE_ID, 2),
		.pin = packet->bytes[record + DEVICE_PIN],
		.flags = get32(packet, record + DEVICE_FLAGS),
		.msi = (uint32_t)get(packet, record + DEVICE_MSI, 2),
		.msix = (uint32_t)get(packet, record + DEVICE_MSIX, 2),
		.irq_number = get32(packet, record + DEVICE_IRQ_NUMBER),
	};
}

/* Whether it can be had, with a BAR of this kind; fills in the BAR. */
static bool try_device(int fd, struct device_facts *device, bool io)
{
	struct packet packet;
	bool found = false;
	int64_t end = now_ms() + PROMPT_MS;

	for (;;) {
		acquire_request(&packet,
		                &(struct wanted){ .device = device, .flags = ACQUIRE_ALL_BARS });
		if (!exchange(fd, &packet))
			return false;
		if (get32(&packet, STATUS) != BUSY || now_ms() > end)
			break;
		sleep_ms(20);
	}
	if (get32(&packet, STATUS) != OK || packet.length < HEADER + 400) {
		packet_drop(&packet);
		return false;
	}
	packet_drop(&packet);
	for (int bar = 0; bar < 6 && !found; bar++) {
		size_t at = DEVICE_BARS + (size_t)bar * BAR_SIZE_OF;
		uint32_t flags = body32(&packet, at + 16);
		size_t region = ACQUIRE_REGIONS + (size_t)bar * REGION_SIZE_OF;
		if (body32(&packet, region) == 0 || ((flags & BAR_IO) != 0) != io ||
		    (!io && (flags & BAR_PARTIAL_PAGE) != 0))
			continue;
		device->bar = bar;
		device->bar_base = body64(&packet, at);
		device->bar_size = body64(&packet, at + 8);
		found = true;
	}
	uint32_t handle = get32(&packet, SESSION);
	message(&packet, CLOSE, 3, handle, 0);
	exchange(fd, &packet);
	return found;
}

static size_t find_devices(int fd, struct device_facts *devices)
{
	struct packet packet;
	uint64_t cursor = 0;
	size_t count = 0;

	do {
		message(&packet, DEVICE_LIST, 2, 0, 8);
		put(&packet, HEADER, 8, cursor);
		if (!exchange(fd, &packet) || get32(&packet, STATUS) != OK ||
		    packet.length < HEADER + 16)
			return count;
		uint32_t records = body32(&packet, 8), size = body32(&packet, 12);
		for (uint32_t i = 0; i < records && count < CANDIDATES; i++) {
			size_t record = HEADER + LIST_RECORDS + (size_t)i * size;
			if (record + DEVICE_SIZE > packet.length)
				return count;
			note_device(&devices[count++], &packet, record);
		}
		cursor = body64(&packet, 0);
	} while (cursor != 0 && count < CANDIDATES);
	return count;
}

static void choose_devices(int fd)
{
	static struct device_facts devices[CANDIDATES];
	size_t count = find_devices(fd, devices);

	/* First those that the checks can make the most of. */
	for (int pass = 0; pass < 2 && !facts.device.there; pass++) {
		for (size_t i = 0; i < count && !facts.device.there; i++) {
			bool edu = devices[i].vendor == 0x1234 && devices[i].id == 0x11e8;
			bool this_one = facts.any_device
			                        ? edu == (pass == 0)
			                        : devices[i].address == facts.wanted_device;
			if (!this_one || !try_device(fd, &devices[i], false))
				continue;
			facts.device = devices[i];
			facts.device.there = true;
		}
	}
	for (size_t i = 0; i < count && !facts.io.there; i++) {
		if (!try_device(fd, &devices[i], true))
			continue;
		facts.io = devices[i];
		facts.io.there = true;
	}
}

bool find_facts(void)
{
	struct packet packet;
	int fd = wire_connect(facts.path, SOCK_SEQPACKET);

	if (fd < 0) {
		fprintf(stderr, "hwb-conformance: cannot connect to %s: %s\n", facts.path,
		        strerror(errno));
		return false;
	}
	message(&packet, HELLO, 1, 0, 16);
	put(&packet, HEADER, 2, 1);
	put(&packet, HEADER + 2, 2, 1);
	if (!exchange(fd, &packet) || get32(&packet, STATUS) != OK || packet.length < HEADER + 72) {
		fprintf(stderr,
		        "hwb-conformance: the broker at %s refuses this user, or HELLO itself (%s)\n",
		        facts.path,
		        packet.length >= HEADER ? status_name(get32(&packet, STATUS))
		                                : "no answer");
		close(fd);
		return false;
	}
	facts.features = body64(&packet, 8);
	facts.requests_max = body32(&packet, 16);
	facts.sessions_max = body32(&packet, 20);
	facts.dma_bytes_max = body64(&packet, 24);
	facts.dma_mappings_max = body32(&packet, 32);
	facts.page_size = body32(&packet, 36) != 0 ? body32(&packet, 36) : PAGE;
	memcpy(facts.client, packet.bytes + HEADER + 40, 32);
	choose_devices(fd);
	close(fd);
	return true;
}
