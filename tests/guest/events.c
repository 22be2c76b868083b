/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <poll.h>
#include <string.h>

struct event heard[EVENTS_MAX];
uint32_t heard_count;

void events_note(void *context, const struct hwb_header *header, const void *body)
{
	const struct hwb_device_event *event = body;
	(void)context;

	if (header->opcode != HWB_EVENT_DEVICE)
		return;
	ck_assert_uint_lt(heard_count, EVENTS_MAX);
	heard[heard_count++] =
	        (struct event){ event->change, header->session, event->grace_ms, event->address };
}

uint32_t events_hear(struct hwb_posix *posix, const char *address, uint32_t change, uint32_t from,
                     int patience_ms)
{
	const struct hwb_pci_address about = guest_address(address);
	struct pollfd ready = { .fd = posix->socket, .events = POLLIN };

	for (int waited = 0;; waited += 20) {
		for (uint32_t i = from; i < heard_count; i++)
			if (heard[i].change == change &&
			    memcmp(&heard[i].address, &about, sizeof(about)) == 0)
				return i;
		ck_assert_msg(waited < patience_ms, "no event %u about %s", change, address);
		if (poll(&ready, 1, 20) == 1)
			ck_assert_int_ge(hwb_receive_ready(&posix->client), 0);
	}
}
