/* SPDX-License-Identifier: MIT */
/* Legacy ports whose holder has the whole machine, or can stop it. */
#ifndef HWBROKERD_POLICY_DANGEROUS_PORTS_H
#define HWBROKERD_POLICY_DANGEROUS_PORTS_H

#include <stdint.h>

struct dangerous_ports {
	uint16_t first;
	uint16_t last;
	const char *reason; /* continues "port 0x.. " */
};

/* The lowest dangerous ports within first..last, NULL: there are none. */
const struct dangerous_ports *dangerous_ports_find(uint16_t first, uint16_t last);

#endif
