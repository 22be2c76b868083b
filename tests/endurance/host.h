/* SPDX-License-Identifier: MIT */
/* What the host's kernel says of its devices. */
#ifndef HWBROKER_ENDURANCE_HOST_H
#define HWBROKER_ENDURANCE_HOST_H

#include <stdbool.h>
#include <stddef.h>

struct host_rule {
	const char *address; /* "00:06.0" */
	const char *driver;  /* of the host, which has it back; NULL: the broker may keep it */
};

/* Whether all is as it was left to the host: vfio-pci has none but those that the broker
 * may keep, they cannot reach memory, and no other device has a driver_override. If not,
 * `problem` says what is wrong. */
bool host_is_well(const struct host_rule *rules, size_t count, char *problem, size_t size);

#endif
