/* SPDX-License-Identifier: MIT */
/* A broker that says what the input says: answers that are almost good, and others. */
#ifndef FUZZ_BROKER_SIDE_H
#define FUZZ_BROKER_SIDE_H

#include "input.h"

#include <hwbroker/protocol.h>

struct said {
	uint64_t packet[HWB_MESSAGE_MAX / 8 + 1];
	size_t length;
	uint32_t fds;
};

/* The next packet, perhaps an answer to this request. */
void broker_says(struct said *said, const struct hwb_header *request, struct input *input);

#endif
