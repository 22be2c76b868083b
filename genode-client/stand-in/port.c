/* SPDX-License-Identifier: MIT */
#include "port.h"

#include "broker.h"

void port_open(struct ports *ports)
{
	ports->result = hwb_io_port_open(broker(), ports->base, ports->count, &ports->session,
	                                 &ports->error);
}

static uint32_t reach(struct ports *ports, struct hwb_port_op op, uint32_t port)
{
	if (port < ports->base || port + op.width > ports->base + ports->count)
		return 0;
	op.port = (uint16_t)port;
	ports->result = hwb_io_port_batch(broker(), ports->session, &op, 1, &ports->error);
	return ports->result == 0 ? op.value : 0;
}

uint32_t port_in(struct ports *ports, uint32_t port, uint8_t width)
{
	return reach(ports, (struct hwb_port_op){ 0, HWB_PORT_IN, width, 0 }, port);
}

void port_out(struct ports *ports, uint32_t port, uint8_t width, uint32_t value)
{
	reach(ports, (struct hwb_port_op){ 0, HWB_PORT_OUT, width, value }, port);
}
