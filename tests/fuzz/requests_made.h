/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_REQUESTS_MADE_H
#define FUZZ_REQUESTS_MADE_H

#include "client_side.h"

#include <hwbroker/protocol.h>

union packet {
	struct hwb_header header;
	unsigned char bytes[HWB_MESSAGE_MAX + 8];
	uint64_t words[HWB_MESSAGE_MAX / 8 + 1];
};

/* Makes a request that a client could mean: handles and addresses that there are, if
 * the input does not choose otherwise. Length of the packet. */
size_t make_request(union packet *packet, struct client *client, struct input *input);

#endif
