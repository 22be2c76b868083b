/* SPDX-License-Identifier: MIT */
/*
 * What VGA cards had before there were BARs, by way of VFIO's descriptor of the card: of a
 * connection that has one, and by the same [memory] and [ports] sections as without. Then an
 * access reaches that card and no other, and the kernel's lockdown is no matter.
 */
#ifndef HWBROKERD_SESSION_VGA_H
#define HWBROKERD_SESSION_VGA_H

#include "session/session.h"

/* Whether all of it is of the window, or among the ports. */
bool vga_has_memory(uint64_t base, uint64_t size);
bool vga_has_ports(uint32_t base, uint32_t count);

/* The VGA card that the connection has, through which it may be reached; NULL: none. */
struct device_session *vga_owner(const struct peer *peer);

/* Places count from 0 in memory, and are numbers of ports. `reach` must live as long. */
struct batch_window vga_memory_window(struct mediated_reach *reach, const struct peer *peer,
                                      struct device *device, const struct hwb_region *region);
struct batch_window vga_ports_window(struct mediated_reach *reach, const struct peer *peer,
                                     struct device *device, uint32_t base, uint32_t count);

#endif
