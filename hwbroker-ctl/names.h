/* SPDX-License-Identifier: MIT */
#ifndef HWBROKER_CTL_NAMES_H
#define HWBROKER_CTL_NAMES_H

#include <hwbroker/protocol.h>
#include <stdbool.h>
#include <stddef.h>

/* What pci.ids calls the device, or its numbers if it has no name there. Read
 * here and not in the daemon, which parses no large text file as root. */
void names_device(const struct hwb_device *device, char *text, size_t size);
/* Reads pci.ids no more. */
void names_end(void);

const char *names_state(uint32_t state);
const char *names_session(uint32_t kind);
/* "granted", "asked-back": what happened, as the daemon's log has it. */
const char *names_happening(uint32_t kind);

/* "0000:00:03.0". */
void names_address(const struct hwb_pci_address *address, char text[32]);

/* The same of a physical function, which `virtual` is one of: `physical_function`. */
void names_physical(const struct hwb_pci_address *virtual, uint16_t function, char text[32]);

/* The same read, with or without the domain. False: not an address. */
bool names_read_address(const char *text, struct hwb_pci_address *address);

/* "512 B", "4 KiB", "1.5 GiB". */
void names_size(uint64_t bytes, char text[16]);

/* "12 s", "3 min", "5 h", "2 d". */
void names_duration(uint64_t milliseconds, char text[16]);

#endif
