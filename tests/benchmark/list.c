/* SPDX-License-Identifier: MIT */
/* bench-list SOCKET ROUNDS: nanoseconds of a whole list of all devices, by ADMIN_DEVICES. */
#include "measure.h"

#include <hwbroker/posix.h>
#include <stdio.h>
#include <stdlib.h>

static int turn_page(struct hwb_client *client, uint64_t *cursor, uint32_t *devices)
{
	static union {
		struct hwb_list_reply head;
		uint64_t room[HWB_MESSAGE_MAX / 8 - 3];
	} page;
	const struct hwb_list_request request = { .cursor = *cursor };
	struct hwb_call call = { .reply = &page, .reply_size = sizeof(page) };

	if (hwb_begin(client, &call, HWB_ADMIN_DEVICES, 0, &request, sizeof(request), -1) != 0 ||
	    hwb_finish(client, &call) != 0)
		return -1;
	*cursor = page.head.next;
	*devices += page.head.count;
	return 0;
}

int main(int argc, char **argv)
{
	static struct hwb_posix posix;
	uint32_t devices = 0, rounds = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;

	if (rounds == 0 || hwb_posix_open(&posix, argv[1], NULL, NULL, NULL) != 0) {
		fputs("Usage: bench-list SOCKET ROUNDS; a broker must be there\n", stderr);
		return EXIT_FAILURE;
	}
	uint64_t start = measure_now();
	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t cursor = 0;
		do {
			if (turn_page(&posix.client, &cursor, &devices) != 0)
				return EXIT_FAILURE;
		} while (cursor != 0);
	}
	measure_print(start, measure_now(), rounds);
	fprintf(stderr, "%u devices\n", devices / rounds);
	hwb_posix_close(&posix);
	return EXIT_SUCCESS;
}
