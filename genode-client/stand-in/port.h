/* SPDX-License-Identifier: MIT */
/* An IO_PORT session as core has it: one access is one request, in order. */
#ifndef STAND_IN_PORT_H
#define STAND_IN_PORT_H

#include <hwbroker/client.h>

struct ports {
	uint32_t base;
	uint32_t count;
	uint32_t session;
	int result; /* of the last request */
	struct hwb_error error;
};

void port_open(struct ports *ports);

/* By absolute port. What is out of range reads 0 and is not written, as Genode has it. */
uint32_t port_in(struct ports *ports, uint32_t port, uint8_t width);
void port_out(struct ports *ports, uint32_t port, uint8_t width, uint32_t value);

#endif
